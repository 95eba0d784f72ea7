"""Budgets over days: their periods, the series that each of them follows, and when they run out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd

from forecasting.errors import BudgetError
from forecasting.forecast import TOTAL
from forecasting.series import ONE_DAY, FloatArray, series_from_frame

SCOPE_COLUMNS = (
    *("team", "feature", "environment", "provider_name", "model_id", "model_family"),
    *("customer_id", "customer_segment"),
)
"""What a budget can be for; blank means any."""

BUDGETS = "staging.stg_config__budgets"
"""The table of budgets, of every file that was landed."""

_SERIES_DIMENSIONS = {
    "team": "team",
    "feature": "feature",
    "environment": "environment",
    "provider_name": "provider",
    "model_family": "model_family",
    "customer_segment": "customer_segment",
}
"""Scopes of one column that have a series anyway, whether or not there is a budget for them."""

_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class Budget:
    """The scope and time of one budget line. The amount is no matter of the forecast: it may change without one.

    Attributes:
        scope: Columns and the value each must have, in the order of ``SCOPE_COLUMNS``; empty means all spend.
        period: ``month``, ``quarter``, ``year`` (UTC) or ``custom`` (once, from first to last valid day).
        fiscal_year_start_month: The month (1 to 12) with which years, and every third one with which quarters, begin.
    """

    budget_id: str
    scope: tuple[tuple[str, str], ...]
    period: str
    valid_from_date: date
    valid_to_date: date
    fiscal_year_start_month: int = 1

    @property
    def series_id(self) -> str:
        """The series that it follows: the total's, that of its one dimension, or one of its own.

        The same rule as in the dbt macro ``budget_series_id``.
        """
        columns = tuple(name for name, _ in self.scope)
        values = tuple(value for _, value in self.scope)
        if not columns:
            return TOTAL
        if columns == ("team", "feature"):
            return f"team_feature={values[0]}/{values[1]}"
        if len(columns) == 1 and columns[0] in _SERIES_DIMENSIONS:
            return f"{_SERIES_DIMENSIONS[columns[0]]}={values[0]}"
        return f"budget={self.budget_id}"

    def period_at(self, day: date) -> tuple[date, date] | None:
        """First and last day of the budget period that holds ``day``; None when the budget is not valid then.

        A period that the validity cuts short keeps its whole amount.

        Raises:
            BudgetError: the period has a name that is not known.
        """
        if not self.valid_from_date <= day <= self.valid_to_date:
            return None
        if self.period == "custom":
            return self.valid_from_date, self.valid_to_date
        if self.period not in _MONTHS:
            raise BudgetError(
                f"The budget period {self.period!r} is not known",
                where=f"budgets.csv, budget_id {self.budget_id}",
                mend="Use month, quarter, year or custom.",
            )
        start, end = calendar_period(self.period, day, self.fiscal_year_start_month)
        return max(start, self.valid_from_date), min(end, self.valid_to_date)

    def periods_from(self, cutoff: date, look_ahead_days: int) -> list[tuple[date, date]]:
        """The periods that still have a day after ``cutoff`` and begin at most ``look_ahead_days`` after it."""
        periods: list[tuple[date, date]] = []
        day = max(cutoff + ONE_DAY, self.valid_from_date)
        while (day - cutoff).days <= look_ahead_days:
            period = self.period_at(day)
            if period is None:
                break
            periods.append(period)
            if period[1] >= min(self.valid_to_date, date.max - ONE_DAY):
                break
            day = period[1] + ONE_DAY
        return periods


def calendar_period(period: str, day: date, fiscal_year_start_month: int = 1) -> tuple[date, date]:
    """First and last day of the month, or of the quarter or year of a fiscal year, that holds ``day``."""
    months = _MONTHS[period]
    behind = (day.month - fiscal_year_start_month) % 12 % months
    start = _first_of(day.year, day.month - behind)
    return start, _first_of(start.year, start.month + months) - ONE_DAY


def _first_of(year: int, month: int) -> date:
    """First day of a month that may be counted from -11 to 24."""
    years, month_index = divmod(month - 1, 12)
    return date(year + years, month_index + 1, 1)


def read_budgets(warehouse: duckdb.DuckDBPyConnection) -> list[Budget]:
    """The lines of the newest file of budgets; none before the first dbt build."""
    built = warehouse.execute(
        "select 1 from information_schema.tables where table_schema || '.' || table_name = ?", [BUDGETS]
    ).fetchone()
    if built is None:
        return []
    rows = warehouse.execute(
        f"""
        select budget_id, period, valid_from_date, valid_to_date, fiscal_year_start_month, {", ".join(SCOPE_COLUMNS)}
        from {BUDGETS}
        where is_current
        order by budget_id, valid_from_date
        """
    ).fetchall()
    return [
        Budget(budget_id, parse_scope(scope), period, valid_from, valid_to, start_month)
        for budget_id, period, valid_from, valid_to, start_month, *scope in rows
    ]


def breach_date(burn: pd.DataFrame, budget_usd: Decimal) -> date | None:
    """First day on which cumulative cost passes the budget, or None.

    Args:
        burn: One row per UTC day of the period, no gaps: ``cost_date``, ``effective_cost_usd`` (actual or forecast).
        budget_usd: Budget for the whole period. Reaching it exactly is not a breach.
    Raises:
        SeriesGapError: a day is missing; names the first one.
    """
    series = series_from_frame(burn, "burn-down")
    spent = Decimal(0)
    for offset, cost in enumerate(series.costs):
        spent += cost
        if spent > budget_usd:
            return series.first_day + timedelta(days=offset)
    return None


def breach_probability(spent_usd: Decimal, remaining_paths: FloatArray, budget_usd: Decimal) -> float:
    """Share of the sample paths ``[n_paths, days left]`` on which the period's total passes the budget."""
    left = float(budget_usd - spent_usd)
    return float(np.mean(remaining_paths.sum(axis=1) > left))


def parse_scope(values: Sequence[str | None]) -> tuple[tuple[str, str], ...]:
    """Scope of a budget from its cells in the order of ``SCOPE_COLUMNS``; blank cells mean any."""
    return tuple((name, value) for name, value in zip(SCOPE_COLUMNS, values, strict=True) if value)
