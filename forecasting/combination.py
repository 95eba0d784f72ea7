"""One forecast out of many: a weighted median of the models, week by week, with weights that depend on how far ahead.

Near the cutoff short memories weigh most, a quarter ahead long ones, a year ahead last year and the flat variants. A
median is not moved by one model that runs away. Each series shifts the weights towards the models that were right on
its own earlier cutoffs, as far as there is evidence: with one finished cutoff hardly, with many clearly (ADR 16).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from forecasting.series import FloatArray

HORIZONS = (7, 30, 90, 365)
"""Days ahead at which weights are set and forecasts are scored."""

_WEEK = 7

_ALONE: Mapping[int, tuple[float, float]] = {7: (0, 3.5), 30: (10.5, 31.5), 90: (66.5, 94.5), 365: (150.5, 365)}
"""From which day to which the weights of each horizon count alone; between two horizons both are blended."""

# What each model weighs before anything is known of a series. Chosen on development cutoffs of public series that no
# published score uses (docs/forecast-scorecard.md says which); a model that is missing here at a horizon has no say.
PRIOR_WEIGHTS: Mapping[int, Mapping[str, float]] = {
    7: {
        "seasonal_naive": 3.0,
        "level_fast": 2.0,
        "level_medium": 1.0,
        "regime_14d": 1.0,
        "ets": 2.0,
        "theta": 1.0,
        "last_year": 1.0,
        "prophet_damped": 0.5,
        "regime_365d": 0.5,
    },
    30: {
        "seasonal_naive": 2.0,
        "level_fast": 2.0,
        "level_slow": 1.0,
        "regime_14d": 1.5,
        "regime_28d": 1.0,
        "ets": 2.0,
        "prophet_flat": 0.7,
        "last_year": 3.0,
    },
    90: {
        "seasonal_naive": 0.7,
        "level_fast": 0.5,
        "level_medium": 0.6,
        "level_slow": 1.0,
        "regime_14d": 0.3,
        "regime_28d": 0.6,
        "regime_56d": 1.5,
        "regime_365d": 2.5,
        "ets": 0.5,
        "prophet_damped": 0.7,
        "prophet_flat": 2.5,
        "last_year": 5.0,
    },
    365: {
        "level_slow": 1.0,
        "regime_28d": 0.5,
        "regime_56d": 1.5,
        "regime_365d": 1.5,
        "prophet_damped": 0.7,
        "prophet_flat": 2.5,
        "last_year": 5.0,
    },
}

_LAST_WEEK_SHARE: Mapping[int, float] = {7: 0.3, 30: 0.35}
"""How far the median is drawn towards the last week again: what the models believe to have seen may not last."""

_EAGERNESS = 4.0
"""How strongly a model that was better on a series is preferred there."""

_PRIOR_CUTOFFS = 3.0
"""Finished cutoffs that the prior weights count for."""

_HALF_LIFE_DAYS = 180.0
"""Age at which a finished cutoff counts half."""

Weights = Mapping[int, Mapping[str, float]]
"""Weight of each model by horizon; each horizon's weights sum to 1."""


@dataclass(frozen=True)
class Evidence:
    """Totals over one horizon from one earlier cutoff, all of whose days are known.

    Attributes:
        age_days: Days from that cutoff to the one that is forecast from.
        totals: Forecast total of each model.
    """

    horizon_days: int
    age_days: int
    totals: Mapping[str, float]
    actual: float


@dataclass(frozen=True)
class Selection:
    """The weights of one series, and in words why they are what they are."""

    weights: Weights
    reason: str


def prior(models: Sequence[str]) -> Weights:
    """The weights that a series begins with, of the models that it has."""
    return {horizon: _normalized(weights, models) for horizon, weights in PRIOR_WEIGHTS.items()}


def _normalized(weights: Mapping[str, float], models: Sequence[str]) -> dict[str, float]:
    known = {name: weight for name, weight in weights.items() if name in models}
    total = sum(known.values())
    return {name: weight / total for name, weight in known.items()}


def select(models: Sequence[str], evidence: Sequence[Evidence]) -> Selection:
    """Weights of a series: the prior ones, moved by how each model did on the series' own finished cutoffs."""
    weights: dict[int, Mapping[str, float]] = {}
    reasons = []
    for horizon, before in prior(models).items():
        finished = [one for one in evidence if one.horizon_days == horizon]
        # A year ahead has hardly ever finished; what did well a quarter ahead is the best hint.
        borrowed = horizon == HORIZONS[-1] and not finished
        if borrowed:
            finished = [one for one in evidence if one.horizon_days == HORIZONS[-2]]
        weights[horizon] = _moved(before, finished)
        reasons.append(_reason(horizon, before, weights[horizon], len(finished), borrowed=borrowed))
    return Selection(weights, "; ".join(reasons))


