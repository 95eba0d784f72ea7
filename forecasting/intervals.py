"""Sample paths whose errors are correlated along the path, so that totals have honest intervals.

Daily errors of a cost forecast share their level: when the first week runs 20 % high, so does the month. Paths with
independent days (Prophet's own) therefore make intervals of totals that are several times too narrow. Here a path is

    point forecast x exp(level) x days as they scatter

The scatter of days is drawn in whole weeks from the series' own past. The level is a slow walk whose spread is set so
that totals over 7, 30, 90 and 365 days miss by as much as forecasts of such a series were found to miss: a function of
how far a plain forecast has missed on the series' own past, how far the models disagree, and how much its weeks vary.
The function was fitted on development cutoffs of public series; what a run's own finished cutoffs add to it is pooled
over all of its series (ADR 17).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.combination import HORIZONS, PRIOR_WEIGHTS
from forecasting.series import FloatArray

QUANTILES = (0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99)
"""The quantiles of totals that are stored; SQL interpolates probabilities between them."""

FREEDOM = 2.0
"""Degrees of freedom of the level's Student distribution: errors of a week have such tails, longer ones nearly."""

_T80 = 1.886
"""Its 90 % quantile: half the width of the 80 % interval, in units of its scale."""

_FLOOR = 0.006
"""Relative spread below which nothing is distinguished: even constant costs have rounding and leap days."""


@dataclass(frozen=True)
class _Coefficients:
    """``log spread = intercept + own x own past + models x disagreement + weeks x variation + thin x lack of past``."""

    intercept: float
    own: float
    models: float
    weeks: float
    thin: float


# Fitted by maximum likelihood on development cutoffs, each group of series weighing the same (ADR 17).
_SPREAD: Mapping[int, _Coefficients] = {
    7: _Coefficients(0.31, 0.82, 0.32, 0.06, 0.44),
    30: _Coefficients(-0.81, 0.21, 0.48, 0.12, 1.14),
    90: _Coefficients(-1.36, -0.23, 0.84, 0.15, 1.43),
}
_YEAR_OVER_QUARTER = 1.3
_LARGEST_SPREAD = 1.6
_BURST_SURCHARGE = 0.5
"""A bursty series has not shown its largest burst: its spread is widened by up to this share."""

_BURST_DAYS = 30
"""Over longer times bursts and quiet weeks make up for each other."""

_YOUNG_DAYS = 28
_YOUNG_SPREAD = 0.35
"""A series of a few days has shown neither its week nor its growth, however even they look."""

_PROXY_STEP_DAYS = 3
_PROXY_CUTOFFS = 60
_LARGEST_LOG_ERROR = 2.5
_LARGEST_LOG_LEVEL = float(np.log(10.0))

_TRANSIENT = 0.85
"""Share of a passing error that is left after a day."""

_SCATTER_WEEKS = 12


def disagreement(totals: Mapping[str, float], forecast: float, horizon_days: int) -> float:
    """Weighted root mean square of the models' log distances from the forecast of the same total."""
    weights = {name: weight for name, weight in PRIOR_WEIGHTS[horizon_days].items() if name in totals}
    if forecast <= 0 or not weights:
        return 1.0
    distances = np.array([np.log(max(totals[name], 0.02 * forecast) / forecast) for name in weights])
    return float(np.sqrt(np.average(distances**2, weights=list(weights.values()))))


def spread_of_total(values: FloatArray, horizon_days: int, models_disagree: float) -> float:
    """Scale (log) of the error that a total over ``horizon_days`` is forecast with, from what the past shows.

    Args:
        values: Training values up to the cutoff, dollars a day.
        models_disagree: As ``disagreement`` has it, at this horizon.
    """
    if horizon_days == HORIZONS[-1]:
        quarter = spread_of_total(values, HORIZONS[-2], models_disagree)
        return min(_YEAR_OVER_QUARTER * quarter, _LARGEST_SPREAD)
    past, windows = _plain_errors(values, horizon_days)
    variation, steps = _weeks(values)
    known = windows / (windows + 1)
    own = known * _log(past) + (1 - known) * _log(variation)
    by = _SPREAD[horizon_days]
    spread = np.exp(
        by.intercept + by.own * own + by.models * _log(models_disagree) + by.weeks * _log(steps) + by.thin * (1 - known)
    )
    if horizon_days <= _BURST_DAYS:
        spread *= 1 + _BURST_SURCHARGE * min(spread, 1.0)
    young = _YOUNG_SPREAD * max(0.0, 1 - len(values) / _YOUNG_DAYS)
    return min(max(float(spread), young), _LARGEST_SPREAD)


