"""Ratios of two sums by unit, and what lies between two estimates: cost per request, cost per success, differences."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from optimization.intervals import (
    LEVEL,
    Bounds,
    clustered_share_interval,
    count_mean_interval,
    positive_mean_interval,
    ratio_variance,
)
from optimization.moments import FloatArray, Moments, divide

MIN_UNITS = 10
"""With fewer units no interval from sums alone keeps its level, whatever the method."""


@dataclass(frozen=True)
class Estimate:
    """A number with its interval; what cannot be said is None, and ``reason`` says why.

    Attributes:
        value: The estimate.
        lower, upper: The interval. An upper limit of None beside a lower one: there is none to be had.
        standard_error: Of the logarithm of the value, for sequential tests; None in what is between two estimates.
        units: Number of units that it comes from, of both sides together in a difference.
    """

    value: float | None
    lower: float | None
    upper: float | None
    standard_error: float | None = None
    units: int = 0
    reason: str | None = None


# ---------------------------------------------------------------- for arrays of groups


def cost_ratio_interval(moments: Moments, level: float = LEVEL, *, of_successes: bool = True) -> Bounds:
    """Interval of Σx ÷ Σy for costs x and counts y of the same units, which may go together.

    The limits of both means are put together on the logarithmic scale. So a long tail of costs and a count of few
    successes each keep the shape of their own interval; a symmetric delta interval misses one or the other. Without
    any count there is a lower limit and no upper one.

    Args:
        of_successes: False where y counts requests or other sizes; see ``count_mean_interval``.
    Source: Zou and Donner (2008), Construction of confidence limits about effect measures: a general approach (MOVER),
        with the correlation of the two means.
    """
    low_x, high_x = positive_mean_interval(moments.units, moments.x, moments.xx, level)
    low_y, high_y = count_mean_interval(moments.units, moments.y, moments.yy, level, of_successes=of_successes)
    mean_x = np.where(moments.mean_x > 0, moments.mean_x, np.nan)
    lower, upper = _log_quotient(
        (mean_x, low_x, high_x), (moments.mean_y, low_y, high_y), correlation=moments.correlation
    )
    is_none = moments.y == 0
    return (
        np.where(is_none, divide(low_x, high_y), lower),
        np.where(is_none & np.isfinite(low_x), np.inf, upper),
    )


def log_standard_error(moments: Moments) -> FloatArray:
    """Standard error of log(Σx ÷ Σy) by the delta method; NaN where either sum is not above zero."""
    ratio = np.where(moments.x > 0, divide(moments.x, moments.y), np.nan)
    return np.sqrt(ratio_variance(moments)) / ratio


Triple = tuple[FloatArray | np.float64, FloatArray | np.float64, FloatArray | np.float64]
"""An estimate, its lower and its upper limit."""


def difference_interval(one: Triple, other: Triple) -> Bounds:
    """Interval of other - one for independent estimates, from the limits of each (MOVER).

    For two shares with Wilson intervals this is Newcombe's hybrid score interval.
    Source: Newcombe (1998), Interval estimation for the difference between independent proportions, method 10; Zou and
    Donner (2008).
    """
    change = other[0] - one[0]
    lower = change - np.hypot(other[0] - other[1], one[2] - one[0])
    upper = change + np.hypot(other[2] - other[0], one[0] - one[1])
    return lower, upper


def quotient_interval(one: Triple, other: Triple) -> Bounds:
    """Interval of other ÷ one for independent positive estimates, in the same way on the logarithmic scale."""
    lower, upper = _log_quotient(other, one, correlation=0.0)
    # A success rate of 0 has no logarithm; its upper limit over the other's lower one is on the safe side.
    is_zero = other[0] == 0
    return np.where(is_zero, 0.0, lower), np.where(is_zero, divide(other[2], one[1]), upper)


def _log_quotient(top: Triple, bottom: Triple, *, correlation: ArrayLike) -> Bounds:
    with np.errstate(divide="ignore", invalid="ignore"):
        log_top, log_bottom = (tuple(np.log(value) for value in triple) for triple in (top, bottom))
        centre = log_top[0] - log_bottom[0]
        below, above = log_top[0] - log_top[1], log_top[2] - log_top[0]
        under, over = log_bottom[0] - log_bottom[1], log_bottom[2] - log_bottom[0]
        lower = centre - _joined(below, over, correlation)
        upper = centre + _joined(above, under, correlation)
    return np.exp(lower), np.exp(upper)


def _joined(one: FloatArray | np.float64, other: FloatArray | np.float64, correlation: ArrayLike) -> FloatArray:
    shared = np.where(np.asarray(correlation) == 0, 0.0, 2 * np.asarray(correlation) * one * other)
    return np.sqrt(np.maximum(one**2 + other**2 - shared, 0.0))


# ---------------------------------------------------------------- for one group


def ratio_estimate(moments: Moments, level: float = LEVEL, *, of_successes: bool = True) -> Estimate:
    """Cost per successful outcome of one group of units, or per request (``of_successes=False``), with its interval."""
    reason = None
    if moments.units < MIN_UNITS:
        reason = f"fewer than {MIN_UNITS} units"
    elif moments.x <= 0:
        reason = "no cost"
    elif moments.y <= 0:
        reason = "nothing to divide by"
    value = _number(divide(moments.x, moments.y))
    if moments.units < MIN_UNITS or moments.x <= 0:
        return Estimate(value, None, None, None, int(moments.units), reason)
    lower, upper = cost_ratio_interval(moments, level, of_successes=of_successes)
    error = _number(log_standard_error(moments))
    return Estimate(value, _number(lower), _number(upper), error, int(moments.units), reason)


def share_estimate(moments: Moments, level: float = LEVEL) -> Estimate:
    """Share of successes among the trials of one group of units, with Wilson's interval by unit."""
    if moments.y <= 0:
        return Estimate(None, None, None, None, int(moments.units), "no outcome")
    lower, upper = clustered_share_interval(moments, level)
    error = _number(log_standard_error(moments)) if moments.units >= MIN_UNITS else None
    return Estimate(
        _number(divide(moments.x, moments.y)), _number(lower), _number(upper), error, int(moments.units), None
    )


