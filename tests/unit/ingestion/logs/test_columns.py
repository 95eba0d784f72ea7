"""How the values of a row become columns of the record."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.unit.ingestion.logs.conftest import LINE, MAPPING, Workshop


def _with(**changes: Any) -> dict[str, Any]:
    return {**MAPPING, **changes}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("nested.deep.model", "a"),
        ("list[0]", "first"),
        ("list[-1]", "last"),
        ('"dotted.key"', "b"),
        ("text => team", "c"),
        ({"constant": "d"}, "d"),
        ({"first_of": ["missing", "empty", "nested.deep.model"]}, "a"),
        ({"join": ["list[0]", "list[-1]"]}, "first:last"),
        ({"join": ["list[0]", "missing"], "default": "none"}, "none"),
        ({"column": "path", "pattern": "/models/([^:]+)"}, "x%3Ay"),
        ({"column": "path", "pattern": "/models/(.+)", "url_decoded": True}, "x:y"),
        ({"column": "list[0]", "map": {"first": "1st"}}, "1st"),
        ({"column": "list[-1]", "map": {"first": "1st"}}, "last"),
        ({"column": "list[-1]", "map": {"first": "1st", "*": "other"}}, "other"),
        ({"sum_of": ["n", "m", "missing"]}, "5.0"),
    ],
)
def test_a_text_is_found_made_and_changed(workshop: Workshop, value: Any, expected: str) -> None:
    """Every way to name a value."""
    line = {
        **LINE,
        "nested": {"deep": {"model": "a"}},
        "list": ["first", "last"],
        "dotted.key": "b",
        "text": json.dumps({"team": "c"}),
        "empty": "",
        "path": "/models/x%3Ay",
        "n": 2,
        "m": 3,
    }
    assert workshop.row(line, _with(service_name=value))["service_name"] == expected


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("2026-05-01T10:00:00Z", {"column": "at"}),
        ("2026-05-01T10:00:00.000000000Z", {"column": "at"}),
        ("2026-05-01 12:00:00+02:00", {"column": "at"}),
        ("2026-05-01T12:00:00+0200", {"column": "at"}),
        ("2026-05-01t10:00:00z", {"column": "at"}),
        (1777629600, {"column": "at", "format": "epoch_seconds"}),
        ("1777629600.0", {"column": "at", "format": "epoch_seconds"}),
        (1777629600000, {"column": "at", "format": "epoch_milliseconds"}),
        (1777629600000000, {"column": "at", "format": "epoch_microseconds"}),
        ("1777629600000000000", {"column": "at", "format": "epoch_nanoseconds"}),
        ("01/May/2026:12:00:00 +0200", {"column": "at", "format": "%d/%b/%Y:%H:%M:%S %z"}),
        ("01.05.2026 12:00", {"column": "at", "format": "%d.%m.%Y %H:%M", "assume_timezone": "Europe/Berlin"}),
        ("2026-05-01 10:00:00.0000000", {"column": "at", "assume_timezone": "UTC"}),
        (36000, {"column": "at", "offset_from": "2026-05-01T00:00:00Z"}),
        (36000000, {"column": "at", "offset_from": "2026-05-01T00:00:00Z", "unit": "milliseconds"}),
    ],
)
def test_an_instant_is_read_in_its_format(workshop: Workshop, written: Any, value: dict[str, Any]) -> None:
    """Ten in the morning of the first of May, UTC, in every spelling."""
    row = workshop.row({**LINE, "at": written}, _with(started_at=value))
    assert row["started_at"] == datetime(2026, 5, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("unit", "expected"),
    [("seconds", 1500.0), ("milliseconds", 1.5), ("microseconds", 0.0015), ("nanoseconds", 1.5e-6)],
)
def test_a_duration_is_in_seconds(workshop: Workshop, unit: str, expected: float) -> None:
    """Whatever it was written in."""
    row = workshop.row({**LINE, "took": 1500}, _with(duration_seconds={"column": "took", "unit": unit}))
    assert row["duration_seconds"] == pytest.approx(expected)


def test_an_end_gives_the_duration_unless_it_lies_before_the_start(workshop: Workshop) -> None:
    """Clocks of two machines differ; a negative duration says nothing about the request."""
    lines = [
        {**LINE, "id": "a", "end": "2026-05-01T10:00:02.5Z"},
        {**LINE, "id": "b", "end": "2026-05-01T09:59:59Z"},
    ]
    workshop.land("\n".join(map(json.dumps, lines)), _with(ended_at="end"))
    assert [row["duration_seconds"] for row in workshop.rows()] == [2.5, None]


@pytest.mark.parametrize(
    ("digits", "unit", "expected"),
    [
        ("0.10000000000000000001", "dollars", "0.10000000000000000001"),
        ("0.8958740000000000", "dollars", "0.8958740000000000"),
        ("1.5e-05", "dollars", "0.000015"),
        ("2.5000000000000004e-05", "dollars", "0.000025000000000000004"),
        ("0.5E+3", "dollars", "500"),
        ('"+1.50"', "dollars", "1.50"),
        ("3", "dollars", "3"),
        ("7", "cents", "0.07"),
        ('"0.30"', "dollars", "0.30"),
        ("12.345", "cents", "0.12345"),
    ],
)
def test_money_keeps_the_digits_of_the_file(workshop: Workshop, digits: str, unit: str, expected: str) -> None:
    """A JSON number does not pass through a float, and an exponent is written out."""
    line = json.dumps(LINE)[:-1] + f', "price": {{"cost": {digits}}}}}'
    workshop.land(line, _with(reported_cost_usd={"column": "price.cost", "unit": unit}))
    assert workshop.rows()[0]["reported_cost_usd"] == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"is_success": {"column": "status", "map": {"ok": True, "error": False}}}, False),
        ({"status_code": "http"}, False),
        ({"error_type": "why"}, False),
        ({"is_success": "missing", "status_code": "fine"}, True),
    ],
)
def test_success_is_read_or_derived(workshop: Workshop, changes: dict[str, Any], expected: bool) -> None:
    """From its own column, else from the status code and the error."""
    line = {**LINE, "status": "error", "http": 429, "fine": 200, "why": "rate_limit"}
    assert workshop.row(line, _with(**changes))["is_success"] is expected


def _tokens(row: dict[str, Any]) -> dict[str, int | None]:
    return {name.removesuffix("_tokens"): value for name, value in row.items() if name.endswith("_tokens") and value}


@pytest.mark.parametrize(
    ("mapping", "usage", "expected"),
    [
        pytest.param(
            {"input_tokens": {"column": "in", "includes": ["cache_read"]}, "cache_read_tokens": "cr"},
            {"in": 100, "cr": 40, "out": 7},
            {"uncached_input": 60, "cache_read": 40, "output": 7},
            id="inclusive: 100 - 40",
        ),
        pytest.param(
            {"input_tokens": {"column": "in", "includes": []}, "cache_read_tokens": "cr"},
            {"in": 100, "cr": 40, "out": 7},
            {"uncached_input": 100, "cache_read": 40, "output": 7},
            id="disjoint: 100",
        ),
        pytest.param(
            {"uncached_input_tokens": "in", "cache_read_tokens": "cr"},
            {"in": 100, "cr": 40, "out": 7},
            {"uncached_input": 100, "cache_read": 40, "output": 7},
            id="mapped part by part",
        ),
        pytest.param(
            {
                "input_tokens": {"column": "in", "includes": ["cache_read", "cache_write", "audio", "image"]},
                "cache_read_tokens": "cr",
                "cache_write_tokens": "cw",
                "audio_input_tokens": "au",
                "image_input_tokens": "im",
            },
            {"in": 100, "cr": 10, "cw": 20, "au": 5, "im": 15, "out": 7},
            {
                "uncached_input": 50,
                "cache_read": 10,
                "cache_write_5m": 20,
                "audio_input": 5,
                "image_input": 15,
                "output": 7,
            },
            id="all parts: 100 - 10 - 20 - 5 - 15, cache write without time to live",
        ),
        pytest.param(
            {
                "input_tokens": {"column": "in", "includes": []},
                "cache_write_tokens": "cw",
                "cache_write_1h_tokens": "cw1h",
            },
            {"in": 100, "cw": 20, "cw1h": 15, "out": 7},
            {"uncached_input": 100, "cache_write_5m": 5, "cache_write_1h": 15, "output": 7},
            id="cache write total and its hour: 20 - 15 for five minutes",
        ),
        pytest.param(
            {"input_tokens": "in", "of_which_reasoning_tokens": "r"},
            {"in": 100, "out": 7, "r": 5},
            {"uncached_input": 100, "output": 7, "of_which_reasoning": 5},
            id="reasoning is part of output",
        ),
        pytest.param(
            {
                "input_tokens": "in",
                "output_tokens": {"column": "out", "includes": []},
                "of_which_reasoning_tokens": "r",
            },
            {"in": 100, "out": 7, "r": 5},
            {"uncached_input": 100, "output": 12, "of_which_reasoning": 5},
            id="reasoning beside output: 7 + 5",
        ),
        pytest.param(
            {
                "input_tokens": "in",
                "output_tokens": {"column": "out", "includes": ["reasoning", "audio"]},
                "audio_output_tokens": "au",
            },
            {"in": 100, "out": 7, "au": 3},
            {"uncached_input": 100, "output": 4, "audio_output": 3},
            id="audio inside output: 7 - 3",
        ),
    ],
)
def test_token_columns_come_out_disjoint(
    workshop: Workshop, mapping: dict[str, Any], usage: dict[str, int], expected: dict[str, int]
) -> None:
    """Whatever a vendor counts into its totals."""
    base = {key: MAPPING[key] for key in ("request_id", "started_at", "provider_name", "model_name", "output_tokens")}
    line = {key: LINE[key] for key in ("id", "at", "model")} | usage
    assert _tokens(workshop.row(line, {**base, **mapping})) == expected


@pytest.mark.parametrize(("rule", "expected"), [("unknown", None), ("zero", 0)])
def test_a_request_without_usage_is_unknown_not_zero(workshop: Workshop, rule: str, expected: int | None) -> None:
    """A stream that ended without usage; zero only where the mapping says so."""
    line = {key: LINE[key] for key in ("id", "at", "model")}
    row = workshop.row(line, _with(usage_missing=rule))
    assert (row["uncached_input_tokens"], row["cache_read_tokens"], row["output_tokens"]) == (expected,) * 3
    assert row["audio_input_tokens"] is None


def test_a_part_that_is_not_there_counts_nothing_and_a_missing_input_stays_unknown(workshop: Workshop) -> None:
    """On a row with usage."""
    lines = [{**LINE, "id": "a", "cached": None}, {**LINE, "id": "b", "in": None, "cached": None}]
    workshop.land("\n".join(map(json.dumps, lines)), MAPPING)
    tokens = [(row["uncached_input_tokens"], row["cache_read_tokens"], row["output_tokens"]) for row in workshop.rows()]
    assert tokens == [(100, 0, 7), (None, 0, 7)]


def test_tags_come_from_a_map_a_list_and_columns(workshop: Workshop) -> None:
    """Only those that are kept, sorted, without secrets; owners come from the tags of their name."""
    line = {
        **LINE,
        "meta": {
            "team": "search",
            "feature": "answers",
            "prompt": "Dear Ann",
            "note": 'say "hi" to sk-abcdefgh12345678',
        },
        "labels": ["environment:prod", "other"],
        "place": {"region": "eu"},
    }
    tags = {
        "from_map": "meta",
        "from_list": "labels",
        "keep": ["team", "feature", "environment", "note"],
        "columns": {"region": "place.region"},
    }
    row = workshop.row(line, _with(tags=tags, feature={"constant": "chat"}))
    assert (row["team"], row["feature"], row["environment"], row["customer_id"]) == ("search", "chat", "prod", None)
    assert list(json.loads(row["tags_json"]).items()) == [
        ("environment", "prod"),
        ("feature", "answers"),
        ("note", 'say "hi" to [redacted]'),
        ("region", "eu"),
        ("team", "search"),
    ]


def test_tags_are_read_from_a_map_that_was_written_as_text(workshop: Workshop) -> None:
    """Databases export JSON columns as text."""
    line = {**LINE, "meta": json.dumps({"team": "search"})}
    row = workshop.row(line, _with(tags={"from_map": "meta =>", "keep": ["team"]}))
    assert row["team"] == "search"


def test_long_tag_values_are_cut(workshop: Workshop) -> None:
    """A tag is a label, not a place for texts."""
    row = workshop.row({**LINE, "t": "x" * 1000}, _with(tags={"columns": {"t": "t"}}))
    assert json.loads(row["tags_json"]) == {"t": "x" * 256}


def test_a_raw_key_lands_as_its_hash(workshop: Workshop) -> None:
    """The id of a key may land, the key may not."""
    lines = [{**LINE, "key": "sk-proj-abcdefghijklmnop"}, {**LINE, "key": "key_abc123"}]
    workshop.land("\n".join(map(json.dumps, lines)), _with(api_key_id="key"))
    hashed, plain = [row["api_key_id"] for row in workshop.rows()]
    assert hashed.startswith("sha256:")
    assert plain == "key_abc123"


@pytest.mark.parametrize(
    ("written", "tier"),
    [("default", "standard"), ("on_demand", "standard"), ("ON_DEMAND_FLEX", "flex"), ("priority", "priority")],
)
def test_service_tiers_have_one_vocabulary(workshop: Workshop, written: str, tier: str) -> None:
    """Vendors have words of their own for the standard tier."""
    assert workshop.row({**LINE, "tier": written}, _with(service_tier="tier"))["service_tier"] == tier


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("stop", "stop"),
        ("end_turn", "stop"),
        ("MAX_TOKENS", "length"),
        ("max_output_tokens", "length"),
        ("tool_use", "tool_calls"),
        ("tool-calls", "tool_calls"),
        ("SAFETY", "content_filter"),
        ("refusal", "content_filter"),
        ("pause_turn", "pause_turn"),
        ("x" * 60, "x" * 40),
        (None, None),
    ],
)
def test_finish_reasons_have_one_vocabulary(workshop: Workshop, written: str | None, reason: str | None) -> None:
    """The words of the providers become four; any other stays as received, cut."""
    assert workshop.row(LINE | {"end": written}, MAPPING | {"finish_reason": "end"})["finish_reason"] == reason


def test_how_a_request_was_asked_is_null_unless_the_log_says(workshop: Workshop) -> None:
    """Streaming, attempt and prefix are read; what is not mapped is null and not false, 1 or 0."""
    mapping = {"is_streaming": "stream", "attempt_number": "try", "prefix_tokens": "prefix"}
    row = workshop.row(LINE | {"stream": False, "try": 2, "prefix": 10}, MAPPING | mapping)
    assert (row["is_streaming"], row["attempt_number"], row["prefix_tokens"]) == (False, 2, 10)


def test_what_is_not_mapped_is_null(workshop: Workshop) -> None:
    """No default stands in for what the log does not say."""
    row = workshop.row(LINE, MAPPING)
    names = ("finish_reason", "prompt_hash", "prefix_hash", "prefix_tokens", "attempt_number", "is_streaming")
    assert {row[name] for name in names} == {None}


def test_variants_settle_rows_of_several_shapes(workshop: Workshop) -> None:
    """The first that holds adds to or replaces columns; other rows keep those of the mapping."""
    mapping = _with(
        variants=[
            {
                "when": {"kind": "anthropic"},
                "provider_name": {"constant": "anthropic"},
                "input_tokens": {"column": "in", "includes": []},
            },
            {"when": {"kind": {"pattern": "^epoch"}}, "started_at": {"column": "at", "format": "epoch_seconds"}},
        ]
    )
    lines = [LINE, {**LINE, "kind": "anthropic"}, {**LINE, "kind": "epoch_s", "at": 1777629600}]
    workshop.land("\n".join(map(json.dumps, lines)), mapping)
    rows = workshop.rows()
    assert [(row["provider_name"], row["uncached_input_tokens"]) for row in rows] == [
        ("openai", 60),
        ("anthropic", 100),
        ("openai", 60),
    ]
    assert {row["started_at"] for row in rows} == {datetime(2026, 5, 1, 10, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("rules", "kept"),
    [
        ({"keep_rows_where": {"event": "call"}}, [1, 2]),
        ({"keep_rows_where": {"event": ["call", "stop"]}}, [1, 2, 3]),
        ({"keep_rows_where": {"event": "call", "test": {"exists": False}}}, [1]),
        ({"keep_rows_where": [{"event": "stop"}, {"test": True}]}, [2, 3]),
        ({"drop_rows_where": {"event": {"pattern": "^st"}}}, [1, 2, 4]),
        ({"keep_rows_where": {"event": "call"}, "drop_rows_where": {"test": True}}, [1]),
    ],
)
def test_rows_are_kept_and_dropped_by_conditions(workshop: Workshop, rules: dict[str, Any], kept: list[int]) -> None:
    """Rows left out are counted before the rows received."""
    lines = [
        {**LINE, "event": "call"},
        {**LINE, "event": "call", "test": True},
        {**LINE, "event": "stop"},
        LINE,
    ]
    result = workshop.land("\n".join(map(json.dumps, lines)), _with(**rules))
    assert [row["file_line"] for row in workshop.rows()] == kept
    assert result.load is not None
    assert (result.load.rows_received, result.rows_filtered) == (len(kept), 4 - len(kept))


def test_words_that_mean_nothing_are_null(workshop: Workshop) -> None:
    """A dash in a cell is no name."""
    row = workshop.row({**LINE, "user": "-"}, _with(customer_id="user", null_values=["-"]))
    assert row["customer_id"] is None


def test_a_row_without_a_mapped_id_is_named_by_content_and_line(workshop: Workshop) -> None:
    """The same under any name of the file."""
    mapping = {key: value for key, value in MAPPING.items() if key != "request_id"}
    workshop.land(f"\n{json.dumps(LINE)}\n", mapping)
    [row] = workshop.rows()
    content, line = row["request_id"].split(":")
    assert (len(content), line) == (16, "2")


def test_outcomes_are_mapped_in_the_same_way(workshop: Workshop) -> None:
    """Stars become a score, words a success."""
    mapping = {
        "outcome_id": "ticket",
        "session_id": "conversation",
        "outcome_name": {"constant": "ticket_resolved"},
        "is_success": {"column": "how", "map": {"solved": True, "escalated": False}},
        "quality_score": {"column": "stars", "range": [1, 5]},
        "value_usd": "worth",
        "occurred_at": {"column": "closed", "assume_timezone": "Europe/Berlin"},
    }
    csv = "ticket,conversation,how,stars,worth,closed\nT1,S1,solved,4,12.50,2026-05-01 12:00:00\n"
    workshop.land(csv, mapping, name="o.csv", table="outcomes", format="csv")
    [row] = workshop.rows("outcomes")
    assert (row["outcome_id"], row["session_id"], row["is_success"]) == ("T1", "S1", True)
    assert (row["quality_score"], row["value_usd"]) == (0.75, "12.50")
    assert row["occurred_at"] == datetime(2026, 5, 1, 10, tzinfo=UTC)


def test_revenue_is_mapped_in_the_same_way(workshop: Workshop) -> None:
    """A month becomes its first and last day; a refund is negative revenue."""
    mapping = {
        "customer_id": "customer",
        "period_start_date": {"column": "month", "format": "%Y-%m"},
        "period_end_date": {"column": "month", "format": "%Y-%m", "month_end": True},
        "revenue_amount": {"column": "cents", "unit": "cents"},
        "currency": "currency",
    }
    csv = "customer,month,cents,currency\nc1,2026-02,199900,eur\nc1,2026-03,-500,\n"
    workshop.land(csv, mapping, name="r.csv", table="revenue", format="csv")
    first, second = workshop.rows("revenue")
    assert (first["period_start_date"], first["period_end_date"]) == (date(2026, 2, 1), date(2026, 2, 28))
    assert (first["revenue_amount"], first["currency"]) == ("1999.00", "EUR")
    assert (second["revenue_amount"], second["currency"]) == ("-5.00", "USD")


def test_an_error_keeps_no_key_and_no_prompt(workshop: Workshop) -> None:
    """Where the message of an error is mapped instead of its type."""
    error = "Incorrect API key provided: sk-proj-abcdefgh12345678. " + "You wrote to Ann. " * 20
    row = workshop.row({**LINE, "error": error}, {**MAPPING, "error_type": "error"})
    assert row["error_type"].startswith("Incorrect API key provided: [redacted]")
    assert len(row["error_type"]) <= 120
    assert row["is_success"] is False