def _log(value: float) -> float:
    return float(np.log(np.hypot(value, _FLOOR)))


def _plain_errors(values: FloatArray, horizon_days: int) -> tuple[float, float]:
    """Root mean square log error of a plain forecast within the past, and how many windows that is worth.

    The plain forecast is the mean of the last 14 and of the last 28 days, half each, every third day.
    """
    sums = np.concatenate(([0.0], np.cumsum(values)))
    cutoffs = np.arange(len(values) - horizon_days, 20, -_PROXY_STEP_DAYS)[:_PROXY_CUTOFFS]
    if not len(cutoffs):
        return 0.0, 0.0
    actual = sums[cutoffs + horizon_days] - sums[cutoffs]
    means = [(sums[cutoffs] - sums[np.maximum(cutoffs - days, 0)]) / np.minimum(cutoffs, days) for days in (14, 28)]
    forecast = horizon_days * np.mean(means, axis=0)
    errors = np.log(np.maximum(actual, 1e-9) / np.maximum(forecast, 1e-9))
    clipped = np.clip(errors, -_LARGEST_LOG_ERROR, _LARGEST_LOG_ERROR)
    return float(np.sqrt(np.mean(clipped**2))), len(cutoffs) * _PROXY_STEP_DAYS / horizon_days


def _weeks(values: FloatArray) -> tuple[float, float]:
    """Coefficient of variation of the last weekly totals, and the mean size of their log steps."""
    recent = values[-56:]
    weeks = recent[len(recent) % 7 :].reshape(-1, 7).sum(axis=1)
    mean = float(weeks.mean()) if len(weeks) else 0.0
    if mean <= 0:
        return 1.0, 1.0
    variation = float(weeks.std()) / mean
    if len(weeks) < 2:
        return 1.0, 1.0
    return variation, float(np.mean(np.abs(np.diff(np.log(np.maximum(weeks, 0.02 * mean))))))


@dataclass(frozen=True)
class PathNoise:
    """Relative errors of the forecast of one series.

    Attributes:
        spreads: Scale of the log error of a total, by horizon in days.
        scatter: Days of the past relative to the mean of their weeks and weekday, in whole weeks, oldest first.
    """

    spreads: Mapping[int, float]
    scatter: FloatArray

    def widened(self, factors: Mapping[int, float]) -> PathNoise:
        """The same with its spreads times a factor for each horizon."""
        return PathNoise({days: spread * factors.get(days, 1.0) for days, spread in self.spreads.items()}, self.scatter)


def measure_noise(values: FloatArray, totals: Mapping[int, Mapping[str, float]], forecast: FloatArray) -> PathNoise:
    """Noise of a series whose models forecast these totals by horizon, around the daily points ``forecast``."""
    spreads = {
        days: spread_of_total(values, days, disagreement(totals[days], float(forecast[:days].sum()), days))
        for days in HORIZONS
        if days in totals
    }
    return PathNoise(spreads, scatter_of_days(values))


def scatter_of_days(values: FloatArray) -> FloatArray:
    """How the days of the last twelve weeks lay around the level of their month and the pattern of the week."""
    recent = values[-_SCATTER_WEEKS * 7 :]
    recent = recent[len(recent) % 7 :]
    if len(recent) < 14 or not recent.any():
        return np.ones(7)
    weeks = recent.reshape(-1, 7)
    window = np.ones(4) / np.minimum(4, len(weeks))
    level = np.convolve(weeks.mean(axis=1), window[: len(weeks)], mode="same")
    level /= np.convolve(np.ones(len(weeks)), window[: len(weeks)], mode="same")
    profile = weeks.mean(axis=0) / weeks.mean()
    expected = level[:, None] * profile[None, :]
    ratio = np.divide(weeks, expected, out=np.ones_like(weeks), where=expected > 0).ravel()
    return np.asarray(ratio / ratio.mean() if ratio.mean() > 0 else np.ones_like(ratio), dtype=np.float64)


def relative_paths(daily: FloatArray, noise: PathNoise, n_paths: int, seed: int | Sequence[int]) -> FloatArray:
    """Sample paths ``[n_paths, horizon]`` as multiples of a daily point forecast (>= 0); a seed gives one set."""
    rng = np.random.default_rng(seed)
    horizon = len(daily)
    days = _scattered_days(noise.scatter, n_paths, horizon, rng)
    level = _levels(_level_variances(daily, days, noise.spreads), n_paths, horizon, rng)
    return np.asarray(days * np.exp(level), dtype=np.float64)