def difference(one: Estimate, other: Estimate) -> Estimate:
    """other - one for independent estimates, such as treatment - control."""
    return _between(one, other, lambda first, second: second - first, difference_interval)


def relative_difference(one: Estimate, other: Estimate) -> Estimate:
    """other ÷ one - 1 for independent estimates: -0.2 is a fifth less."""

    def limits(first: Triple, second: Triple) -> Bounds:
        lower, upper = quotient_interval(first, second)
        return lower - 1, upper - 1

    return _between(one, other, lambda first, second: second / first - 1, limits, is_quotient=True)


def quotient(numerator: Estimate, denominator: Estimate) -> Estimate:
    """numerator ÷ denominator for independent estimates, such as cost per attempt over a success rate."""
    return _between(denominator, numerator, lambda first, second: second / first, quotient_interval, is_quotient=True)


def _between(
    one: Estimate,
    other: Estimate,
    value: Callable[[float, float], float],
    limits: Callable[[Triple, Triple], Bounds],
    *,
    is_quotient: bool = False,
) -> Estimate:
    units = one.units + other.units
    if one.value is None or other.value is None:
        return Estimate(None, None, None, None, units, one.reason or other.reason)
    if is_quotient and one.value == 0:
        return Estimate(None, None, None, None, units, "nothing to compare with: it is 0")
    lower, upper = limits(_triple(one), _triple(other))
    reason = one.reason or other.reason
    return Estimate(value(one.value, other.value), _number(lower), _number(upper), None, units, reason)


def _triple(estimate: Estimate) -> Triple:
    value = np.float64(np.nan if estimate.value is None else estimate.value)
    if estimate.lower is None:
        return value, np.float64(np.nan), np.float64(np.nan)
    return value, np.float64(estimate.lower), np.float64(np.inf if estimate.upper is None else estimate.upper)


def _number(value: FloatArray | float) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None
