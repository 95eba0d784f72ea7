"""Errors of the forecasts: what is wrong, where, and how to mend it.

They have the shape of the ingestion errors but not their base class, because neither package imports the other.
"""

from __future__ import annotations


class ForecastError(Exception):
    """Base of every forecasting error that a user can act on.

    Args:
        what: What is wrong, in one sentence without a full stop.
        where: The series, budget, table or column that it concerns.
        mend: What the user can do about it.
    """

    def __init__(self, what: str, *, where: str = "", mend: str = "") -> None:
        self.what = what
        self.where = where
        self.mend = mend
        text = what
        if where:
            text += f"\n  where: {where}"
        if mend:
            text += f"\n  mend:  {mend}"
        super().__init__(text)


class SeriesError(ForecastError):
    """A series cannot be used: no day at all, a day twice, an amount that is not a number."""


class SeriesGapError(SeriesError):
    """A day is missing from a series that must have none."""


class BudgetError(ForecastError):
    """A budget cannot be laid out over days."""


class PlannedChangeError(ForecastError):
    """A line of the planned changes contradicts itself."""


class ScenarioError(ForecastError):
    """A growth scenario cannot be drawn."""
