"""Intervals for one mean or one share: closed forms in a few sums, vectorised, honest in small and skewed samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from optimization.moments import FloatArray, Moments, divide

LEVEL = 0.95

Bounds = tuple[FloatArray, FloatArray]
"""Lower and upper limits. NaN: it cannot be said; an upper limit of infinity: there is none."""


def normal_quantile(level: float) -> float:
    """The two-sided quantile: 1.96 for 0.95."""
    return float(stats.norm.ppf(0.5 + level / 2))


def student_quantile(units: ArrayLike, level: float) -> FloatArray:
    """The two-sided quantile of Student's t with units - 1 degrees of freedom; NaN below two units."""
    degrees = np.asarray(units, dtype=np.float64) - 1
    return np.where(degrees > 0, stats.t.ppf(0.5 + level / 2, np.maximum(degrees, 1)), np.nan)


def wilson_interval(successes: ArrayLike, trials: ArrayLike, level: float = LEVEL) -> Bounds:
    """Score interval of a share of independent trials.

    Counts need not be whole: effective counts of clustered trials do as well. No trial gives NaN.
    Source: Wilson (1927), Probable inference, the law of succession, and statistical inference; Brown, Cai and
    DasGupta (2001), Interval estimation for a binomial proportion.
    """
    count, total = np.broadcast_arrays(np.asarray(successes, np.float64), np.asarray(trials, np.float64))
    if np.any(count < 0) or np.any(count > total * (1 + 1e-12)):
        raise ValueError("successes must lie between 0 and the number of trials")
    return wilson_of(divide(count, total), total, normal_quantile(level))


def wilson_of(share: FloatArray, trials: FloatArray, quantile: ArrayLike) -> Bounds:
    """The same from a share and an (effective) number of trials."""
    weight = divide(np.square(quantile), trials)
    centre = (share + weight / 2) / (1 + weight)
    variance = np.maximum(share * (1 - share), 0) * divide(1, trials)
    half = np.sqrt(np.square(quantile) * variance + weight**2 / 4) / (1 + weight)
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def clustered_share_interval(moments: Moments, level: float = LEVEL) -> Bounds:
    """Wilson interval of Σx ÷ Σy where x of the y trials of a unit succeed, and trials of one unit resemble each other.

    The number of trials is divided by the design effect, the variance of the ratio over the binomial one, never below
    1. Where all or no trials succeed there is no variance to see: a unit's trials then count as wholly alike, which
    leaves (Σy)² ÷ Σy² of them.
    Source: Korn and Graubard (1998), Confidence intervals for proportions with small expected number of positive
    counts; Franco, Little, Louis and Slud (2019), Comparative study of confidence intervals for proportions.
    """
    share = divide(moments.x, moments.y)
    binomial = share * (1 - share)
    effective = divide(binomial, ratio_variance(moments))
    alike = divide(moments.y**2, moments.yy)
    # Trials that stand alone are binomial: their variance is known and needs no degrees of freedom.
    is_clustered = moments.yy > moments.y
    counted = np.minimum(np.where((binomial > 0) & np.isfinite(effective), effective, alike), moments.y)
    trials = np.where(is_clustered, counted, moments.y)
    quantile = np.where(is_clustered, student_quantile(moments.units, level), normal_quantile(level))
    return wilson_of(share, trials, quantile)


def mean_interval(units: ArrayLike, total: ArrayLike, squares: ArrayLike, level: float = LEVEL) -> Bounds:
    """Student's interval of a mean of any sign from the number of units, their sum and the sum of their squares."""
    sums = _of_single(units, total, squares)
    half = student_quantile(sums.units, level) * np.sqrt(sums.variance_x / sums.units)
    return sums.mean_x - half, sums.mean_x + half


def positive_mean_interval(units: ArrayLike, total: ArrayLike, squares: ArrayLike, level: float = LEVEL) -> Bounds:
    """Interval of the mean of amounts that are never negative and have a long right tail, such as cost per unit.

    Student's statistic is corrected for skewness by Hall's monotone cubic. The skewness of the sample is far too small
    in a long tail; three times the coefficient of variation stands in for it, as in the inverse Gaussian, between the
    gamma's two times and the log-normal's somewhat more. Limits are NaN where the mean is not above zero.
    Source: Hall (1992), On the removal of skewness by transformation; tried in tests/unit/optimization/.
    """
    sums = _of_single(units, total, squares)
    spread = np.sqrt(divide(divide(sums.variance_x, sums.units), sums.mean_x**2))
    quantile = student_quantile(sums.units, level)
    # Hall's g⁻¹(q) is (∛(1 + 3s(q - s/2)) - 1) ÷ s where skewness ÷ √n is 3s; limits are mean * (1 - s * g⁻¹(±q)).
    lower = 2 - np.cbrt(1 + 3 * spread * (quantile - spread / 2))
    upper = 2 - np.cbrt(1 - 3 * spread * (quantile + spread / 2))
    mean = np.where(sums.mean_x > 0, sums.mean_x, np.nan)
    return mean * np.maximum(lower, 0.0), mean * upper


def count_mean_interval(
    units: ArrayLike, total: ArrayLike, squares: ArrayLike, level: float = LEVEL, *, of_successes: bool = True
) -> Bounds:
    """Score interval of the mean of counts, such as successes or requests per unit.

    Successes of 0 and 1 get Wilson's interval: even if all units succeeded, the next one may fail. Other counts are
    taken as Poisson with the dispersion that was seen, so that a size that never varies has no width.

    Args:
        of_successes: False where the counts are sizes (requests), which need not be left to chance.
    Source: Rao (1948), Large sample tests of statistical hypotheses; Kulinskaya, Morgenthaler and Staudte (2008),
    Meta analysis, for the quasi-Poisson form.
    """
    sums = _of_single(units, total, squares)
    binary = wilson_of(sums.mean_x, sums.units, normal_quantile(level))
    quantile = student_quantile(sums.units, level)
    dispersion = divide(sums.variance_x, sums.mean_x)
    shift = divide(np.square(quantile) * dispersion, 2 * sums.units)
    half = np.sqrt(2 * shift * sums.mean_x + shift**2)
    is_binary = (sums.xx == sums.x) & of_successes
    return (
        np.where(is_binary, binary[0], sums.mean_x + shift - half),
        np.where(is_binary, binary[1], sums.mean_x + shift + half),
    )


def ratio_variance(moments: Moments) -> FloatArray:
    """Variance of Σx ÷ Σy by the delta method: that of the mean of x - Ry, over the squared mean of y.

    Source: Cochran (1977), Sampling techniques, chapter 6; Deng, Knoblich and Lu (2018), Applying the delta method in
    metric analytics.
    """
    ratio = divide(moments.x, moments.y)
    residual = moments.variance_x - 2 * ratio * moments.covariance + ratio**2 * moments.variance_y
    return np.maximum(residual, 0.0) / moments.units * divide(1, moments.mean_y**2)


def _of_single(units: ArrayLike, total: ArrayLike, squares: ArrayLike) -> Moments:
    return Moments.of(units, total, total, squares, squares, squares)
