"""Rows that cannot be understood: one reason each, their line, and nothing lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.ingestion.logs.conftest import LINE, MAPPING, Workshop

ReasonOf = Callable[..., str | None]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"id": None}, "The row has no request_id."),
        ({"id": ""}, "The row has no request_id."),
        ({"at": None}, "The row has no started_at."),
        ({"at": "2026-05-01T10:00:00"}, "started_at has no time zone."),
        ({"at": "2026-05-01"}, "started_at has no time zone."),
        ({"at": "yesterday"}, "started_at is not a time."),
        ({"at": "2026-06-03T10:00:00Z"}, "started_at is in the future."),
        ({"at": "2026-06-02T10:00:00Z"}, None),
        ({"at": "1970-01-21T13:46:40Z"}, "started_at is before the year 2015."),
        ({"model": None}, "The row has no model_name."),
        ({"model": "a-model-that-nobody-knows"}, None),
        ({"in": -1}, "input_tokens is negative."),
        ({"in": 50_000_001}, "input_tokens is above 50 million."),
        ({"in": 1e300}, "input_tokens is above 50 million."),
        ({"in": 12.5}, "input_tokens is not a whole number."),
        ({"in": "many"}, "input_tokens is not a whole number."),
        ({"in": True}, "input_tokens is not a whole number."),
        ({"in": 12.0, "cached": 0}, None),
        ({"cached": 101}, "The parts of input_tokens exceed it."),
    ],
)
def test_a_line_is_refused_for_its_first_reason(
    reason_of: ReasonOf, changes: dict[str, Any], reason: str | None
) -> None:
    """Or admitted; a model that nobody knows is no reason."""
    assert reason_of(**changes) == reason


@pytest.mark.parametrize(
    ("column", "value", "written", "reason"),
    [
        ("duration_seconds", "x", "fast", "duration_seconds is not a number."),
        ("duration_seconds", "x", -1, "duration_seconds is negative."),
        ("status_code", "x", 20000, "status_code is not between 0 and 999."),
        ("attempt_number", "x", 0, "attempt_number is not between 1 and 1000."),
        ("is_success", "x", "maybe", "is_success is not true or false."),
        ("reported_cost_usd", "x", "1,50 EUR", "reported_cost_usd is not an amount of money."),
        ("reported_cost_usd", "x", -0.5, "reported_cost_usd is negative."),
        ("output_tokens", "x", 3, "The parts of output_tokens exceed it."),
        ("cache_write_tokens", "x", 3, "The parts of cache_write_tokens exceed it."),
    ],
)
def test_other_values_are_checked_as_well(
    reason_of: ReasonOf, column: str, value: str, written: Any, reason: str
) -> None:
    """Each by the kind of its column."""
    mapping = {
        **MAPPING,
        "input_tokens": {"column": "in", "includes": []},
        "of_which_reasoning_tokens": "reasoned",
        "cache_write_1h_tokens": "hour",
        column: value,
    }
    assert reason_of(mapping, x=written, reasoned=4, hour=4) == reason


def test_a_row_without_usage_is_refused_where_the_mapping_says_so(reason_of: ReasonOf) -> None:
    """For logs that always carry it."""
    changes = {"in": None, "cached": None, "out": None}
    assert reason_of({**MAPPING, "usage_missing": "quarantine"}, **changes) == "The row has no token usage."


def test_lines_that_are_no_json_objects_are_refused_with_their_line(workshop: Workshop) -> None:
    """Blank lines are no rows, but they are lines."""
    good = json.dumps(LINE).encode()
    lines = [good, b"", b"{oops", b'"text"', b"[1]", b"\xff\xfe", b"   ", good, b'{"id": "cut']
    result = workshop.land(b"\n".join(lines), MAPPING)
    assert [row["file_line"] for row in workshop.rows()] == [1, 8]
    assert workshop.refused() == [
        (3, "The line is not JSON."),
        (4, "The line is not a JSON object."),
        (5, "The line is not a JSON object."),
        (6, "The line is not valid UTF-8 text."),
        (9, "The line is not JSON."),
    ]
    assert result.load is not None
    assert (result.load.rows_received, result.load.rows_admitted, result.load.rows_quarantined) == (7, 2, 5)
    assert sum(result.refusals.values()) == 5


def test_no_prompt_and_no_secret_lands_in_any_file_of_the_home(workshop: Workshop) -> None:
    """Neither of the admitted rows nor of the refused ones, readable or not."""
    row = {**LINE, "messages": [{"content": "Dear Ann"}], "authorization": "Bearer abcdefgh12345678"}
    lines = [json.dumps(row), json.dumps({**row, "in": -1}), json.dumps(row)[:-60]]
    workshop.land("\n".join(lines), MAPPING)
    written = b"".join(
        path.read_bytes() for path in workshop.home.rglob("*") if path.is_file() and workshop.inbox not in path.parents
    )
    texts = " ".join(quarantined["raw_text"] for quarantined in workshop.lake.quarantine().to_pylist())
    assert len(workshop.refused()) == 2
    assert "Dear" not in texts
    assert "abcdefgh12345678" not in texts
    assert b"Dear Ann" not in written
    assert '"in":-1' in texts


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("log.jsonl", '{"id":"r1","messages":[{"content":"Dear Ann\nDear Bob, my code is 4711\nDear Cy"}],"in":5}\n'),
        ("log.jsonl", 'ear Ann, Dear Bob 4711","role":"user"}],"in":5}\n' + json.dumps(LINE)),
        ("log.jsonl", json.dumps({**LINE, "in": -1, "remark": "Dear Ann 4711", "said": ["Dear Bob"]})),
        ("log.csv", "id,at,model,prompt,in,out\na,2026-05-01T10:00:00Z,m,Dear Ann\nDear Bob 4711,5,1\n"),
        ("log.csv", "id,at,model,remark,in,out\na,2026-05-01T10:00:00Z,m,Dear Ann 4711,-5,1\n"),
    ],
)
def test_a_prompt_that_breaks_its_line_does_not_land(workshop: Workshop, name: str, content: str) -> None:
    """A line may begin in the middle of a prompt, and a prompt may stand under a name that nobody knows."""
    mapping = {key: value for key, value in MAPPING.items() if key != "cache_read_tokens"} | {"input_tokens": "in"}
    workshop.land(content, mapping, name=name, format=name.removeprefix("log."))
    texts = " ".join(row["raw_text"] for row in workshop.lake.quarantine().to_pylist())
    assert texts
    assert not any(word in texts for word in ("Dear", "Ann", "Bob", "4711"))


def test_csv_rows_of_another_width_are_refused_without_their_content(workshop: Workshop) -> None:
    """An unquoted comma in a prompt shifts all columns: only what stands before the prompt is kept."""
    csv = (
        "id,at,model,prompt,in,out\n"
        'a,2026-05-01T10:00:00Z,m,"two\nlines",5,1\n'
        "b,2026-05-01T10:00:00Z,m,Dear Ann, hello,5,1\n"
        "\n"
        "c,2026-05-01T10:00:00Z,m,fine,5,1\n"
        "d,2026-05-01T10:00:00Z,m,fine,-5,1\n"
        "e,2026-05-01T10:00:00Z\n"
    )
    mapping = {key: value for key, value in MAPPING.items() if key != "cache_read_tokens"}
    mapping["input_tokens"] = "in"
    result = workshop.land(csv, mapping, name="log.csv", format="csv")
    assert [(row["request_id"], row["file_line"]) for row in workshop.rows()] == [("a", 2), ("c", 6)]
    width = "The row has another number of columns than the header."
    assert workshop.refused() == [(4, width), (7, "input_tokens is negative."), (8, width)]
    texts = [row["raw_text"] for row in workshop.lake.quarantine().to_pylist()]
    assert not any("Dear" in text or "fine" in text for text in texts)
    assert result.load is not None
    assert result.load.rows_received == 5


SCALE = "its scale, which is 0 to 1 unless the mapping gives a range, such as range: [1, 5]."


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"stars": "9"}, f"quality_score is above {SCALE}"),
        ({"stars": "0"}, f"quality_score is below {SCALE}"),
        ({"stars": "good"}, "quality_score is not a number."),
        ({"session": ""}, "The row has no request, session or trace."),
        ({"name": ""}, "The row has no outcome_name."),
    ],
)
def test_outcomes_are_checked(workshop: Workshop, changes: dict[str, str], reason: str) -> None:
    """A score outside its scale, or an outcome of nothing."""
    mapping = {
        "outcome_id": "id",
        "session_id": "session",
        "outcome_name": "name",
        "quality_score": {"column": "stars", "range": [1, 5]},
        "occurred_at": "at",
    }
    line = {"id": "o1", "session": "s", "name": "solved", "stars": "4", "at": "2026-05-01T10:00:00Z", **changes}
    assert workshop.land(json.dumps(line), mapping, table="outcomes").refusals == {reason: 1}


def test_a_score_on_another_scale_is_refused_with_its_line_and_how_to_give_the_scale(workshop: Workshop) -> None:
    """Stars taken for shares: the file lands without them, and each refusal says where it is and what to write."""
    mapping = {
        "outcome_id": "id",
        "session_id": "session",
        "outcome_name": {"constant": "rated"},
        "quality_score": "stars",
        "score_source": {"constant": "user feedback"},
        "occurred_at": "at",
    }
    lines = [
        {"id": f"o{number}", "session": "s", "stars": stars, "at": "2026-05-01T10:00:00Z"}
        for number, stars in enumerate((0.8, 4.5, 1))
    ]
    workshop.land("\n".join(map(json.dumps, lines)), mapping, table="outcomes")
    assert workshop.refused() == [(2, f"quality_score is above {SCALE}")]
    rows = workshop.rows("outcomes")
    assert [(row["quality_score"], row["score_source"]) for row in rows] == [
        (0.8, "user feedback"),
        (1, "user feedback"),
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"currency": "Euro"}, "currency is not a three-letter code."),
        ({"to": "2026-04-30"}, "The period ends before it starts."),
        ({"to": "soon"}, "period_end_date is not a date."),
        ({"from": "0026-05-01"}, "period_start_date is before the year 2015."),
        ({"from": "-infinity"}, "period_start_date is before the year 2015."),
        ({"to": "20260-05-31"}, "period_end_date is after the year 2099."),
        ({"to": "infinity"}, "period_end_date is after the year 2099."),
        ({"amount": "a lot"}, "revenue_amount is not an amount of money."),
        ({"customer": ""}, "The row has no customer_id."),
    ],
)
def test_revenue_is_checked(workshop: Workshop, changes: dict[str, str], reason: str) -> None:
    """Every column of it moves money."""
    mapping = {
        "customer_id": "customer",
        "period_start_date": "from",
        "period_end_date": "to",
        "revenue_amount": "amount",
        "currency": "currency",
    }
    line = {"customer": "c", "from": "2026-05-01", "to": "2026-05-31", "amount": "5", "currency": "EUR", **changes}
    assert workshop.land(json.dumps(line), mapping, table="revenue").refusals == {reason: 1}
