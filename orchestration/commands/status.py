"""``status``: spend, KPIs and budgets at a glance, from the published tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import duckdb

from ingestion.settings import Settings
from orchestration.console import console, money, share, table
from orchestration.warehouse import reading

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Overview:
    """What the published tables say, as rows ready to be shown."""

    published_at: datetime
    first_day: object
    last_day: object
    spend: list[Row]
    teams: list[Row]
    coverage: Row
    kpis: list[Row]
    budgets: list[Row]
    example_request_id: str | None


def show_status() -> None:
    """Prints the overview of the home that the environment names."""
    print_overview(read_overview(Settings.from_environment()))


def read_overview(settings: Settings) -> Overview:
    """Reads the published tables.

    Raises:
        TokenAtlasError: nothing is published yet.
    """
    with reading(settings.published_path) as connection:
        ((published_at,),) = connection.execute("select max(published_at) from publication").fetchall()
        ((first_day, last_day),) = connection.execute(
            "select min(usage_date), max(usage_date) from core.fct_cost_ledger"
        ).fetchall()
        return Overview(
            published_at,
            first_day,
            last_day,
            connection.execute(_SPEND).fetchall(),
            connection.execute(_TEAMS).fetchall(),
            connection.execute(_COVERAGE).fetchall()[0],
            _rows_if_there(connection, "mart_kpis_daily", _KPIS),
            _rows_if_there(connection, "mart_budget_status", _BUDGETS),
            _example(connection),
        )


_SPEND = """
    select
        strftime(usage_date, '%Y-%m') as month,
        sum(list_cost_usd), sum(billed_cost_usd), sum(effective_cost_usd),
        sum(effective_cost_usd) filter (where maturity = 'estimated'),
        sum(effective_cost_usd) filter (where evidence = 'metered')
    from core.fct_cost_ledger group by 1 order by 1 desc limit 6
"""
_TEAMS = """
    with last_days as (
        select * from core.fct_cost_ledger where usage_date > (select max(usage_date) from core.fct_cost_ledger) - 30
    )
    select
        team,
        sum(effective_cost_usd) as cost,
        sum(effective_cost_usd) / (select sum(effective_cost_usd) from last_days)
    from last_days group by team order by cost desc nulls last limit 10
"""
_COVERAGE = """
    with last_days as (
        select * from core.fct_cost_ledger where usage_date > (select max(usage_date) from core.fct_cost_ledger) - 30
    )
    select
        sum(effective_cost_usd) filter (where team <> 'unattributed') / sum(effective_cost_usd),
        sum(effective_cost_usd) filter (where feature <> 'unattributed') / sum(effective_cost_usd),
        sum(effective_cost_usd) filter (where evidence = 'logged') / sum(effective_cost_usd),
        sum(effective_cost_usd) filter (where maturity in ('billed', 'invoiced')) / sum(effective_cost_usd),
        (count(*) filter (where list_cost_usd is not null or evidence = 'billed')) / count(*)
    from last_days
"""
_KPIS = """
    select kpi_name, kpi_value, unit, kpi_date, priced_ratio, attributed_ratio, matched_ratio, is_mature
    from finops.mart_kpis_daily
    where dimension_name = 'total' and kpi_value is not null
    qualify row_number() over (partition by kpi_name order by is_mature desc, kpi_date desc) = 1
    order by kpi_name
"""
_BUDGETS = """
    select
        budget_name, budget_kind, period_end_date, status, spent_usd, budget_usd, spent_ratio, elapsed_ratio,
        projected_p50_usd, projected_p10_usd, projected_p90_usd, breach_probability, breach_date, driver_1
    from finops.mart_budget_status
    where is_latest and elapsed_ratio > 0 and elapsed_ratio < 1
    order by period_end_date, budget_name limit 20
"""


def _rows_if_there(connection: duckdb.DuckDBPyConnection, name: str, sql: str) -> list[Row]:
    found = connection.execute(
        "select 1 from duckdb_columns() where schema_name = 'finops' and table_name = ?", [name]
    ).fetchall()
    return connection.execute(sql).fetchall() if found else []


def _example(connection: duckdb.DuckDBPyConnection) -> str | None:
    row = connection.execute(
        """
        select request_id from core.fct_llm_requests
        where effective_cost_usd > 0 and team <> 'unattributed'
        order by usage_date desc, list_cost_usd desc, request_id limit 1
        """
    ).fetchone()
    return None if row is None else str(row[0])


def print_overview(overview: Overview) -> None:
    """Prints every part of the overview that has something to show."""
    console.print(
        f"\nSpend of {overview.first_day} to {overview.last_day}, "
        f"published {overview.published_at:%Y-%m-%d %H:%M} UTC\n"
    )
    months = [[month, *(money(amount) for amount in amounts)] for month, *amounts in overview.spend]
    columns = ["month", "at list price", "billed", "effective", "of which estimated", "of which not logged"]
    console.print(table("Spend by month", columns, months, right=range(1, 6)))
    teams = [[team, money(cost), share(part)] for team, cost, part in overview.teams]
    console.print()
    console.print(table("Spend by team, last 30 days", ["team", "effective", "share"], teams, right=[1, 2]))
    names = ["has a team", "has a feature", "explained by logs", "billed", "ledger rows priced"]
    console.print()
    console.print(
        table("Coverage, last 30 days", names, [[share(ratio) for ratio in overview.coverage]], right=range(5))
    )
    if overview.kpis:
        kpis = [
            [name, _kpi(value, unit), str(day), share(priced), share(attributed), "yes" if mature else "not yet"]
            for name, value, unit, day, priced, attributed, _, mature in overview.kpis
        ]
        console.print()
        console.print(table("KPIs", ["kpi", "value", "day", "priced", "attributed", "mature"], kpis, right=[1, 3, 4]))

    if overview.budgets:
        console.print()
        console.print(table("Budgets", _BUDGET_COLUMNS, [_budget(row) for row in overview.budgets], right=range(3, 10)))


_BUDGET_COLUMNS = (
    *("budget", "until", "status", "spent", "of", "", "time gone", "expected", "80 % range"),
    *("breach", "on", "moved most by"),
)


def _budget(row: Row) -> list[str]:
    name, kind, end, status, spent, budget, spent_ratio, elapsed, expected, low, high, probability, breach, driver = row
    return [
        name if kind == "budget" else f"{name} ({kind.replace('_', ' ')})",
        str(end),
        status,
        money(spent),
        money(budget),
        share(spent_ratio),
        share(elapsed),
        money(expected),
        "-" if expected is None else f"{low:,.0f} to {high:,.0f}",
        share(probability),
        str(breach or "-"),
        driver or "-",
    ]


def _kpi(value: Decimal | float, unit: str | None) -> str:
    if unit == "ratio":
        return share(value)
    return f"${value:,.4f}" if unit and unit.startswith("usd") else f"{value:,.4f} {unit or ''}".strip()
