"""A mapping as SQL: from a row's found texts to the columns of the landing record and the reason of a refusal.

The statement is a chain of layers, each a plain projection, so that DuckDB streams it and nothing is computed twice:
``found`` (one text per path) → ``mapped`` (one text per column) → ``typed`` → ``checked`` (with a reason).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

from ingestion.logs.mapping import (
    COLUMNS,
    EPOCHS,
    ID_COLUMN,
    INPUT_PARTS,
    OUTPUT_PARTS,
    REQUIRED,
    TOKEN_PARTS,
    Conditions,
    Day,
    Duration,
    Hashed,
    Instant,
    Mapping,
    Money,
    Score,
    Test,
    Total,
    Value,
)
from ingestion.logs.paths import Path, identifier, literal, parse_path
from ingestion.logs.scrub import API_KEY, CREDENTIAL
from ingestion.records import STREAMS

MAX_TOKENS = 50_000_000
TAG_LENGTH = 256
ERROR_LENGTH = 120
FINISH_LENGTH = 40
_ZONED = r"[ T]\d{2}:\d{2}(:\d{2}([.]\d+)?)? ?(Z|UTC|[+-]\d{2}(:?\d{2})?)$"
_LITERAL = re.compile(r"'(?:[^']|'')*'")
_OWNERS = ("team", "feature", "environment", "customer_id")
_TIER_WORDS = {
    "standard": ("default", "auto", "on_demand", "standard_only", "unspecified", "not_available"),
    "priority": ("on_demand_priority",),
    "flex": ("on_demand_flex",),
    "scale": ("provisioned_throughput", "scale_tier"),
    "batch": ("batches",),
}
_FINISH_WORDS = {
    "stop": ("end_turn", "stop_sequence", "completed", "complete", "eos", "eos_token"),
    "length": ("max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded", "token_limit"),
    "tool_calls": ("tool_use", "tool_call", "function_call"),
    "content_filter": (
        "content_filtered",
        "guardrail_intervened",
        "refusal",
        "safety",
        "recitation",
        "prohibited_content",
        "blocklist",
        "spii",
    ),
}
_MICROSECONDS = {"seconds": 1_000_000, "milliseconds": 1_000, "microseconds": 1}
_SECONDS = {"seconds": "1", "milliseconds": "1e-3", "microseconds": "1e-6", "nanoseconds": "1e-9"}
_ARROW_TO_SQL = {
    "string": "varchar",
    "int64": "bigint",
    "double": "double",
    "bool": "boolean",
    "date32[day]": "date",
    "timestamp[us, tz=UTC]": "timestamptz",
}


@dataclass(frozen=True)
class Slot:
    """One path that a reader must deliver as a text column.

    Attributes:
        name: The column's name.
        path: Where it is found.
        is_money: The digits must be those of the file: a JSON number must not pass through a float.
        is_hashed: Nothing but a keyed hash is made of it: it may be a prompt, so no refused row may keep it either.
    """

    name: str
    path: Path
    is_money: bool
    is_hashed: bool = False


class Program:
    """A mapping, compiled for one source and one moment.

    Args:
        mapping: The checked mapping.
        source_name, account_id: Constants of the source; an account of None is not known.
        now: The load's clock; rows more than a day after it are refused.
    """

    def __init__(self, mapping: Mapping, *, source_name: str, account_id: str | None, now: datetime) -> None:
        self.mapping = mapping
        self._source_name = source_name
        self._account_id = account_id
        self._latest = literal((now.astimezone(UTC) + timedelta(days=1)).isoformat())
        self._layouts = mapping.layouts()
        self._mapped = mapping.mapped()
        self.tags = dict(_tag_values(mapping))
        self.slots = {slot.path.text: slot for slot in self._make_slots()}

    @property
    def has_hashes(self) -> bool:
        """Whether the statement calls ``keyed_hash(text)``, which its connection must know."""
        return any(slot.is_hashed for slot in self.slots.values())

    def _make_slots(self) -> Iterator[Slot]:
        money: set[str] = set()
        hashed: set[str] = set()
        paths: dict[str, Path] = {}
        for layout in self._layouts:
            for name, value in layout.items():
                for path in value.paths():
                    paths.setdefault(path.text, path)
                    if isinstance(value, Money):
                        money.add(path.text)
                    if COLUMNS[self.mapping.table][name] is Hashed:
                        hashed.add(path.text)
        for value in self.tags.values():
            paths.update({path.text: path for path in value.paths()})
        for conditions in (self.mapping.keep, self.mapping.drop, *(variant.when for variant in self.mapping.variants)):
            paths.update({path.text: path for path in conditions.paths()} if conditions else {})
        if self.mapping.tags.from_list:
            paths[self.mapping.tags.from_list] = parse_path(self.mapping.tags.from_list)
        for number, (text, path) in enumerate(paths.items()):
            yield Slot(f"v{number}", path, text in money, text in hashed)

    # ------------------------------------------------------------ the statement

    def statement(self, rows_sql: str, *, quarantined_text: str) -> str:
        """Select the record's columns that vary, ``line_id`` (unique in the file), ``reason`` and ``raw_text``.

        Args:
            rows_sql: A relation with ``line``, ``item``, ``problem``, ``raw`` and a text for each slot.
            quarantined_text: SQL that makes the storable text out of ``raw``; evaluated for refused rows only.
        """
        return f"""
            with found as (select * from ({rows_sql}) as file_rows where {self._wanted()}),
            laid_out as (select *, {self._variant_number()} as layout from found),
            mapped as (select line, item, problem, raw, layout, {", ".join(self._texts())} from laid_out),
            typed as (select {", ".join(["*", *self._typed()])} from mapped),
            checked as (select *, {self._reason()} as reason from typed)
            select {", ".join(self._record())}, reason,
                case when reason is not null then {quarantined_text} end as raw_text
            from checked
        """

    def _wanted(self) -> str:
        keep = self._holds(self.mapping.keep) if self.mapping.keep else "true"
        drop = self._holds(self.mapping.drop) if self.mapping.drop else "false"
        return f"problem is not null or ({keep} and not {drop})"

    def _holds(self, conditions: Conditions) -> str:
        groups = (
            " and ".join(self._test(self.slots[path].name, test) for path, test in group.items())
            for group in conditions.groups
        )
        return "coalesce(" + " or ".join(f"({group})" for group in groups) + ", false)"

    def _test(self, found: str, test: Test) -> str:
        if test.equals is not None:
            return f"coalesce({found} in ({', '.join(map(literal, test.equals))}), false)"
        if test.exists is not None:
            return f"{found} is {'not ' if test.exists else ''}null"
        return f"coalesce(regexp_matches({found}, {literal(test.pattern or '')}), false)"

    def _variant_number(self) -> str:
        whens = "".join(
            f" when {self._holds(variant.when)} then {number}"
            for number, variant in enumerate(self.mapping.variants, start=1)
        )
        return f"case{whens} else 0 end" if whens else "0"

    # ------------------------------------------------------------ texts

    def _texts(self) -> Iterator[str]:
        for name in self._mapped:
            yield f"{self._by_layout(name, self._text)} as {identifier('x_' + name)}"
        for name, value in self.tags.items():
            yield f"left({self._text(value)}, {TAG_LENGTH}) as {identifier('tag_' + name)}"

    def _by_layout(self, name: str, make: Callable[[Value], str], absent: str = "null") -> str:
        """The expression of a column, chosen by the row's layout where layouts differ."""
        parts = [make(layout[name]) if name in layout else absent for layout in self._layouts]
        whens = "".join(f" when {number} then {part}" for number, part in enumerate(parts) if part != parts[0])
        return f"case layout{whens} else {parts[0]} end" if whens else parts[0]

    def _text(self, value: Value) -> str:
        if value.column is not None:
            sql = self.slots[value.column].name
        elif value.constant is not None:
            sql = literal(value.constant)
        elif value.first_of is not None:
            sql = f"coalesce({', '.join(self._text(part) for part in value.first_of)})"
        elif value.sum_of is not None:
            sql = _sum([self._text(part) for part in value.sum_of])
        else:
            sql = "(" + " || ':' || ".join(self._text(part) for part in value.join or ()) + ")"
        if value.pattern is not None:
            group = 1 if re.search(r"(?<!\\)\((?!\?)", value.pattern) else 0
            sql = f"nullif(regexp_extract({sql}, {literal(value.pattern)}, {group}), '')"
        if value.url_decoded:
            # A text that only looks encoded stays as it is.
            sql = f"coalesce(try(url_decode({sql})), {sql})"
        if value.map is not None:
            sql = _mapped_text(sql, value.map)
        return f"coalesce({sql}, {literal(value.default)})" if value.default is not None else sql

    # ------------------------------------------------------------ types

    def _typed(self) -> Iterator[str]:
        for name in self._mapped:
            shape = COLUMNS[self.mapping.table][name].shape
            text = identifier("x_" + name)
            if shape in _CONVERSIONS:
                convert = partial(_CONVERSIONS[shape], text=text)
                yield f"{self._by_layout(name, convert)} as {identifier('y_' + name)}"

    # ------------------------------------------------------------ refusals

    def _reason(self) -> str:
        table = self.mapping.table
        checks = [("problem is not null", "problem")]
        if ID_COLUMN[table] in self._mapped:
            checks.append((f"x_{ID_COLUMN[table]} is null", literal(f"The row has no {ID_COLUMN[table]}.")))
        for shapes in (("instant", "day"), ("text",), ("whole",)):
            checks += [check for name in self._mapped for check in self._column_checks(name, shapes)]
        if table == "requests":
            checks += self._token_checks()
        for shapes in (("duration",), ("boolean",), ("money",), ("score",)):
            checks += [check for name in self._mapped for check in self._column_checks(name, shapes)]
        if table == "outcomes":
            checks += self._outcome_checks()
        if table == "revenue":
            checks += self._revenue_checks()
        return "case " + " ".join(f"when {condition} then {reason}" for condition, reason in checks) + " end"

    def _column_checks(self, name: str, shapes: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        shape = COLUMNS[self.mapping.table][name].shape
        if shape not in shapes:
            return
        text, typed = f"x_{name}", f"y_{name}"
        if name in REQUIRED[self.mapping.table]:
            yield f"{text} is null", literal(f"The row has no {name}.")
        if shape == "instant":
            unzoned = self._by_layout(name, partial(_unzoned, text=text), "false")
            yield f"{typed} is null and {unzoned}", literal(f"{name} has no time zone.")
        for condition, what in _shape_checks(name, shape, text, typed, self._latest):
            yield condition, literal(f"{name} {what}")

    def _token_checks(self) -> Iterator[tuple[str, str]]:
        if "cache_write_tokens" in self._mapped and "cache_write_1h_tokens" in self._mapped:
            yield (
                "y_cache_write_1h_tokens > y_cache_write_tokens",
                literal("The parts of cache_write_tokens exceed it."),
            )
        for name, parts in (("input_tokens", INPUT_PARTS), ("output_tokens", OUTPUT_PARTS)):
            if name in self._mapped:
                yield f"y_{name} < {self._included(name, parts)}", literal(f"The parts of {name} exceed it.")
        if self.mapping.usage_missing == "quarantine":
            yield f"not {self._has_usage()}", literal("The row has no token usage.")

    def _outcome_checks(self) -> Iterator[tuple[str, str]]:
        links = [f"x_{name}" for name in ("request_id", "session_id", "trace_id") if name in self._mapped]
        yield f"coalesce({', '.join([*links, 'null'])}) is null", literal("The row has no request, session or trace.")

    def _revenue_checks(self) -> Iterator[tuple[str, str]]:
        yield "y_period_end_date < y_period_start_date", literal("The period ends before it starts.")
        if "currency" in self._mapped:
            yield (
                "not regexp_full_match(upper(x_currency), '[A-Z]{3}')",
                literal("currency is not a three-letter code."),
            )

    # ------------------------------------------------------------ tokens

    def _has_usage(self) -> str:
        names = [name for name in self._mapped if name in _USAGE_COLUMNS]
        return f"(coalesce({', '.join(f'y_{name}' for name in names)}, null) is not null)" if names else "false"

    def _part(self, part: str, parts: dict[str, tuple[str, ...]]) -> str:
        if part == "cache_write":
            return self._cache_write()
        column = parts[part][0]
        return f"coalesce(y_{column}, 0)" if column in self._mapped else "0"

    def _cache_write(self) -> str:
        """All cache writes of a row, 0 if none are mentioned."""
        split = [f"coalesce(y_{name}, 0)" for name in INPUT_PARTS["cache_write"][1:] if name in self._mapped]
        total = [f"y_{name}" for name in INPUT_PARTS["cache_write"][:1] if name in self._mapped]
        if total and split:
            return f"greatest(coalesce({total[0]}, 0), {' + '.join(split)})"
        return f"coalesce({total[0]}, 0)" if total else f"({' + '.join(split)})" if split else "0"

    def _included(self, name: str, parts: dict[str, tuple[str, ...]]) -> str:
        """The sum of the parts that a total contains."""

        def total(value: Value) -> str:
            includes = _includes(name, value)
            return "(" + " + ".join(["0", *(self._part(part, parts) for part in includes)]) + ")"

        return self._by_layout(name, total, "0")

    def _token_column(self, name: str) -> str:
        has_usage, mapped = self._has_usage(), name in self._mapped
        absent = "0" if self.mapping.usage_missing == "zero" else "null"
        if name == "uncached_input_tokens" and "input_tokens" in self._mapped:
            value = f"y_input_tokens - {self._included('input_tokens', INPUT_PARTS)}"
            value = f"coalesce({value}, y_uncached_input_tokens)" if mapped else value
        elif name == "uncached_input_tokens" and mapped:
            value = f"y_{name}"
        elif name == "output_tokens" and mapped:
            value = f"coalesce(y_output_tokens, 0) - {self._shift_output()}"
        elif name == "cache_write_5m_tokens" and "cache_write_tokens" in self._mapped:
            one_hour = "coalesce(y_cache_write_1h_tokens, 0)" if "cache_write_1h_tokens" in self._mapped else "0"
            value = f"coalesce(y_cache_write_tokens - {one_hour}, {'y_' + name if mapped else 'null'}, 0)"
        elif mapped:
            value = f"coalesce(y_{name}, 0)"
        else:
            return "null"
        return f"case when {has_usage} then {value} else {absent} end"

    def _shift_output(self) -> str:
        """What to take off the mapped output number: its audio and image parts; reasoning it lacks counts negative."""

        def shift(value: Value) -> str:
            includes = _includes("output_tokens", value)
            sql = " + ".join(["0", *(self._part(p, OUTPUT_PARTS) for p in includes if p != "reasoning")])
            return f"({sql})" if "reasoning" in includes else f"({sql} - {self._part('reasoning', OUTPUT_PARTS)})"

        return self._by_layout("output_tokens", shift, "0")

    # ------------------------------------------------------------ the record

    def constants(self) -> dict[str, str]:
        """Columns of the record that are the same in every row, as SQL; ``statement`` leaves them out."""
        expressions = ((name, self._column(name)) for name in self._record_names())
        return {name: sql for name, sql in expressions if sql == "null" or _LITERAL.fullmatch(sql)}

    def _record_names(self) -> list[str]:
        return [name for name in STREAMS[self.mapping.table].schema.names if name not in ("file_name", "file_line")]

    def _record(self) -> Iterator[str]:
        constants, schema = self.constants(), STREAMS[self.mapping.table].schema
        for name in self._record_names():
            if name not in constants:
                sql_type = _ARROW_TO_SQL[str(schema.field(name).type)]
                yield f"try_cast({self._column(name)} as {sql_type}) as {identifier(name)}"
        yield "line as file_line"
        yield "case when item is null then line::varchar else line || ':' || item end as line_id"

    def _column(self, name: str) -> str:
        special = {
            "source_name": lambda: literal(self._source_name),
            "account_id": lambda: self._with_default(
                name, "null" if self._account_id is None else literal(self._account_id)
            ),
            "operation_name": lambda: self._with_default(name, "'chat'"),
            "currency": lambda: f"upper({self._with_default(name, literal('USD'))})",
            "service_tier": lambda: _canonical_tier("x_service_tier") if name in self._mapped else "null",
            "finish_reason": lambda: _canonical_finish("x_finish_reason") if name in self._mapped else "null",
            "api_key_id": lambda: _hashed_key("x_api_key_id") if name in self._mapped else "null",
            # Providers repeat a part of the key, and of the prompt, in what they call an error.
            "error_type": lambda: _redacted(f"left(x_error_type, {ERROR_LENGTH})") if name in self._mapped else "null",
            "duration_seconds": self._duration_column,
            "tags_json": self._tags_json,
        }
        if name in special:
            return special[name]()
        if name in TOKEN_PARTS:
            return self._token_column(name)
        if self.mapping.table == "requests" and name == "is_success":
            return self._is_success()
        if name in _OWNERS and name not in self._mapped:
            return identifier("tag_" + name) if name in self.tags else "null"
        if name not in self._mapped:
            return "null"
        typed = COLUMNS[self.mapping.table][name].shape != "text"
        return identifier(("y_" if typed else "x_") + name)

    def _with_default(self, name: str, default: str) -> str:
        return f"coalesce(x_{name}, {default})" if name in self._mapped else default

    def _duration_column(self) -> str:
        sql = "y_duration_seconds" if "duration_seconds" in self._mapped else "null"
        if "ended_at" in self._mapped:
            sql = f"coalesce({sql}, "
            sql += (
                "case when y_ended_at >= y_started_at then (epoch_us(y_ended_at) - epoch_us(y_started_at)) * 1e-6 end)"
            )
        return sql

    def _is_success(self) -> str:
        signs = ["false"]
        signs += ["coalesce(y_status_code >= 400, false)"] if "status_code" in self._mapped else []
        signs += ["x_error_type is not null"] if "error_type" in self._mapped else []
        derived = f"not ({' or '.join(signs)})"
        return f"coalesce(y_is_success, {derived})" if "is_success" in self._mapped else derived

    def _tags_json(self) -> str:
        if not self.tags:
            return "null"
        pairs = (
            f"case when {tag} is not null then {literal(_json_key(name))} || to_json({tag})::varchar end"
            for name, tag in ((name, identifier("tag_" + name)) for name in sorted(self.tags))
        )
        inner = f"nullif(concat_ws(',', {', '.join(pairs)}), '')"
        return f"'{{' || {_redacted(inner)} || '}}'"


_USAGE_COLUMNS = {*TOKEN_PARTS, "input_tokens", "cache_write_tokens"}


def _tag_values(mapping: Mapping) -> Iterator[tuple[str, Value]]:
    tags = mapping.tags
    for key in tags.keep:
        parts = []
        if tags.from_map is not None:
            dot = " " if tags.from_map.rstrip().endswith("=>") else "."
            parts.append(Value(column=f'{tags.from_map}{dot}"{key}"'))
        if tags.from_list is not None:
            parts.append(Value(column=tags.from_list, pattern=f'"{re.escape(key)}:([^"]*)"'))
        yield key, parts[0] if len(parts) == 1 else Value(first_of=tuple(parts))
    yield from tags.columns.items()


def _json_key(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '":'


def _includes(name: str, value: Value) -> tuple[str, ...]:
    includes = value.includes if isinstance(value, Total) else None
    if includes is None:
        return ("reasoning",) if name == "output_tokens" else ()
    return includes


def _sum(texts: list[str]) -> str:
    """The sum of the numbers that are there, null if none is; a part that is no number stands for the sum."""
    wrong = "".join(f" when try_cast({text} as double) is null and {text} is not null then {text}" for text in texts)
    total = " + ".join(f"coalesce(try_cast({text} as double), 0)" for text in texts)
    return f"case{wrong} when coalesce({', '.join(texts)}) is not null then ({total})::varchar end"


def _mapped_text(sql: str, words: dict[str, str]) -> str:
    whens = "".join(f" when {literal(key)} then {literal(to)}" for key, to in words.items() if key != "*")
    rest = f"case when {sql} is not null then {literal(words['*'])} end" if "*" in words else sql
    return f"case {sql}{whens} else {rest} end" if whens else rest


def _shape_checks(name: str, shape: str, text: str, typed: str, latest: str) -> Iterator[tuple[str, str]]:
    missing = f"({text} is not null and {typed} is null)"
    if shape == "instant":
        yield missing, "is not a time."
        yield f"{typed} > timestamptz {latest}", "is in the future."
        yield f"{typed} < timestamptz '2015-01-01 00:00:00+00'", "is before the year 2015."
    elif shape == "day":
        yield missing, "is not a date."
        yield f"{typed} < date '2015-01-01'", "is before the year 2015."
        yield f"{typed} > date '2099-12-31'", "is after the year 2099."
    elif shape == "whole":
        yield (
            f"{text} is not null and ({typed} is null or not isfinite({typed}) or {typed} <> trunc({typed}))",
            ("is not a whole number."),
        )
        if name == "status_code":
            yield f"{typed} not between 0 and 999", "is not between 0 and 999."
        elif name == "attempt_number":
            yield f"{typed} not between 1 and 1000", "is not between 1 and 1000."
        else:
            yield f"{typed} < 0", "is negative."
            yield f"{typed} > {MAX_TOKENS}", "is above 50 million."
    elif shape == "duration":
        yield f"{text} is not null and ({typed} is null or not isfinite({typed}))", "is not a number."
        yield f"{typed} < 0", "is negative."
    elif shape == "boolean":
        yield missing, "is not true or false."
    elif shape == "money":
        yield missing, "is not an amount of money."
        if name == "reported_cost_usd":
            yield f"starts_with({typed}, '-')", "is negative."
    elif shape == "score":
        yield f"{text} is not null and ({typed} is null or not isfinite({typed}))", "is not a number."
        scale = "its scale, which is 0 to 1 unless the mapping gives a range, such as range: [1, 5]."
        yield f"{typed} > 1", f"is above {scale}"
        yield f"{typed} < 0", f"is below {scale}"


def _instant(value: Value, text: str) -> str:
    assert isinstance(value, Instant)  # noqa: S101 - COLUMNS decides the class
    if value.offset_from is not None:
        base = literal(value.offset_from.astimezone(UTC).isoformat())
        offset = f"try_cast(try_cast({text} as decimal(20, 6)) * {_MICROSECONDS[value.unit]} as bigint)"
        return f"timestamptz {base} + to_microseconds({offset})"
    if value.format in EPOCHS:
        return _epoch(value.format, text)
    if value.format == "rfc3339":
        naive = f"try_cast({text} as timestamp)"
        local = f"timezone({literal(value.assume_timezone)}, {naive})" if value.assume_timezone else "null"
        return f"case when {_is_zoned(text)} then try_cast(upper({text}) as timestamptz) else {local} end"
    parsed = f"try_strptime({text}, {literal(value.format)})"
    return parsed if "%z" in value.format else f"timezone({literal(value.assume_timezone or 'UTC')}, {parsed})"


def _is_zoned(text: str) -> str:
    return f"(ends_with({text}, 'Z') or regexp_matches(upper({text}), {literal(_ZONED)}))"


def _unzoned(value: Value, text: str) -> str:
    assert isinstance(value, Instant)  # noqa: S101 - COLUMNS decides the class
    if value.format != "rfc3339" or value.assume_timezone or value.offset_from is not None:
        return "false"
    return f"{text} is not null and not {_is_zoned(text)} and try_cast({text} as timestamp) is not null"


def _epoch(format_: str, text: str) -> str:
    """The decimals hold every instant up to the year 5000 and cannot overflow when they are scaled."""
    if format_ == "epoch_nanoseconds":
        return f"make_timestamptz(try_cast({text} as bigint) // 1000)"
    digits, factor = {
        "epoch_seconds": (9, 1_000_000),
        "epoch_milliseconds": (6, 1_000),
        "epoch_microseconds": (3, 1),
    }[format_]
    scaled = f"try_cast({text} as decimal(20, {digits})) * {factor}"
    return f"make_timestamptz(try_cast(floor({scaled}) as bigint))"


def _day(value: Value, text: str) -> str:
    assert isinstance(value, Day)  # noqa: S101 - COLUMNS decides the class
    parsed = f"try_cast({text} as date)"
    if value.format != "iso":
        parsed = f"try_cast(try_strptime({text}, {literal(value.format)}) as date)"
    return f"last_day({parsed})" if value.month_end else parsed


def _duration(value: Value, text: str) -> str:
    assert isinstance(value, Duration)  # noqa: S101 - COLUMNS decides the class
    return f"try_cast({text} as double) * {_SECONDS[value.unit]}"


def _score(value: Value, text: str) -> str:
    assert isinstance(value, Score)  # noqa: S101 - COLUMNS decides the class
    low, high = (Decimal(str(edge)) for edge in value.range)
    return f"(try_cast({text} as double) - ({low})::double) / ({high - low})::double"


def _boolean(text: str) -> str:
    return (
        f"case when lower({text}) in ('true', 't', 'yes', 'y', '1') then true "
        f"when lower({text}) in ('false', 'f', 'no', 'n', '0') then false end"
    )


def _money(value: Value, text: str) -> str:
    """Exact decimal text without exponent: cents and exponents only move the point."""
    assert isinstance(value, Money)  # noqa: S101 - COLUMNS decides the class
    moved = _with_point_moved(text, -2 if value.unit == "cents" else 0)
    number = rf"regexp_full_match({text}, '[-+]?(\d+[.]?\d*|[.]\d+)([eE][-+]?\d{{1,2}})?')"
    moved = f"case when {number} and try_cast({moved} as decimal(38, 18)) is not null then {moved} end"
    if value.unit == "cents":
        return moved
    return rf"case when regexp_full_match({text}, '-?\d{{1,18}}([.]\d+)?') then {text} else {moved} end"


def _with_point_moved(text: str, places: int) -> str:
    """A number in any notation as plain digits, its point moved by its exponent and some places more."""
    whole = rf"regexp_extract({text}, '^[-+]?(\d*)', 1)"
    digits = rf"({whole} || regexp_extract({text}, '[.](\d*)', 1))"
    exponent = rf"coalesce(try_cast(regexp_extract({text}, '[eE]([-+]?\d+)$', 1) as bigint), 0)"
    point = f"(length({whole}) + {exponent} + {places})"
    plain = (
        f"case when {point} <= 0 then '0.' || repeat('0', -{point}) || {digits} "
        f"when {point} >= length({digits}) then {digits} || repeat('0', {point} - length({digits})) "
        f"else left({digits}, {point}) || '.' || substring({digits}, {point} + 1) end"
    )
    return rf"(case when starts_with({text}, '-') then '-' else '' end || regexp_replace({plain}, '^0+(\d)', '\1'))"


def _canonical_tier(text: str) -> str:
    whens = "".join(
        f" when lower({text}) in ({', '.join(map(literal, words))}) then {literal(tier)}"
        for tier, words in _TIER_WORDS.items()
    )
    return f"case{whens} else lower({text}) end"


def _canonical_finish(text: str) -> str:
    """One word for each way an answer ends; another word stays as received, cut, and without secrets."""
    word = f"replace(lower({text}), '-', '_')"
    whens = "".join(
        f" when {word} in ({', '.join(map(literal, (reason, *words)))}) then {literal(reason)}"
        for reason, words in _FINISH_WORDS.items()
    )
    return f"case{whens} else {_redacted(f'left({text}, {FINISH_LENGTH})')} end"


def _redacted(text: str) -> str:
    return f"regexp_replace({text}, {literal(CREDENTIAL)}, '[redacted]', 'g')"


def _hashed_key(text: str) -> str:
    """A raw key must not land; its hash still tells keys apart."""
    return (
        f"case when regexp_full_match({text}, {literal(API_KEY)}) "
        f"then 'sha256:' || left(sha256({text}), 16) else {text} end"
    )


_CONVERSIONS: dict[str, Callable[..., str]] = {
    "whole": lambda _, text: f"try_cast({text} as double)",
    "duration": _duration,
    "score": _score,
    "boolean": lambda _, text: _boolean(text),
    "hash": lambda _, text: f"keyed_hash({text})",
    "money": _money,
    "instant": _instant,
    "day": _day,
}
"""SQL of the typed value, null if the text is none, by the shape of the column."""
