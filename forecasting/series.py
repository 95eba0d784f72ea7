"""Gap-free daily cost series, and which of their days may be trained on.

Policies, in one place:

- A day that is missing from a given series is an error (``SeriesGapError``); nothing is interpolated.
- A ledger has no row for a day on which nothing was spent, so ``from_ledger`` reads such days, after the first spend of
  the series and up to the cutoff, as zero. Days before the first spend do not exist.
- A negative day (credits above usage) stays in every actual total, and counts as zero when a model is trained.
- A single day above five times every other day within two weeks is not repeated: models see it capped at the
  highest of its neighbours. In a series of rare bursts, whose neighbours are mostly silent, that is a day above five
  times every other burst there ever was.
- A last day far below every day of its last four weeks is taken to be half of itself, and completed.
- Only mature days are trained on (``forecasting.maturity``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.errors import SeriesError, SeriesGapError

FloatArray = NDArray[np.float64]

_SPIKE_FACTOR = 5.0
_SPIKE_NEIGHBOUR_DAYS = 14
_MIN_BURSTS = 5
"""Days with cost that a burst is compared with, itself among them."""

_LAST_DAY_WEEKS = 4
_LAST_DAY_SHARE = 0.8
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class DailySeries:
    """Exact daily cost in US dollars of one scope, one entry per UTC day, without gaps.

    Attributes:
        series_id: ``total``, ``team=<team>`` or ``budget=<budget_id>``; any text for series from elsewhere.
    """

    series_id: str
    dimension_name: str
    dimension_value: str
    first_day: date
    costs: tuple[Decimal, ...]

    def __post_init__(self) -> None:
        if not self.costs:
            raise SeriesError(
                "The series has no day",
                where=self.series_id,
                mend="Leave it out until it has spent something.",
            )

    @property
    def last_day(self) -> date:
        return self.first_day + timedelta(days=len(self.costs) - 1)

    def up_to(self, cutoff: date) -> DailySeries | None:
        """The series as known at the end of ``cutoff``; None if it began later."""
        days = (cutoff - self.first_day).days + 1
        if days <= 0:
            return None
        if days >= len(self.costs):
            return self
        return DailySeries(self.series_id, self.dimension_name, self.dimension_value, self.first_day, self.costs[:days])

    def total(self, start: date, end: date) -> Decimal:
        """Exact cost of the days from ``start`` to ``end``, both included; days outside the series add nothing."""
        first = max((start - self.first_day).days, 0)
        last = max((end - self.first_day).days + 1, 0)
        return sum(self.costs[first:last], Decimal(0))

    def actuals(self, start: date, days: int) -> FloatArray:
        """Cost of up to ``days`` days from ``start`` on, as floats; shorter where the series ends."""
        first = (start - self.first_day).days
        if first < 0:
            raise SeriesError("A series was asked for days before its first", where=f"{self.series_id}, {start}")
        return self._values[first : first + days]

    @cached_property
    def _values(self) -> FloatArray:
        return np.array([float(cost) for cost in self.costs])

    @cached_property
    def training_values(self) -> FloatArray:
        """What models see: credits as zero, a lone absurd day capped, half a last day completed (see the policies)."""
        return _complete_last_day(_cap_lone_spikes(np.maximum(self._values, 0.0)))


def _cap_lone_spikes(values: FloatArray) -> FloatArray:
    if len(values) < _SPIKE_NEIGHBOUR_DAYS:
        return values
    reach = _SPIKE_NEIGHBOUR_DAYS
    around = np.full(len(values) + 2 * reach, np.nan)
    around[reach:-reach] = values
    neighbours = np.delete(np.lib.stride_tricks.sliding_window_view(around, 2 * reach + 1), reach, axis=1)
    has_usual = np.nanmedian(neighbours, axis=1) > 0
    # Bursts of a series that is mostly silent are its nature; only one that dwarfs all others is absurd.
    second, first = np.sort(values)[-2:]
    is_compared = has_usual | (np.count_nonzero(values) >= _MIN_BURSTS)
    highest = np.where(has_usual, np.nanmax(neighbours, axis=1), np.where(values == first, second, first))
    return np.where(is_compared & (values > _SPIKE_FACTOR * highest), highest, values)


def _complete_last_day(values: FloatArray) -> FloatArray:
    """The last day as its weekday usually is, where it is lower than any day of the last four weeks by another fifth.

    Such a day is more often half a day than half the spend. If the spend did fall, the day after tomorrow will say so.
    """
    if len(values) < _LAST_DAY_WEEKS * 7 + 1:
        return values
    weeks = values[-_LAST_DAY_WEEKS * 7 - 1 : -1].reshape(_LAST_DAY_WEEKS, 7)
    usual = np.median(weeks, axis=0)
    if not (usual > 0).all():
        return values
    lowest, last = float((weeks / usual).min()), float(values[-1] / usual[0])
    if last >= _LAST_DAY_SHARE * lowest:
        return values
    recent = float(weeks[-1].sum() / usual.sum())
    return np.append(values[:-1], usual[0] * recent)


NEW_DAYS = 28
_LUMPY_SHARE = 0.4
_SURE_DAYS = 84


@dataclass(frozen=True)
class SeriesCharacter:
    """What kind of series it is, and how far a forecast of it can be trusted.

    Attributes:
        kind: ``new`` (below four weeks: forecast at the mean of its days), ``dead`` (silent for its last four weeks:
            forecast at zero), ``lumpy`` (two days in five without cost: forecast at its level, never day by day),
            ``stepped`` (its level jumped: only the days since count) or ``regular``.
        confidence: ``high`` (regular, twelve weeks or more, weeks that vary by less than 30 %), ``low`` (new, dead or
            lumpy, or weeks that vary by more than their mean), else ``medium``.
    """

    kind: str
    confidence: str


def is_dead(values: FloatArray) -> bool:
    """Whether a series was silent for its last four weeks: every model forecasts it at zero."""
    return not values[-NEW_DAYS:].any()


def characterize(values: FloatArray) -> SeriesCharacter:
    """The character of a series from its training values up to the cutoff."""
    from forecasting.models.levels import regime_start

    recent = values[-56:]
    weeks = recent[len(recent) % 7 :].reshape(-1, 7).sum(axis=1)
    variation = float(weeks.std() / weeks.mean()) if len(weeks) > 1 and weeks.mean() > 0 else float("inf")
    if is_dead(values):
        return SeriesCharacter("dead", "low")
    if len(values) < NEW_DAYS:
        return SeriesCharacter("new", "low")
    if float(np.mean(recent == 0)) >= _LUMPY_SHARE:
        return SeriesCharacter("lumpy", "low")
    kind = "stepped" if regime_start(values) else "regular"
    if variation > 1:
        return SeriesCharacter(kind, "low")
    is_sure = kind == "regular" and len(values) >= _SURE_DAYS and variation < 0.3
    return SeriesCharacter(kind, "high" if is_sure else "medium")


def series_from_frame(
    frame: pd.DataFrame, series_id: str, *, dimension_name: str = "series", dimension_value: str = ""
) -> DailySeries:
    """A series from rows ``cost_date``, ``effective_cost_usd``, one for each UTC day, in any order.

    Raises:
        SeriesError: no row, a day twice, or an amount that is missing or not finite.
        SeriesGapError: a day is missing between the first and the last; names the first one.
    """
    rows = sorted(zip((_day(value) for value in frame["cost_date"]), frame["effective_cost_usd"], strict=True))
    days = [day for day, _ in rows]
    costs = tuple(_exact(amount, f"{series_id}, {day}") for day, amount in rows)
    for previous, day in pairwise(days):
        if day == previous:
            raise SeriesError("A day occurs twice", where=f"{series_id}, {day}", mend="Sum the rows of each day first.")
        if day - previous > ONE_DAY:
            raise SeriesGapError(
                "A day is missing from the series",
                where=f"{series_id}, {previous + ONE_DAY}",
                mend="Backfill that day; if nothing was spent, give it a row with 0.",
            )
    if not days:
        raise SeriesError("The series has no day", where=series_id, mend="Give it at least one row.")
    return DailySeries(series_id, dimension_name, dimension_value, days[0], costs)


def _day(value: object) -> date:
    if isinstance(value, datetime):  # pandas' Timestamp is one
        return value.date()
    if isinstance(value, date):
        return value
    raise SeriesError("A day is not a date", where=repr(value), mend="Use dates, or UTC timestamps at midnight.")


def _exact(amount: object, where: str) -> Decimal:
    number = amount if isinstance(amount, Decimal) else Decimal(str(amount))
    if not number.is_finite():
        raise SeriesError("An amount is missing or not finite", where=where, mend="A day without spend has 0.")
    return number


def series_from_ledger(
    costs: Mapping[date, Decimal], cutoff: date, series_id: str, dimension_name: str, dimension_value: str
) -> DailySeries | None:
    """A series from the ledger's days with cost, from its first spend to ``cutoff``; None if it spent nothing."""
    spent = [day for day, cost in costs.items() if cost != 0 and day <= cutoff]
    if not spent:
        return None
    first = min(spent)
    days = (cutoff - first).days + 1
    return DailySeries(
        series_id,
        dimension_name,
        dimension_value,
        first,
        tuple(costs.get(first + timedelta(days=offset), Decimal(0)) for offset in range(days)),
    )
