"""OTLP JSON lines (the Collector's file exporter) as one JSON object a span.

Each object has ``trace_id, span_id, parent_span_id, name, started_ns, ended_ns, status_code, scope``, and as flat
objects of text its ``attributes``, those of its ``resource``, of the span around it (``parent``) and of the trace's
outermost span (``root``), as far as these are in the same file. Only attributes that the mapping names are read.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from ingestion.logs.compiler import Slot
from ingestion.logs.paths import literal

_ATTRIBUTES = (
    '[{"key":"VARCHAR","value":{"stringValue":"VARCHAR","intValue":"VARCHAR","doubleValue":"VARCHAR",'
    '"boolValue":"VARCHAR","arrayValue":"VARCHAR","kvlistValue":"VARCHAR"}}]'
)
_SPAN = (
    '{"traceId":"VARCHAR","spanId":"VARCHAR","parentSpanId":"VARCHAR","name":"VARCHAR","startTimeUnixNano":"VARCHAR",'
    '"endTimeUnixNano":"VARCHAR","status":{"code":"VARCHAR"},"attributes":"JSON"}'
)
NOT_OTLP = "The line is no OTLP trace export (resourceSpans)."
_HOLDERS = ("attributes", "parent", "root")


def span_rows(connection: duckdb.DuckDBPyConnection, lines: str, slots: Iterable[Slot]) -> str:
    """Unpack the lines into a table and return the SQL that reads its spans, each with its parent and its root."""
    slots = list(slots)
    own = _named(slots, _HOLDERS)
    resource = _named(slots, ("resource",))
    connection.execute(f"""
        create temp table otlp_spans as
        with resources as (
            select line, coalesce(problem, case when json_extract(readable, '$.resourceSpans') is null
                    then {literal(NOT_OTLP)} end) as problem,
                raw as line_raw,
                unnest(case when json_extract(readable, '$.resourceSpans') is null then [null]
                    else json_extract(readable, '$.resourceSpans[*]') end) as resource_span
            from (select *, case when problem is null then raw end as readable from ({lines}))
        ),
        scopes as (
            select line, problem, line_raw,
                {_flat("json_extract(resource_span, '$.resource.attributes')", resource)} as resource,
                unnest(case when problem is null then json_extract(resource_span, '$.scopeSpans[*]') else [null] end)
                    as scope_span
            from resources
        ),
        spans as (
            select line, problem, line_raw, resource, json_extract_string(scope_span, '$.scope.name') as scope,
                unnest(case when problem is null then json_extract(scope_span, '$.spans[*]') else [null] end) as span
            from scopes
        ),
        read as (
            select * exclude (span), from_json(span, {literal(_SPAN)}) as span from spans
        )
        select line, row_number() over (partition by line) - 1 as item, problem,
            case when problem is not null then line_raw end as line_raw,
            resource, scope, span.traceId as trace_id, span.spanId as span_id,
            nullif(span.parentSpanId, '') as parent_span_id, span.name as name,
            span.startTimeUnixNano as started_ns, span.endTimeUnixNano as ended_ns, span.status.code as status_code,
            {_flat("span.attributes", own)} as attributes
        from read
    """)
    return f"""
        with ids as (
            select trace_id, span_id, any_value(attributes) as attributes
            from otlp_spans where span_id is not null group by trace_id, span_id
        ),
        roots as (
            select trace_id, any_value(attributes) as attributes
            from otlp_spans where parent_span_id is null and trace_id is not null group by trace_id
        )
        select otlp_spans.line, otlp_spans.item, otlp_spans.problem, null as parent,
            coalesce(otlp_spans.line_raw, {_SPAN_JSON}) as raw
        from otlp_spans
        left join ids on otlp_spans.trace_id = ids.trace_id and otlp_spans.parent_span_id = ids.span_id
        left join roots on otlp_spans.trace_id = roots.trace_id
    """


def count_rows(connection: duckdb.DuckDBPyConnection) -> int:
    """Spans, and lines that hold none that can be read."""
    row = connection.execute("select count(*) from otlp_spans").fetchone()
    return int(row[0]) if row else 0


_SPAN_JSON = (
    "'{' || concat_ws(',', "
    + ", ".join(
        f"case when otlp_spans.{name} is not null then '\"{name}\":' || to_json(otlp_spans.{name})::varchar end"
        for name in (
            "trace_id",
            "span_id",
            "parent_span_id",
            "name",
            "started_ns",
            "ended_ns",
            "status_code",
            "scope",
        )
    )
    + ", '\"attributes\":' || otlp_spans.attributes, '\"resource\":' || otlp_spans.resource"
    + ", '\"parent\":' || ids.attributes, '\"root\":' || roots.attributes) || '}'"
)


def _named(slots: Iterable[Slot], holders: tuple[str, ...]) -> list[str]:
    """Keys of attributes that some path below one of the holders names."""
    hops = (slot.path.hops[0] for slot in slots)
    return sorted({str(hop[1]) for hop in hops if len(hop) > 1 and hop[0] in holders})


def _flat(attributes: str, keys: list[str]) -> str:
    """A list of OTLP key-value pairs as the text of a flat JSON object, with only those keys."""
    wanted = ", ".join(map(literal, keys)) or "''"
    value = (
        "coalesce(a.value.stringValue, a.value.intValue, a.value.doubleValue, a.value.boolValue, "
        "a.value.arrayValue, a.value.kvlistValue)"
    )
    pairs = (
        f"list_transform(list_filter(from_json({attributes}, {literal(_ATTRIBUTES)}), lambda a: a.key in ({wanted})), "
        f"lambda a: to_json(a.key)::varchar || ':' || coalesce(to_json({value})::varchar, 'null'))"
    )
    return f"'{{' || coalesce(array_to_string({pairs}, ','), '') || '}}'"