def _moved(before: Mapping[str, float], finished: Sequence[Evidence]) -> dict[str, float]:
    if not finished:
        return dict(before)
    count = np.array([0.5 ** (one.age_days / _HALF_LIFE_DAYS) for one in finished])
    names = list(before)
    losses = np.array([[_loss(one.totals.get(name), one.actual) for name in names] for one in finished])
    # A model that could not forecast back then is taken as average: neither rewarded nor punished.
    middle = np.nanmedian(losses, axis=1, keepdims=True)
    losses = np.where(np.isnan(losses), middle, losses)
    trust = float(count.sum()) / (float(count.sum()) + _PRIOR_CUTOFFS)
    mean_loss = (losses * count[:, None]).sum(axis=0) / (count.sum() + _PRIOR_CUTOFFS)
    own = np.array(list(before.values()))
    relative = mean_loss / (float(own @ mean_loss) + 1e-9) * trust
    moved = own * np.exp(-_EAGERNESS * (relative - relative.min()))
    return dict(zip(names, (moved / moved.sum()).tolist(), strict=True))


def _loss(forecast: float | None, actual: float) -> float:
    """Symmetric relative error, 0 to 1: twice too much is as bad as half."""
    if forecast is None:
        return float("nan")
    size = abs(forecast) + abs(actual)
    return abs(forecast - actual) / size if size > 0 else 0.0


def _reason(
    horizon: int, before: Mapping[str, float], after: Mapping[str, float], cutoffs: int, *, borrowed: bool
) -> str:
    if not cutoffs:
        return f"{horizon} days: no finished cutoff, the common weights"
    gained = max(after, key=lambda name: after[name] / before[name])
    where = f"{cutoffs} finished {HORIZONS[-2]}-day cutoffs" if borrowed else f"{cutoffs} finished cutoffs"
    if after[gained] < 1.02 * before[gained]:
        return f"{horizon} days: {where} prefer no model, the common weights"
    return f"{horizon} days: {where}, most for {gained} ({before[gained]:.0%} to {after[gained]:.0%})"


def combine(points: Mapping[str, FloatArray], weights: Weights) -> FloatArray:
    """Daily points of the combination, as many as the models have.

    For each week ahead the level is the weighted median of the models' weekly totals, and its days share it as they do
    in the weighted mean of the models. Between two horizons both are blended, so that nothing jumps where the weights
    of one give way to those of the next.
    """
    horizon = len(next(iter(points.values())))
    combined = np.empty(horizon)
    for start in range(0, horizon, _WEEK):
        week = slice(start, min(start + _WEEK, horizon))
        days = np.zeros(week.stop - start)
        for within, part in _blend(start + _WEEK / 2):
            days += part * _combined_week(points, week, weights[within], _LAST_WEEK_SHARE.get(within, 0.0))
        # A cost that never changes is forecast to the last digit, not to the noise of sixteen of them.
        last_week = points["seasonal_naive"][week]
        combined[week] = last_week if np.allclose(days, last_week, rtol=1e-9, atol=0.0) else days
    return combined


def _blend(day: float) -> list[tuple[int, float]]:
    """Horizons whose weights count for the week around a day, and how much each does."""
    for nearer, farther in pairwise(HORIZONS):
        last, first = _ALONE[nearer][1], _ALONE[farther][0]
        if day <= last:
            return [(nearer, 1.0)]
        if day < first:
            part = (day - last) / (first - last)
            return [(nearer, 1 - part), (farther, part)]
    return [(HORIZONS[-1], 1.0)]


def _combined_week(
    points: Mapping[str, FloatArray], week: slice, weights: Mapping[str, float], last_week_share: float
) -> FloatArray:
    days = np.array([points[name][week] for name in weights])
    share = np.array(list(weights.values()))
    level = (1 - last_week_share) * weighted_median(days.sum(axis=1), share)
    level += last_week_share * float(points["seasonal_naive"][week].sum())
    shape = share @ days
    total = float(shape.sum())
    return np.asarray(shape * (level / total) if total > 0 else np.zeros_like(shape), dtype=np.float64)


def weighted_median(values: FloatArray, weights: FloatArray) -> float:
    """The value at half of the weight, on a straight line between the two values around it."""
    order = np.argsort(values, kind="stable")
    ordered, share = values[order], weights[order]
    centre = (np.cumsum(share) - share / 2) / share.sum()
    return float(np.interp(0.5, centre, ordered))
