"""How complete a day's cost is: learned from what earlier days looked like at the same age, and used to nowcast.

Providers report a day's cost late and correct it for days. Every load of a cost table says what was known of a day at
that time, so the loads of days that have settled since tell which share of the final cost is known how long after a
day's end. The age of a load is the number of whole days since the end of the day (UTC) that it is about.

A day that is not complete is not trained on (``mature_through``); its cost is estimated by ``nowcast``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from statistics import fmean, median

from forecasting.series import ONE_DAY

SETTLE_DAYS = 14
"""A day's cost as loaded at this age or later counts as final."""

LARGEST_SHARE = 1.0
"""A day that is credited later was never more than complete."""

MATURE_SHARE = 0.95
"""A day may be trained on when at least this share of its cost is known."""

SETTLED_SHARE = 0.9
"""A provider's day is settled when at least this share of its cost comes from bills rather than estimates."""

MAX_WAIT_DAYS = 35
"""Bills are pulled again for this many days; after that no bill will come, and an estimate is as good as it gets."""

_POOLED_WEIGHT = 5.0
"""Days that the curve of all providers counts for in the curve of one."""


@dataclass(frozen=True)
class CostObservation:
    """What one load knew of one day's cost at one account: dollars, or any currency that the account keeps to."""

    provider_name: str
    account_id: str
    cost_date: date
    loaded_at: datetime
    known_cost_usd: Decimal

    @property
    def age_days(self) -> int:
        """Whole days from the end of the day to the load; below 0 while the day still ran."""
        end = datetime.combine(self.cost_date + ONE_DAY, time.min, UTC)
        return (self.loaded_at - end) // timedelta(days=1)


@dataclass(frozen=True)
class Completeness:
    """Shares of the final cost that are known by age, per provider. Made by ``learn_completeness``.

    Attributes:
        curves: Provider to (age to share), shares from 0 to ``LARGEST_SHARE`` that never fall with age.
        last_ages: Provider and day to the age of the load that last said something about the day; of the account that
            lags most.
    """

    curves: Mapping[str, Mapping[int, float]]
    last_ages: Mapping[tuple[str, date], int]

    def at_age(self, provider_name: str, age_days: int) -> float | None:
        """Share known at an age; null where neither this nor a younger age could be learned of."""
        if provider_name not in self.curves:
            return None
        if age_days >= SETTLE_DAYS:
            return LARGEST_SHARE
        curve = self.curves[provider_name]
        younger = [age for age in curve if age <= age_days]
        return curve[max(younger)] if younger else None

    def of_day(self, provider_name: str, day: date) -> float | None:
        """Share of a day's cost that its last load knows; null where that could not be learned."""
        age = self.last_ages.get((provider_name, day))
        return None if age is None else self.at_age(provider_name, age)

    def of_series(self, provider_costs: Mapping[str, float], day: date) -> float | None:
        """Share of a day's cost of a series that is billed by several providers.

        Args:
            provider_costs: What each provider usually costs the series (any unit, >= 0). A provider of which nothing
                was learned is left out; null when that leaves none.
        """
        known = [
            (cost, share)
            for provider_name, cost in provider_costs.items()
            if cost > 0 and (share := self.of_day(provider_name, day)) is not None
        ]
        weight = sum(cost for cost, _ in known)
        return sum(cost * share for cost, share in known) / weight if known else None