def _scattered_days(scatter: FloatArray, n_paths: int, horizon: int, rng: np.random.Generator) -> FloatArray:
    weeks = scatter.reshape(-1, 7)
    picks = rng.integers(0, len(weeks), (n_paths, -(-horizon // 7)))
    return np.asarray(weeks[picks].reshape(n_paths, -1)[:, :horizon], dtype=np.float64)


def _level_variances(daily: FloatArray, days: FloatArray, spreads: Mapping[int, float]) -> dict[int, float]:
    """Variance that is left for the level at each horizon, once the scatter of the days has had its part."""
    variances = {}
    for horizon, spread in spreads.items():
        if horizon > len(daily):
            continue
        total = float(daily[:horizon].sum())
        scattered = float(np.std((days[:, :horizon] @ daily[:horizon]) / total)) if total > 0 else 0.0
        # Spreads are those of a Student distribution, whose bulk is as wide as a normal one of this deviation.
        wanted = (spread * _T80 / 1.2816) ** 2
        variances[horizon] = max(wanted - scattered**2, 0.1 * wanted) * (1.2816 / _T80) ** 2
    return variances


def _levels(variances: Mapping[int, float], n_paths: int, horizon: int, rng: np.random.Generator) -> FloatArray:
    """Log levels: a passing error, a lasting one from the start, and a walk whose steps differ between horizons."""
    passing, start, steps = _walk(variances, horizon)
    level = rng.standard_normal((n_paths, horizon)) * steps
    np.cumsum(level, axis=1, out=level)
    level += start * rng.standard_normal(n_paths)[:, None]
    level += passing * rng.standard_normal(n_paths)[:, None] * _TRANSIENT ** np.arange(horizon)
    # A spread that is itself uncertain: Student's t instead of a normal distribution.
    level *= np.sqrt(FREEDOM / rng.chisquare(FREEDOM, n_paths))[:, None]
    return np.clip(level, -_LARGEST_LOG_LEVEL, _LARGEST_LOG_LEVEL, out=level)


def _walk(variances: Mapping[int, float], horizon: int) -> tuple[float, float, FloatArray]:
    """Deviations of the passing error, the start and each day's step that give means over horizons these variances.

    A mean over h days weighs the step of day s by the (h - s + 1) / h days that it lasts. Where a longer horizon has
    less variance than a shorter one, the difference is an error that passes.
    """
    steps = np.zeros(horizon)
    if not variances:
        return 0.0, 0.0, steps
    known = sorted(variances)
    first = known[0]
    lasting = min(variances[days] for days in known[:2])
    passing = (variances[first] - lasting) / _passing_share(first)
    start = lasting * 0.7 if len(known) > 1 else lasting
    done = 0
    for days in known:
        end = min(days, horizon)
        weights = ((days - np.arange(end)) / days) ** 2
        missing = variances[days] - start - passing * _passing_share(days) - float((steps[:end] ** 2 * weights).sum())
        room = float(weights[done:end].sum())
        if missing > 0 and room > 0:
            steps[done:end] = np.sqrt(missing / room)
        done = end
    steps[done:] = steps[done - 1] if done else 0.0
    return float(np.sqrt(passing)), float(np.sqrt(start)), steps


def _passing_share(days: int) -> float:
    """Variance of the mean over ``days`` of a passing error that starts with variance 1."""
    return float(np.mean(_TRANSIENT ** np.arange(days)) ** 2)


@dataclass(frozen=True)
class Miss:
    """How far a finished forecast missed, in units of the spread that was expected of it."""

    horizon_days: int
    standardized: float


_PRIOR_MISSES = 60.0


def calibration(misses: Sequence[Miss]) -> dict[int, float]:
    """Factors by which a run's spreads are widened or narrowed, by horizon, from its series' own finished cutoffs.

    The misses of one run are few and related, so that many of them move the factor only slowly from 1.
    """
    factors = {}
    for horizon in {miss.horizon_days for miss in misses}:
        sizes = np.abs([miss.standardized for miss in misses if miss.horizon_days == horizon])
        found = float(np.clip(np.quantile(sizes, 0.8) / _T80, 0.5, 2.0))
        factors[horizon] = float(np.exp(len(sizes) / (len(sizes) + _PRIOR_MISSES) * np.log(found)))
    return factors
