"""The query cookbook: each query runs on the tables of the company, says what it is for, and is in the index."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from agents.statements import check_statement

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "queries"
QUERIES = sorted(FOLDER.rglob("*.sql"))
HEAD = re.compile(r"-- Question: (?P<question>.+\?)\n-- Look for: .+\.\n-- Tables: (?P<tables>[a-z_., ]+)\n(?!--)")


@pytest.mark.parametrize("path", QUERIES, ids=[path.stem for path in QUERIES])
def test_each_query_runs(path: Path, warehouse: duckdb.DuckDBPyConnection) -> None:
    """On the company's tables, and it is a single SELECT over public ones, so that agents may run it as well."""
    sql = path.read_text()
    check_statement(warehouse, sql)
    assert warehouse.execute(sql).description


@pytest.mark.parametrize("path", QUERIES, ids=[path.stem for path in QUERIES])
def test_each_query_says_what_it_is_for(path: Path, models: dict[str, dict[str, Any]]) -> None:
    """Its question, what to look for, and exactly the public tables that it reads."""
    sql = path.read_text()
    head = HEAD.match(sql)
    assert head, "the head is: Question, Look for, Tables"
    body = sql[head.end() :]
    read = set(re.findall(r"\b(?:from|join) ((?:core|finops)\.\w+)", body))
    assert read == set(head["tables"].split(", "))
    assert all(models[table.split(".")[1]]["access"] == "public" for table in read)


@pytest.mark.parametrize(
    "name", ["attribution/customer-margin", "attribution/features-by-month", "optimization/what-changed-last-month"]
)
def test_a_month_in_which_data_begins_is_compared_with_nothing(name: str) -> None:
    """Days that nobody saw would show as growth, and the revenue of a month as margin of the days that have cost."""
    sql = (FOLDER / f"{name}.sql").read_text()
    with duckdb.connect() as made:
        made.execute(
            """
            create schema core; create schema finops;
            create table core.fct_cost_ledger as
            select
                day::date as usage_date, 'search' as team, 'ask' as feature, 1.0 as effective_cost_usd,
                1 as request_count
            from generate_series(timestamp '2026-05-27', timestamp '2026-07-03', interval 1 day) as days (day);
            create table finops.mart_customer_margin_monthly as
            select 'c' as customer_id, 5.0 as effective_cost_usd, 90.0 as revenue_usd, 85.0 as margin_usd, cost_month
            from (values (date '2026-05-01'), (date '2026-07-01')) as months (cost_month);
            create table finops.mart_cost_change_drivers as
            select
                'search' as team, 'volume' as driver_name, 1 as driver_order, 25.0 as change_usd,
                true as is_month_complete, false as is_previous_month_complete, date '2026-06-01' as month_start_date
            """
        )
        assert made.execute(sql).fetchall() == []


def test_the_index_lists_every_query_once() -> None:
    """With its question, and no query that is not there."""
    listed = re.findall(r"^\| (.+) \| \[.+\]\((.+\.sql)\) \|$", (FOLDER / "README.md").read_text(), re.MULTILINE)
    found = [HEAD.match(path.read_text()) for path in QUERIES]
    assert sorted(listed) == sorted(
        (head["question"], path.relative_to(FOLDER).as_posix())
        for head, path in zip(found, QUERIES, strict=True)
        if head
    )
    assert len(listed) >= 30
