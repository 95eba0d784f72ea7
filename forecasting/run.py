"""Reads the ledger, forecasts every series, and lands the results like any other source."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Protocol, TypeVar

import duckdb
import numpy as np
import pyarrow as pa

from forecasting.budgets import Budget, calendar_period, read_budgets
from forecasting.forecast import TEAM, TOTAL, Forecaster, SeriesForecast, make_cutoffs, quantiles
from forecasting.intervals import QUANTILES
from forecasting.maturity import MAX_WAIT_DAYS, ProviderDay, mature_through
from forecasting.models.base import ForecastModel
from forecasting.models.baselines import RecentMean, SeasonalNaive
from forecasting.models.prophet_model import ProphetModel
from forecasting.series import ONE_DAY, DailySeries, series_from_ledger
from forecasting.tables import FORECAST_DAYS, FORECAST_PERIODS, Rows, dollars, quantile_column

SOURCE = "forecasting"
BASE, BACKTEST = "base", "backtest"
"""Scenarios: made before the fact, or made afterwards from the days up to an earlier cutoff."""

BACKFILL_STEP_DAYS = 28
SCORED_HORIZON_DAYS = (7, 30, 90, 365)
_BUDGET_LOOK_AHEAD_DAYS = MAX_WAIT_DAYS + 5
"""The cutoff may lie this far back, and the budgets of the running month must be there all the same."""

_LEDGER = "core.fct_cost_ledger"
_LEDGER_SCOPES = ("team", "feature", "environment", "provider_name", "model_id")
_UNATTRIBUTED = "unattributed"

_log = logging.getLogger(__name__)

LoadT_co = TypeVar("LoadT_co", covariant=True)


class ForecastLake(Protocol[LoadT_co]):
    """What forecasts need of a lake."""

    def land(self, table: str, source: str, rows: pa.Table, *, account_id: str) -> LoadT_co:
        """Land one batch; a batch equal to the latest one of its table, source and account is skipped."""
        ...


@dataclass(frozen=True)
class LedgerHistory:
    """What the ledger says up to the cutoff: every series to forecast, and the budgets that follow them."""

    cutoff: date
    series: list[DailySeries]
    budgets: list[Budget]


def default_models() -> list[ForecastModel]:
    """Every model that is stored and scored; which one is shown is chosen where tables are read."""
    return [ProphetModel(), SeasonalNaive(), RecentMean()]


def run_forecasts(
    warehouse_path: Path,
    lake: ForecastLake[LoadT_co],
    now: datetime,
    *,
    horizon_days: int = 365,
    seed: int = 20260101,
    backfill_cutoffs: int = 0,
    models: Sequence[ForecastModel] | None = None,
) -> list[LoadT_co]:
    """Forecast total, teams and budgets from the last mature day on, and land days and periods.

    The same ledger, cutoff and seed give the same rows, which the lake skips. Without a mature day of spend nothing is
    landed.

    Args:
        warehouse_path: DuckDB file with ``core.fct_cost_ledger``, opened read-only.
        now: Decides which days are past.
        backfill_cutoffs: So many earlier cutoffs, four weeks apart, are forecast as well, from the days up to each and
            marked as scenario ``backtest``; so that accuracy is known before the first forecast has matured.
    Returns:
        The loads: two for each cutoff, oldest cutoff first.
    """
    history = read_ledger(warehouse_path, now.astimezone(UTC).date())
    if history is None:
        _log.warning("There is no mature day of spend in %s yet: nothing to forecast", _LEDGER)
        return []
    forecaster = Forecaster(history.series, horizon_days=horizon_days, seed=seed)
    earlier = make_cutoffs(
        min(series.first_day for series in history.series),
        history.cutoff,
        step_days=BACKFILL_STEP_DAYS,
        count=backfill_cutoffs,
    )
    loads: list[LoadT_co] = []
    for cutoff, scenario in [*((day, BACKTEST) for day in earlier), (history.cutoff, BASE)]:
        days, periods = Rows(FORECAST_DAYS), Rows(FORECAST_PERIODS)
        for model in models or default_models():
            forecasts = forecaster.forecast(model, cutoff)
            _add_days(days, forecasts, scenario)
            _add_periods(periods, forecasts, history.budgets, scenario)
        # The lake compares a load with the latest one of its account: here each cutoff is an account of its own.
        account_id = f"{scenario}-{cutoff.isoformat()}"
        for table, rows in ((FORECAST_DAYS, days), (FORECAST_PERIODS, periods)):
            loads.append(lake.land(table, SOURCE, rows.to_arrow(), account_id=account_id))
    return loads


# ---------------------------------------------------------------- in


def read_ledger(warehouse_path: Path, today: date) -> LedgerHistory | None:
    """Every series of the ledger up to its last mature day; None if there is no such day with spend."""
    with closing(duckdb.connect(str(warehouse_path), read_only=True)) as warehouse:
        cutoff = mature_through(_provider_days(warehouse), today)
        if cutoff is None:
            return None
        by_team = _costs_by_team(warehouse, cutoff)
        total: defaultdict[date, Decimal] = defaultdict(Decimal)
        for costs in by_team.values():
            for day, cost in costs.items():
                total[day] += cost
        found = [series_from_ledger(total, cutoff, TOTAL, TOTAL, TOTAL)]
        found += [series_from_ledger(by_team[team], cutoff, f"{TEAM}={team}", TEAM, team) for team in sorted(by_team)]
        budgets = read_budgets(warehouse)
        # Lines of one budget over time share a series; the last one decides on its scope.
        own = {budget.series_id: budget for budget in budgets if _has_own_series(budget)}
        found += [_budget_series(warehouse, budget, cutoff) for budget in own.values()]
    series = [one for one in found if one is not None]
    _warn_of_unknown_scopes(budgets, {one.series_id for one in series})
    return LedgerHistory(cutoff, series, budgets) if series else None


def _has_own_series(budget: Budget) -> bool:
    """Whether it follows neither the total nor a team, and the ledger has the columns of its scope."""
    is_found = budget.series_id == TOTAL or budget.series_id.startswith(f"{TEAM}=")
    return not is_found and all(name in _LEDGER_SCOPES for name, _ in budget.scope)


def _warn_of_unknown_scopes(budgets: Iterable[Budget], series_ids: set[str]) -> None:
    for budget in budgets:
        if budget.series_id not in series_ids:
            _log.warning(
                "Budget %s has no forecast: nothing was ever spent on %s. Check its scope in budgets.csv",
                budget.budget_id,
                ", ".join(f"{name} {value}" for name, value in budget.scope) or "anything",
            )


def _provider_days(warehouse: duckdb.DuckDBPyConnection) -> list[ProviderDay]:
    rows = warehouse.execute(
        f"""
        select
            provider_name,
            usage_date,
            coalesce(sum(effective_cost_usd) filter (where maturity <> 'estimated'), 0),
            coalesce(sum(effective_cost_usd) filter (where maturity = 'estimated'), 0)
        from {_LEDGER}
        group by provider_name, usage_date
        """
    ).fetchall()
    return [ProviderDay(*row) for row in rows]


def _costs_by_team(warehouse: duckdb.DuckDBPyConnection, cutoff: date) -> dict[str, dict[date, Decimal]]:
    rows = warehouse.execute(
        f"""
        select coalesce(team, ?), usage_date, sum(effective_cost_usd)
        from {_LEDGER}
        where usage_date <= ? and effective_cost_usd is not null
        group by all
        """,
        [_UNATTRIBUTED, cutoff],
    ).fetchall()
    costs: defaultdict[str, dict[date, Decimal]] = defaultdict(dict)
    for team, day, cost in rows:
        costs[team][day] = cost
    return dict(costs)


def _budget_series(warehouse: duckdb.DuckDBPyConnection, budget: Budget, cutoff: date) -> DailySeries | None:
    conditions = " and ".join(f"{name} = ?" for name, _ in budget.scope)
    rows = warehouse.execute(
        f"""
        select usage_date, sum(effective_cost_usd)
        from {_LEDGER}
        where usage_date <= ? and effective_cost_usd is not null and {conditions}
        group by usage_date
        """,
        [cutoff, *(value for _, value in budget.scope)],
    ).fetchall()
    return series_from_ledger(dict(rows), cutoff, budget.series_id, *budget.series_id.split("=", 1))


# ---------------------------------------------------------------- out


def _add_days(rows: Rows, forecasts: Sequence[SeriesForecast], scenario: str) -> None:
    points = {forecast.series.series_id: [dollars(cost) for cost in forecast.daily] for forecast in forecasts}
    teams = [points[one.series.series_id] for one in forecasts if one.series.dimension_name == TEAM]
    if TOTAL in points and teams:
        # Rounding must not cost coherence: the stored total is the sum of the stored teams.
        points[TOTAL] = [sum(costs, Decimal(0)) for costs in zip(*teams, strict=True)]
    for forecast in forecasts:
        p05, lower, p50, upper, p95 = quantiles(forecast.paths, (0.05, 0.1, 0.5, 0.9, 0.95))
        for offset, cost in enumerate(points[forecast.series.series_id]):
            rows.add(
                **_identity(forecast, scenario),
                cost_date=forecast.first_day + timedelta(days=offset),
                forecast_cost_usd=cost,
                lower_cost_usd=min(dollars(lower[offset]), cost),
                upper_cost_usd=max(dollars(upper[offset]), cost),
                p05_cost_usd=dollars(p05[offset]),
                p50_cost_usd=dollars(p50[offset]),
                p95_cost_usd=dollars(p95[offset]),
            )


def _identity(forecast: SeriesForecast, scenario: str) -> dict[str, str | date]:
    return {
        "series_id": forecast.series.series_id,
        "dimension_name": forecast.series.dimension_name,
        "dimension_value": forecast.series.dimension_value,
        "cutoff_date": forecast.cutoff,
        "model_name": forecast.model_name,
        "scenario": scenario,
    }


def _add_periods(rows: Rows, forecasts: Sequence[SeriesForecast], budgets: Sequence[Budget], scenario: str) -> None:
    for forecast in forecasts:
        ends = _calendar_ends(forecast) if forecast.series.dimension_name in (TOTAL, TEAM) else set()
        followers = [budget for budget in budgets if budget.series_id == forecast.series.series_id]
        ends |= _budget_ends(forecast, followers) | _scored_ends(forecast)
        by_start: defaultdict[date, list[tuple[date, str]]] = defaultdict(list)
        for name, start, end in ends:
            by_start[start].append((end, name))
        for start in sorted(by_start):
            _add_totals(rows, forecast, start, sorted(by_start[start]), scenario)


def _calendar_ends(forecast: SeriesForecast) -> set[tuple[str, date, date]]:
    """Every calendar month, quarter and year that ends within the horizon, the running ones included."""
    last = forecast.cutoff + timedelta(days=len(forecast.daily))
    ends: set[tuple[str, date, date]] = set()
    for name in ("month", "quarter", "year"):
        start, end = calendar_period(name, forecast.first_day)
        while end <= last:
            ends.add((name, start, end))
            start, end = calendar_period(name, end + ONE_DAY)
    return ends


def _scored_ends(forecast: SeriesForecast) -> set[tuple[str, date, date]]:
    """The totals over the horizons at which forecasts are scored."""
    return {
        ("days_ahead", forecast.first_day, forecast.cutoff + timedelta(days=days))
        for days in SCORED_HORIZON_DAYS
        if days <= len(forecast.daily)
    }


def _budget_ends(forecast: SeriesForecast, budgets: Iterable[Budget]) -> set[tuple[str, date, date]]:
    """Every day of the budgets' running and next periods as the end of a total: what a burn-down is drawn from."""
    last = forecast.cutoff + timedelta(days=len(forecast.daily))
    ends: set[tuple[str, date, date]] = set()
    for budget in budgets:
        for start, end in budget.periods_from(forecast.cutoff, _BUDGET_LOOK_AHEAD_DAYS):
            day = max(start, forecast.first_day)
            while day <= min(end, last):
                ends.add(("to_date", start, day))
                day += ONE_DAY
    return ends


def _add_totals(
    rows: Rows, forecast: SeriesForecast, start: date, ends: Sequence[tuple[date, str]], scenario: str
) -> None:
    """One row for each end of a period that starts at ``start``: quantiles of the total itself, from the paths."""
    first = max((start - forecast.first_day).days, 0)
    cumulated = np.cumsum(forecast.paths[:, first:], axis=1)
    columns = sorted({(end - forecast.first_day).days - first for end, _ in ends})
    levels = dict(zip(columns, quantiles(cumulated[:, columns], QUANTILES).T, strict=True))
    actual = forecast.series.total(start, forecast.cutoff)
    for end, name in ends:
        remaining = zip(QUANTILES, levels[(end - forecast.first_day).days - first], strict=True)
        rows.add(
            **_identity(forecast, scenario),
            period_name=name,
            period_start_date=start,
            period_end_date=end,
            actual_to_cutoff_usd=actual,
            **{quantile_column(level): actual + dollars(value) for level, value in remaining},
        )
