"""The rows that rules look at, read from the published tables or the warehouse, and from the index of the lake."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import duckdb

COVERAGE_DAYS = 35
"""The week that is judged and the four weeks that it is compared with."""

DELIVERY_DAYS = 60
"""Days from which the usual gap between days with data is learned."""

Row = TypeVar("Row")


@dataclass(frozen=True)
class BudgetRow:
    """The latest assessment of one budget and period, as in ``finops.mart_budget_status``."""

    budget_id: str
    budget_name: str
    status: str
    period_start_date: date
    period_end_date: date
    assessment_date: date
    budget_usd: Decimal | None
    spent_usd: Decimal | None
    budget_kind: str = "budget"
    is_hard_cap: bool = False
    owner_email: str | None = None
    channel: str | None = None
    thresholds: str | None = None
    projected_p10_usd: Decimal | None = None
    projected_p50_usd: Decimal | None = None
    projected_p90_usd: Decimal | None = None
    run_rate_usd: Decimal | None = None
    overcommitted_usd: Decimal | None = None
    breach_probability: float | None = None
    alert_probability: float = 0.85
    spent_ratio: float | None = None
    elapsed_ratio: float | None = None
    is_breached: bool = False
    breach_date_p10: date | None = None
    breach_date: date | None = None
    breach_date_p90: date | None = None
    driver_1: str | None = None
    driver_2: str | None = None
    driver_3: str | None = None


@dataclass(frozen=True)
class AnomalyRow:
    """One day of one series that left its interval, or drifted in cost per request: ``finops.mart_cost_anomalies``."""

    series_id: str
    dimension_name: str
    dimension_value: str
    anomaly_kind: str
    direction: str
    cost_date: date
    actual_cost_usd: Decimal
    expected_cost_usd: Decimal
    lower_cost_usd: Decimal | None
    upper_cost_usd: Decimal | None
    excess_cost_usd: Decimal
    deviation_ratio: float
    streak_days: int
    cost_per_request_usd: Decimal | None
    cost_per_request_before_usd: Decimal | None
    explained_by: str | None
    explained_value: str | None
    explained_cost_usd: Decimal | None


@dataclass(frozen=True)
class CoverageRow:
    """Shares of one day without a price and without a team, of all of it (dollars or tokens)."""

    usage_date: date
    unattributed_usd: Decimal
    cost_usd: Decimal
    unpriced_tokens: int
    tokens: int


@dataclass(frozen=True)
class SourceRow:
    """The days of one source on which it delivered rows, in order, the youngest ``DELIVERY_DAYS`` only."""

    source_name: str
    days: tuple[date, ...]


@dataclass(frozen=True)
class Marts:
    """Everything that rules look at. None: the table is not there, so nothing can be said of its alerts."""

    budgets: tuple[BudgetRow, ...] | None = None
    anomalies: tuple[AnomalyRow, ...] | None = None
    judged_until: date | None = None
    """Last day that anomalies were looked for; None where there is no forecast yet."""
    coverage: tuple[CoverageRow, ...] | None = None
    worst_unattributed: str | None = None
    worst_unpriced: str | None = None
    sources: tuple[SourceRow, ...] | None = None


def read_marts(connection: duckdb.DuckDBPyConnection, index: Path) -> Marts:
    """What the tables say now.

    Args:
        connection: The warehouse or the published file; tables that it lacks are None in the result.
        index: ``lake_index.parquet`` of the home.
    """
    has_spend = bool(_columns(connection, "fct_cost_ledger", "core"))
    return Marts(
        budgets=_rows(connection, BudgetRow, "mart_budget_status", "is_latest"),
        anomalies=_anomalies(connection),
        judged_until=_judged_until(connection),
        coverage=_coverage(connection) if has_spend else None,
        worst_unattributed=_worst(connection, _WORST_UNATTRIBUTED) if has_spend else None,
        worst_unpriced=_worst(connection, _WORST_UNPRICED) if has_spend else None,
        sources=read_sources(index),
    )


def read_sources(index: Path) -> tuple[SourceRow, ...] | None:
    """Days with rows, by source of billing, usage and request data; None before anything was landed."""
    if not index.exists():
        return None
    with duckdb.connect() as connection:
        rows = connection.execute(
            """
            with delivered as (
                select distinct source_name, day from read_parquet(?)
                where row_count > 0 and day > date '1970-01-01'
                    and (table_name = 'requests' or ends_with(table_name, '_usage') or ends_with(table_name, '_costs'))
            )
            select source_name, list(day order by day) from delivered group by source_name order by source_name
            """,
            [str(index)],
        ).fetchall()
    return tuple(SourceRow(name, tuple(days[-DELIVERY_DAYS:])) for name, days in rows)


def _columns(connection: duckdb.DuckDBPyConnection, table: str, schema: str = "finops") -> set[str]:
    rows = connection.execute(
        "select column_name from duckdb_columns() where schema_name = ? and table_name = ?", [schema, table]
    ).fetchall()
    return {name for (name,) in rows}


def _rows(
    connection: duckdb.DuckDBPyConnection, record: Callable[..., Row], table: str, where: str
) -> tuple[Row, ...] | None:
    """Rows of a table as records, by the names of their fields; columns that it lacks keep their defaults."""
    present = _columns(connection, table)
    if not present:
        return None
    names = [name for name in _field_names(record) if name in present]
    rows = connection.execute(f"select {', '.join(names)} from finops.{table} where {where}").fetchall()
    return tuple(record(**_known(names, row)) for row in rows)


def _known(names: Sequence[str], row: Iterable[Any]) -> dict[str, Any]:
    return {name: value for name, value in zip(names, row, strict=True) if value is not None or name not in _NEVER_NULL}


_NEVER_NULL = frozenset({"alert_probability", "budget_kind", "is_hard_cap", "is_breached"})
"""Fields whose default stands in for a null."""


def _field_names(record: Any) -> list[str]:
    return list(record.__dataclass_fields__)


def _anomalies(connection: duckdb.DuckDBPyConnection) -> tuple[AnomalyRow, ...] | None:
    if not _columns(connection, "mart_cost_anomalies"):
        return None
    names = _field_names(AnomalyRow)
    rows = connection.execute(
        f"""
        select {", ".join(names)} from finops.mart_cost_anomalies
        where cost_date > (select max(cost_date) from finops.mart_cost_anomalies) - 30
        order by all
        """
    ).fetchall()
    return tuple(AnomalyRow(**dict(zip(names, row, strict=True))) for row in rows)


def _judged_until(connection: duckdb.DuckDBPyConnection) -> date | None:
    if not _columns(connection, "mart_forecast_daily"):
        return None
    row = connection.execute("select max(cutoff_date) from finops.mart_forecast_daily").fetchone()
    return row[0] if row else None


def _coverage(connection: duckdb.DuckDBPyConnection) -> tuple[CoverageRow, ...]:
    rows = connection.execute(
        """
        select
            usage_date,
            coalesce(sum(effective_cost_usd) filter (where team = 'unattributed'), 0),
            coalesce(sum(effective_cost_usd), 0),
            cast(coalesce(sum(token_count) filter (where list_cost_usd is null), 0) as bigint),
            cast(coalesce(sum(token_count), 0) as bigint)
        from core.fct_cost_ledger
        where usage_date > (select max(usage_date) from core.fct_cost_ledger) - ?
        group by usage_date order by usage_date
        """,
        [COVERAGE_DAYS],
    ).fetchall()
    return tuple(CoverageRow(*row) for row in rows)


_WORST_UNATTRIBUTED = """
    select
        concat_ws(', ', provider_name, 'project ' || project_id, 'model ' || model_id)
        || printf(': $%,.2f in the last 7 days', cast(sum(effective_cost_usd) as double))
    from core.fct_cost_ledger
    where team = 'unattributed' and usage_date > (select max(usage_date) from core.fct_cost_ledger) - 7
    group by provider_name, project_id, model_id having sum(effective_cost_usd) > 0
    order by sum(effective_cost_usd) desc, 1 limit 1
"""
_WORST_UNPRICED = """
    select
        concat_ws(', ', provider_name, 'model ' || model_id)
        || printf(': %,d tokens in the last 7 days', cast(sum(token_count) as bigint))
    from core.fct_cost_ledger
    where list_cost_usd is null and usage_date > (select max(usage_date) from core.fct_cost_ledger) - 7
    group by provider_name, model_id having sum(token_count) > 0
    order by sum(token_count) desc, 1 limit 1
"""


def _worst(connection: duckdb.DuckDBPyConnection, sql: str) -> str | None:
    row = connection.execute(sql).fetchone()
    return None if row is None else str(row[0])
