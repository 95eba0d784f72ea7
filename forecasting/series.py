"""Gap-free daily cost series, and which of their days may be trained on.

Policies, in one place:

- A day that is missing from a given series is an error (``SeriesGapError``); nothing is interpolated.
- A ledger has no row for a day on which nothing was spent, so ``from_ledger`` reads such days, after the first spend of
  the series and up to the cutoff, as zero. Days before the first spend do not exist.
- A negative day (credits above usage) stays in every actual total, and counts as zero when a model is trained.
- A single day above five times every other day within two weeks is not repeated: models see it capped at the
  highest of its neighbours.
- Only mature days are trained on (``mature_through``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
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

SETTLED_SHARE = 0.9
"""A provider's day is settled when at least this share of its cost comes from bills rather than estimates."""

MAX_WAIT_DAYS = 35
"""Bills are pulled again for this many days; after that no bill will come, and an estimate is as good as it gets."""

_SPIKE_FACTOR = 5.0
_SPIKE_NEIGHBOUR_DAYS = 14
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
        """What models see: credits as zero, a lone absurd day capped (see the module's policies)."""
        return _cap_lone_spikes(np.maximum(self._values, 0.0))


def _cap_lone_spikes(values: FloatArray) -> FloatArray:
    if len(values) < _SPIKE_NEIGHBOUR_DAYS:
        return values
    capped = values.copy()
    for day in np.flatnonzero(values > 0).tolist():
        neighbours = np.concatenate(
            (values[max(0, day - _SPIKE_NEIGHBOUR_DAYS) : day], values[day + 1 : day + 1 + _SPIKE_NEIGHBOUR_DAYS])
        )
        highest = neighbours.max()
        # A series of rare bursts has no neighbours to compare with; its bursts are its nature.
        if np.median(neighbours) > 0 and values[day] > _SPIKE_FACTOR * highest:
            capped[day] = highest
    return capped


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


@dataclass(frozen=True)
class ProviderDay:
    """Effective cost of one provider on one day, by whether a bill has settled it."""

    provider_name: str
    usage_date: date
    settled_cost_usd: Decimal
    estimated_cost_usd: Decimal

    @property
    def is_settled(self) -> bool:
        settled, estimated = abs(self.settled_cost_usd), abs(self.estimated_cost_usd)
        return settled > 0 and float(settled) >= SETTLED_SHARE * float(settled + estimated)


def mature_through(days: Iterable[ProviderDay], today: date) -> date | None:
    """The last day that may be trained on: past, known, and settled at every provider that sends bills.

    A provider holds the cutoff back while it has days after its last settled one, for at most ``MAX_WAIT_DAYS``. A
    provider that has never been billed (local models, logs only) has nothing to wait for. None: no past day at all.
    """
    by_provider: defaultdict[str, list[ProviderDay]] = defaultdict(list)
    for day in days:
        if day.usage_date < today:
            by_provider[day.provider_name].append(day)
    if not by_provider:
        return None
    cutoff = max(day.usage_date for provider_days in by_provider.values() for day in provider_days)
    patience = today - timedelta(days=1 + MAX_WAIT_DAYS)
    for provider_days in by_provider.values():
        settled = [day.usage_date for day in provider_days if day.is_settled]
        if settled and max(day.usage_date for day in provider_days) > max(settled):
            cutoff = min(cutoff, max(max(settled), patience))
    return cutoff
