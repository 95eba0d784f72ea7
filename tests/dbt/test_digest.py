"""The digest asks the marts as dbt builds them: no column that a hand-made file has and the project has not."""

from __future__ import annotations

from datetime import UTC, date, datetime

import duckdb

from digest.page import render_page
from digest.reading import read_digest
from digest.weeks import Week
from tests.unit.digest.figures import read_page


def test_every_part_of_a_digest_reads_the_built_tables(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Each question is answered by the company's tables, and the figure is theirs."""
    week = Week(date(2026, 10, 26))
    digest = read_digest(warehouse, week, None, datetime(2026, 11, 4, tzinfo=UTC))
    assert [reason for reason in digest.reasons.values() if "is not there yet" in reason] == []
    ((spent,),) = warehouse.execute(
        "select sum(effective_cost_usd) from finops.mart_spend_daily where usage_date between ? and ?",
        [week.start_date, week.end_date],
    ).fetchall()
    assert read_page(render_page(digest)).one("spent_usd") == str(spent)
    assert {line.name for line in digest.teams} >= {"search", "support"}
