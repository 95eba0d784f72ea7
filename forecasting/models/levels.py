"""Models of a level and a week: how much an average day costs, times the share of its weekday.

They differ in how far back they look. A short memory follows a new level at once, a long one is not fooled by a burst;
which is better is a matter of the horizon, and the combination weighs them by it. All of them begin anew where the
level of a series jumped for good (``regime_start``): the days before a step say nothing of the level after it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.models.base import RepeatedPattern
from forecasting.series import DailySeries, FloatArray, is_dead

_PROFILE_WEEKS = 8

_LOOK_BACK_DAYS = 90
_DAYS_BEFORE = 14
_MIN_DAYS_BEFORE = 7
_MIN_DAYS_AFTER = 5
_MAX_DAYS_AFTER = 28
_MIN_JUMP = 0.2
_SEPARATION = 0.9
_MIN_WEEKS = 3
_SMALLEST_FACTOR = 0.1
"""Days that are silent by their weekday must not become the highest by a stray cent."""


def regime_start(values: FloatArray) -> int:
    """Index of the first day of the level that the series is on now; 0 if it never jumped in its last quarter.

    A step is a day from which on at least nine tenths of the days lie on the other side of the middle between both
    levels, which differ by a fifth or more. Bursts do not pass: their quiet days lie on both sides. Days are compared
    net of the pattern of their week, or cheap weekends would lie below the middle however high the step.
    """
    values = values / _weekday_factors(values)
    earliest = max(len(values) - _LOOK_BACK_DAYS, _MIN_DAYS_BEFORE)
    for start in range(len(values) - _MIN_DAYS_AFTER, earliest, -1):
        before, after = values[max(0, start - _DAYS_BEFORE) : start], values[start : start + _MAX_DAYS_AFTER]
        level_before, level_after = float(np.median(before)), float(np.median(after))
        if abs(level_after - level_before) < _MIN_JUMP * max(level_before, level_after, 1e-12):
            continue
        middle, is_up = (level_before + level_after) / 2, level_after > level_before
        if _separation(before, after, middle, is_up) >= 2 * _SEPARATION and _is_apart(before, after, middle, is_up):
            return _first_day(values, start, middle, is_up)
    return 0


def _weekday_factors(values: FloatArray) -> FloatArray:
    """Factor (mean 1) of each day's weekday: the median over the last weeks, so that the week of a step has no say."""
    whole = min(len(values) // 7, _PROFILE_WEEKS)
    weeks = values[len(values) - 7 * whole :].reshape(whole, 7)
    means = weeks.mean(axis=1) if whole else np.zeros(0)
    spent = means > 0
    if np.count_nonzero(spent) < _MIN_WEEKS:
        return np.ones(len(values))
    factors = np.median(weeks[spent] / means[spent, None], axis=0)
    factors = np.maximum(factors / max(float(factors.mean()), 1e-9), _SMALLEST_FACTOR)
    return np.asarray(np.resize(factors[::-1], len(values))[::-1], dtype=np.float64)


def _shares(before: FloatArray, after: FloatArray, middle: float, is_up: bool) -> tuple[float, float]:
    return float(np.mean((before < middle) == is_up)), float(np.mean((after > middle) == is_up))


def _separation(before: FloatArray, after: FloatArray, middle: float, is_up: bool) -> float:
    return sum(_shares(before, after, middle, is_up))


def _is_apart(before: FloatArray, after: FloatArray, middle: float, is_up: bool) -> bool:
    return min(_shares(before, after, middle, is_up)) >= _SEPARATION


def _first_day(values: FloatArray, start: int, middle: float, is_up: bool) -> int:
    """The day of the step itself: as long as an earlier one parts the two levels at least as well, take it."""
    best = _separation(values[max(0, start - _DAYS_BEFORE) : start], values[start:][:_MAX_DAYS_AFTER], middle, is_up)
    while start - 1 >= _MIN_DAYS_BEFORE:
        earlier = start - 1
        before, after = values[max(0, earlier - _DAYS_BEFORE) : earlier], values[earlier:][:_MAX_DAYS_AFTER]
        found = _separation(before, after, middle, is_up)
        if found < best:
            break
        start, best = earlier, found
    return start


def week_profile(values: FloatArray, weeks: int = _PROFILE_WEEKS) -> FloatArray:
    """Factors (mean 1) of the next seven days, from the last whole weeks; all 1 below two weeks."""
    whole = min(len(values) // 7, weeks)
    if whole < 2:
        return np.ones(7)
    shape = values[-7 * whole :].reshape(whole, 7).mean(axis=0)
    mean = float(shape.mean())
    return shape / mean if mean > 0 else np.ones(7)


@dataclass(frozen=True)
class Regime:
    """The level that a series is on now.

    Attributes:
        days: Costs since the last step, dollars a day.
        profile: Factors of the next seven days: from the regime where it has three weeks, else from all days.
    """

    days: FloatArray
    profile: FloatArray


def current_regime(series: DailySeries) -> Regime:
    """The days since the last step of a series, and its week."""
    values = series.training_values
    if is_dead(values):
        # Its last step down may lie further back than steps are looked for.
        return Regime(values[-1:], np.ones(7))
    regime = values[regime_start(values) :]
    return Regime(regime, week_profile(regime if len(regime) >= 21 else values))


def _backwards(profile: FloatArray, days: int) -> FloatArray:
    """Factors of the last ``days`` days, given those of the next seven."""
    return np.resize(profile[::-1], days)[::-1]


@dataclass(frozen=True)
class RegimeMean:
    """The mean of the last ``days`` days (or of those since the last step), with the week's profile."""

    name: str
    days: int

    def fit(self, series: DailySeries) -> RepeatedPattern:
        return self.fit_regime(current_regime(series))

    def fit_regime(self, regime: Regime) -> RepeatedPattern:
        """The same, for a regime that is known already."""
        days = min(len(regime.days), self.days)
        if days >= 14:
            days = days // 7 * 7
        factors = _backwards(regime.profile, days)
        level = float(regime.days[-days:].sum()) / max(float(factors.sum()), 1e-9)
        return RepeatedPattern(level * regime.profile)


@dataclass(frozen=True)
class DiscountedLevel:
    """An exponentially discounted mean of the days since the last step, with the week's profile.

    Attributes:
        discount: How much less each earlier day counts: 0.2 forgets in a week, 0.05 in a month.
    """

    name: str
    discount: float

    def fit(self, series: DailySeries) -> RepeatedPattern:
        return self.fit_regime(current_regime(series))

    def fit_regime(self, regime: Regime) -> RepeatedPattern:
        """The same, for a regime that is known already."""
        factors = _backwards(regime.profile, len(regime.days))
        weights = (1 - self.discount) ** np.arange(len(regime.days))[::-1]
        level = float((regime.days * weights).sum()) / max(float((factors * weights).sum()), 1e-9)
        return RepeatedPattern(level * regime.profile)


@dataclass(frozen=True)
class LastYear:
    """The same weeks of last year, at the ratio of the last four weeks to the same four of last year.

    Below a year and eight weeks of history, and of a series that has ended, it falls back to the mean of 28 days.
    """

    name: str = "last_year"

    def fit(self, series: DailySeries) -> RepeatedPattern:
        values = series.training_values
        if is_dead(values) or not knows_last_year(series):
            return RepeatedPattern(np.array([values[-28:].mean()]))
        # 52 weeks rather than 365 days, so that weekdays stay where they are.
        before = float(values[-28 - 364 : -364].sum())
        ratio = float(np.clip(values[-28:].sum() / before, 0.2, 5.0)) if before > 0 else 1.0
        return RepeatedPattern(values[-364:] * ratio)


def knows_last_year(series: DailySeries) -> bool:
    """Whether there is a year of history before the last eight weeks."""
    return len(series.costs) >= 364 + 56
