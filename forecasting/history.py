"""What the warehouse says up to the last mature day: every series to forecast, and what is planned and budgeted."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from forecasting.budgets import Budget, read_budgets
from forecasting.cost_mix import SLICE_DIMENSIONS, UNATTRIBUTED
from forecasting.maturity import Completeness, ProviderDay, mature_through
from forecasting.planned_changes import PlannedChange
from forecasting.scenarios import GrowthRow, Scenario, scenarios_of
from forecasting.series import DailySeries, FloatArray, series_from_ledger

LEDGER = "core.fct_cost_ledger"
SERIES_COSTS = "intermediate.int_series_costs_daily"
COST_MIX = "intermediate.int_cost_mix_daily"
CUSTOMERS = "staging.stg_config__customers"
PLANNED_CHANGES = "staging.stg_config__planned_changes"
SCENARIOS = "staging.stg_config__forecast_scenarios"

MIX_DAYS = 28
HOLIDAY = "holiday"
BUDGET = "budget"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DriverDays:
    """Cost, requests and tokens of one series on the last days up to the cutoff, ``[days]`` each."""

    costs: FloatArray
    requests: FloatArray
    tokens: FloatArray


@dataclass(frozen=True)
class LateDay:
    """What is known of one day of one series after the cutoff.

    Attributes:
        is_estimated: Whether logs or meters stand in for a bill that has not come.
    """

    known_cost_usd: Decimal
    is_estimated: bool


@dataclass(frozen=True)
class History:
    """Everything that a forecast is made from.

    Attributes:
        cutoff: The last mature day.
        series: Every series with spend up to the cutoff, the total first.
        drivers: By series id.
        late_days: Days after the cutoff that something is known of, by series id.
        mix: Values of SLICE_DIMENSIONS, day and dollars, of the last four weeks.
        provider_costs: What each provider cost lately, by series id: the weights of completeness.
        customer_segments: Segment of each customer that is named in customers.csv.
    """

    cutoff: date
    series: list[DailySeries]
    drivers: Mapping[str, DriverDays]
    late_days: Mapping[str, Mapping[date, LateDay]]
    budgets: list[Budget]
    changes: list[PlannedChange]
    scenarios: tuple[Scenario, ...]
    mix: list[tuple[tuple[str, ...], date, float]]
    provider_costs: Mapping[str, float]
    customer_segments: Mapping[str, str]


def read_history(warehouse_path: Path, today: date, completeness: Completeness | None = None) -> History | None:
    """The history up to the last mature day; None if there is no such day with spend."""
    with closing(duckdb.connect(str(warehouse_path), read_only=True)) as warehouse:
        provider_days = _provider_days(warehouse)
        cutoff = mature_through(provider_days, today, completeness)
        if cutoff is None:
            return None
        series, drivers, late = _series(warehouse, cutoff, today, _estimated_days(provider_days))
        if not series:
            return None
        budgets = read_budgets(warehouse)
        # A budget that is no longer in the file keeps its days, for the periods that it had, but has no future.
        followed = {budget.series_id for budget in budgets}
        series = [one for one in series if one.dimension_name != BUDGET or one.series_id in followed]
        _warn_of_unknown_scopes(budgets, {one.series_id for one in series})
        return History(
            cutoff,
            series,
            drivers,
            late,
            budgets,
            _planned_changes(warehouse),
            _scenarios(warehouse),
            _mix(warehouse, cutoff),
            _provider_costs(provider_days, cutoff),
            _customer_segments(warehouse),
        )


def _has_table(warehouse: duckdb.DuckDBPyConnection, name: str) -> bool:
    schema, table = name.split(".")
    sql = "select 1 from information_schema.tables where table_schema = ? and table_name = ?"
    return warehouse.execute(sql, [schema, table]).fetchone() is not None


def _provider_days(warehouse: duckdb.DuckDBPyConnection) -> list[ProviderDay]:
    rows = warehouse.execute(
        f"""
        select
            provider_name,
            usage_date,
            coalesce(sum(effective_cost_usd) filter (where maturity <> 'estimated'), 0),
            coalesce(sum(effective_cost_usd) filter (where maturity = 'estimated'), 0)
        from {LEDGER}
        group by provider_name, usage_date
        """
    ).fetchall()
    return [ProviderDay(*row) for row in rows]


def _estimated_days(provider_days: Iterable[ProviderDay]) -> set[date]:
    return {day.usage_date for day in provider_days if day.estimated_cost_usd != 0}


def _provider_costs(provider_days: Iterable[ProviderDay], cutoff: date) -> dict[str, float]:
    costs: defaultdict[str, float] = defaultdict(float)
    for day in provider_days:
        if cutoff - timedelta(days=MIX_DAYS) < day.usage_date <= cutoff:
            costs[day.provider_name] += max(float(day.settled_cost_usd + day.estimated_cost_usd), 0.0)
    return dict(costs)


def _series(
    warehouse: duckdb.DuckDBPyConnection, cutoff: date, today: date, estimated_days: set[date]
) -> tuple[list[DailySeries], dict[str, DriverDays], dict[str, dict[date, LateDay]]]:
    rows = warehouse.execute(
        f"""
        select
            series_id, dimension_name, dimension_value, cost_date, effective_cost_usd, request_count, token_count
        from {SERIES_COSTS}
        where cost_date < ?
        order by dimension_name <> 'total', dimension_name, dimension_value, cost_date
        """,
        [today],
    ).fetchall()
    by_series: defaultdict[tuple[str, str, str], list[tuple[Any, ...]]] = defaultdict(list)
    for series_id, name, value, *day in rows:
        by_series[series_id, name, value].append(tuple(day))
    series, drivers, late = [], {}, {}
    for (series_id, name, value), days in by_series.items():
        costs = {day: cost for day, cost, _, _ in days}
        one = series_from_ledger(costs, cutoff, series_id, name, value)
        if one is not None:
            series.append(one)
            drivers[series_id] = _driver_days(days, cutoff)
            late[series_id] = {day: LateDay(cost, day in estimated_days) for day, cost in costs.items() if day > cutoff}
    return series, drivers, late


def _driver_days(days: Iterable[tuple[Any, ...]], cutoff: date) -> DriverDays:
    recent = [day for day in days if cutoff - timedelta(days=MIX_DAYS) < day[0] <= cutoff]
    columns = np.array([[float(value or 0) for value in day[1:]] for day in recent], dtype=np.float64).reshape(-1, 3)
    return DriverDays(*columns.T)


def _mix(warehouse: duckdb.DuckDBPyConnection, cutoff: date) -> list[tuple[tuple[str, ...], date, float]]:
    if not _has_table(warehouse, COST_MIX):
        return []
    values = ", ".join(f"coalesce({name}, '{UNATTRIBUTED}')" for name in SLICE_DIMENSIONS)
    rows = warehouse.execute(
        f"""
        select {values}, usage_date, sum(effective_cost_usd)
        from {COST_MIX}
        where usage_date > ? and usage_date <= ? and effective_cost_usd > 0
        group by all
        order by all
        """,
        [cutoff - timedelta(days=MIX_DAYS), cutoff],
    ).fetchall()
    return [(tuple(values), day, float(cost)) for *values, day, cost in rows]


def _planned_changes(warehouse: duckdb.DuckDBPyConnection) -> list[PlannedChange]:
    if not _has_table(warehouse, PLANNED_CHANGES):
        return []
    names = (
        *("change_id", "change_name", "change_kind", "driver", "start_date", "end_date", "factor"),
        *("daily_amount_usd", "ramp_days", *SLICE_DIMENSIONS),
    )
    rows = warehouse.execute(f"select {', '.join(names)} from {PLANNED_CHANGES} order by change_id").fetchall()
    return [PlannedChange(**dict(zip(names, row, strict=True))) for row in rows]


def _scenarios(warehouse: duckdb.DuckDBPyConnection) -> tuple[Scenario, ...]:
    if not _has_table(warehouse, SCENARIOS):
        return ()
    names = ("scenario", "team", "feature", "monthly_growth_ratio", "fade_months", "saturation_ratio")
    rows = warehouse.execute(f"select {', '.join(names)} from {SCENARIOS} order by all").fetchall()
    return scenarios_of(GrowthRow(**dict(zip(names, row, strict=True))) for row in rows)


def _customer_segments(warehouse: duckdb.DuckDBPyConnection) -> dict[str, str]:
    if not _has_table(warehouse, CUSTOMERS):
        return {}
    rows = warehouse.execute(
        f"select customer_id, customer_segment from {CUSTOMERS} where customer_segment is not null"
    ).fetchall()
    return dict(rows)


def _warn_of_unknown_scopes(budgets: Iterable[Budget], series_ids: set[str]) -> None:
    for budget in budgets:
        if budget.series_id not in series_ids:
            _log.warning(
                "Budget %s has no forecast: nothing was ever spent on %s. Check its scope in budgets.csv",
                budget.budget_id,
                ", ".join(f"{name} {value}" for name, value in budget.scope) or "anything",
            )
