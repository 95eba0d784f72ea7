"""Budgets over days: their periods, the series that each of them follows, and when they run out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd

from forecasting.errors import BudgetError
from forecasting.forecast import TEAM, TOTAL
from forecasting.series import ONE_DAY, FloatArray, series_from_frame

SCOPE_COLUMNS = ("team", "feature", "environment", "provider_name", "model_id")
"""Budget scopes that the cost ledger knows. A customer is not among them: requests have customers, bills do not."""

_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class Budget:
    """The scope and time of one budget line. The amount is no matter of the forecast: it may change without one.

    Attributes:
        scope: Ledger columns and the value each must have; empty means all spend.
        period: ``month``, ``quarter``, ``year`` (calendar, UTC) or ``custom`` (once, from first to last valid day).
    """

    budget_id: str
    scope: tuple[tuple[str, str], ...]
    period: str
    valid_from_date: date
    valid_to_date: date

    @property
    def series_id(self) -> str:
        """The series that it follows: the total's, a team's, or one of its own."""
        if not self.scope:
            return TOTAL
        if len(self.scope) == 1 and self.scope[0][0] == TEAM:
            return f"{TEAM}={self.scope[0][1]}"
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
        start, end = calendar_period(self.period, day)
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


def calendar_period(period: str, day: date) -> tuple[date, date]:
    """First and last day of the calendar month, quarter or year that holds ``day``."""
    months = _MONTHS[period]
    first_month = (day.month - 1) // months * months + 1
    start = date(day.year, first_month, 1)
    following = date(day.year + 1, 1, 1) if first_month + months > 12 else date(day.year, first_month + months, 1)
    return start, following - ONE_DAY


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