def learn_completeness(observations: Iterable[CostObservation]) -> Completeness:
    """Learn curves from every load of the providers' cost tables, also those that later loads have superseded.

    The share of a provider at an age is the median over its days, drawn towards the median over all providers' days
    the more, the fewer days there are, and made monotone by isotonic regression. A provider with loads but without a
    settled day has the curve of all. Days that ended at zero or below tell nothing.
    """
    by_day: defaultdict[tuple[str, str, date], list[CostObservation]] = defaultdict(list)
    for observation in observations:
        if observation.age_days >= 0:
            by_day[observation.provider_name, observation.account_id, observation.cost_date].append(observation)
    last_ages: dict[tuple[str, date], int] = {}
    shares: defaultdict[str, defaultdict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    pooled: defaultdict[int, list[float]] = defaultdict(list)
    for (provider_name, _, day), loads in by_day.items():
        age = max(load.age_days for load in loads)
        last_ages[provider_name, day] = min(age, last_ages.get((provider_name, day), age))
        for young_age, share in _shares_of_day(loads).items():
            shares[provider_name][young_age].append(share)
            pooled[young_age].append(share)
    providers = sorted({provider_name for provider_name, _ in last_ages})
    return Completeness({name: _curve(shares[name], pooled) for name in providers} if pooled else {}, last_ages)


def _shares_of_day(loads: Sequence[CostObservation]) -> dict[int, float]:
    """Share of the final cost by age, of one settled day; empty for others."""
    final = max(loads, key=lambda load: load.loaded_at)
    if final.age_days < SETTLE_DAYS or final.known_cost_usd <= 0:
        return {}
    known: defaultdict[int, list[float]] = defaultdict(list)
    for load in loads:
        if load.age_days < SETTLE_DAYS:
            share = float(load.known_cost_usd / final.known_cost_usd)
            known[load.age_days].append(min(max(share, 0.0), LARGEST_SHARE))
    # Several loads of one morning are one look at the day.
    return {age: fmean(found) for age, found in known.items()}


def _curve(own: Mapping[int, Sequence[float]], pooled: Mapping[int, Sequence[float]]) -> dict[int, float]:
    ages = sorted(pooled)
    shares, weights = [], []
    for age in ages:
        mine = own.get(age, ())
        common = median(pooled[age])
        weight = len(mine) / (len(mine) + _POOLED_WEIGHT)
        shares.append(weight * median(mine) + (1 - weight) * common if mine else common)
        weights.append(len(mine) + _POOLED_WEIGHT)
    return dict(zip(ages, _never_falling(shares, weights), strict=True))


def _never_falling(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The non-decreasing values nearest by weighted squares (pool adjacent violators)."""
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        block = (value, weight, 1)
        while blocks and blocks[-1][0] > block[0]:
            before = blocks.pop()
            total = before[1] + block[1]
            block = ((before[0] * before[1] + block[0] * block[1]) / total, total, before[2] + block[2])
        blocks.append(block)
    return [value for value, _, count in blocks for _ in range(count)]


def nowcast(known_cost_usd: Decimal, forecast_cost_usd: Decimal, completeness: Decimal) -> Decimal:
    """Estimate of the final cost of a day: known + (1 - completeness) x forecast.

    That is the extrapolated cost (known ÷ completeness) and the forecast, weighed by completeness and by what is left
    to come: the less complete the day, the more the forecast weighs; of a day of which nothing is known it is all.

    Source: the method of Bornhuetter and Ferguson for claims that are incurred but not reported (1972).
    """
    return known_cost_usd + (1 - completeness) * forecast_cost_usd


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


def mature_through(days: Iterable[ProviderDay], today: date, completeness: Completeness | None = None) -> date | None:
    """The last day that may be trained on: past, known, and settled at every provider that sends bills.

    A provider holds the cutoff back while it has days after its last settled one, for at most ``MAX_WAIT_DAYS``. A
    provider that has never been billed (local models, logs only) has nothing to wait for. None: no past day at all.

    Args:
        completeness: Where given, a billed day of which less than ``MATURE_SHARE`` is usually known at the age of its
            last load is not settled either.
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
        billed = [day for day in provider_days if day.is_settled]
        settled = [day.usage_date for day in billed if _is_complete(day, completeness)]
        if billed and max(day.usage_date for day in provider_days) > max(settled, default=date.min):
            cutoff = min(cutoff, max(max(settled, default=date.min), patience))
    return cutoff


def _is_complete(day: ProviderDay, completeness: Completeness | None) -> bool:
    share = completeness.of_day(day.provider_name, day.usage_date) if completeness is not None else None
    return share is None or share >= MATURE_SHARE
