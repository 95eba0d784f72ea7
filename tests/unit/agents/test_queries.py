"""One query, in its process: its answer, and the end of those that would not end."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from agents.errors import QueryFailedError, QueryLimitError, QueryRefusedError
from agents.limits import Limits
from agents.queries import ask

SHORT = Limits(seconds=0.5, grace_seconds=0.5, startup_seconds=4)


def test_an_answer_has_columns_rows_and_version(published: Path) -> None:
    """Decimals are exact text, instants are UTC, and nothing was cut."""
    answer = ask(
        published,
        "select usage_date, effective_cost_usd, started_at from core.fct_llm_requests order by all limit 1",
        10,
        Limits(),
    )
    assert answer["columns"] == [
        {"name": "usage_date", "type": "DATE"},
        {"name": "effective_cost_usd", "type": "DECIMAL(18,12)"},
        {"name": "started_at", "type": "TIMESTAMP WITH TIME ZONE"},
    ]
    assert answer["rows"] == [["2026-10-30", "0.25", "2026-10-30T10:00:00Z"]]
    assert answer["cut_by"] is None
    assert answer["published_version"].startswith("20261123T060000")


@pytest.mark.parametrize(
    ("sql", "rows", "limits", "expected"),
    [
        ("select i from range(1000) as t (i)", 7, Limits(), (7, "rows")),
        ("select i from range(7) as t (i)", 7, Limits(), (7, None)),
        ("select repeat('x', 60) from range(1000)", 1000, Limits(answer_bytes=640), (10, "bytes")),
    ],
)
def test_a_long_answer_is_cut_and_says_so(
    published: Path, sql: str, rows: int, limits: Limits, expected: tuple[int, str | None]
) -> None:
    """By rows or by bytes; an answer that just fits is not said to be cut."""
    answer = ask(published, sql, rows, limits)
    assert (answer["row_count"], answer["cut_by"]) == expected


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select count(*) from range(10000000000), range(10000000000)", "took longer"),
        ("with recursive n as (select 1 as i union all select i + 1 from n) select count(*) from n", "took longer"),
        # DuckDB looks for an interrupt between batches only: this one is killed.
        ("select levenshtein(repeat('a', 200000), repeat('b', 200000))", "took longer"),
        # DuckDB's own memory limit does not count this.
        ("select len(range(1, 3000000000))", "needs more than"),
        ("select string_agg(repeat('x', 1000000), '') from range(100000)", "needs more than"),
        ("select repeat('x', 300000)", "One row of the answer is larger"),
    ],
)
def test_a_query_without_an_end_is_ended(published: Path, sql: str, message: str) -> None:
    """Time, memory and size are limited whatever the statement does, and the answer says what to do instead."""
    started = time.monotonic()
    with pytest.raises(QueryLimitError, match=message) as caught:
        ask(published, sql, 10, SHORT if message == "took longer" else Limits())
    assert caught.value.mend
    assert time.monotonic() - started < 20


def test_the_process_sees_no_environment_and_writes_no_file(
    published: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A secret of the server's environment is not in the process of the query, and the statement leaves nothing."""
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY", "sk-secret")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(QueryRefusedError):
        ask(published, "copy (select 1) to 'stolen.csv'", 10, Limits())
    answer = ask(published, "select count(*) from core.fct_llm_requests", 10, Limits())
    assert answer["rows"] == [[40]]
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - hidden files too


@pytest.mark.parametrize("row_limit", [0, -1, 1_001])
def test_a_row_limit_out_of_range_is_refused(published: Path, row_limit: int) -> None:
    """It is not silently moved into the range."""
    with pytest.raises(QueryRefusedError, match="row_limit"):
        ask(published, "select 1", row_limit, Limits())


def test_a_long_statement_is_refused(published: Path) -> None:
    """Before a parser sees it."""
    with pytest.raises(QueryRefusedError, match="20,008 characters"):
        ask(published, "select 1" + " " * 20_000, 10, Limits())


def test_a_wrong_column_names_the_right_ones(published: Path) -> None:
    """DuckDB's message reaches the agent, with what to ask next."""
    with pytest.raises(QueryFailedError, match=r"usage_dat.*not found") as caught:
        ask(published, "select usage_dat from finops.mart_spend_daily", 10, Limits())
    assert "list_tables" in caught.value.mend
