"""Inference that may be looked at every week: confidence sequences, always-valid p-values, and how long still to run.

An interval of 95 % holds on one look chosen beforehand. A confidence sequence holds on all looks at once, so a test may
be read whenever one likes and stopped for what it shows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special, stats

from optimization.moments import FloatArray, Moments
from optimization.ratios import log_standard_error

ALPHA = 0.05
POWER = 0.8

MIN_LOOK_UNITS = 30
MIN_LOOK_COUNT = 10
"""What each arm must have before its first look counts: the variance of long-tailed costs is not known before."""

PRIOR_WIDTH = 2.0
"""Effects that the test is tuned for, in effects of interest. Larger effects than the smallest that matters are common;
at two the sequence is 4 % wider than the best where that smallest one is looked for, and 16 % shorter at a fifth of the
units."""

SAMPLE_RATIO_ALPHA = 0.01
"""A mismatch condemns the whole experiment, so it is called one only where chance is very unlikely."""

SAMPLE_RATIO_CONCENTRATION = 400.0
"""Weight of the expected shares in the mixture: most sensitive to deviations of about 1 ÷ √400 = 5 points."""


@dataclass(frozen=True)
class SequentialTest:
    """What is known of an effect after each look; arrays with the looks along the last axis.

    Attributes:
        effect: Estimate at each look; NaN before there are data enough.
        lower, upper: Confidence sequence: the intersection of the intervals of all looks so far. Where the two have
            crossed, no one effect fits all looks: it changed while the test ran.
        p_value: Always-valid p-value of no effect: the smallest one so far. 1 before there are data enough.
    """

    effect: FloatArray
    lower: FloatArray
    upper: FloatArray
    p_value: FloatArray


def always_valid_test(
    effects: ArrayLike, standard_errors: ArrayLike, *, effect_of_interest: float, alpha: float = ALPHA
) -> SequentialTest:
    """The normal mixture test of an effect that is estimated anew at each look from all data so far.

    The likelihood ratio of the estimate under effects drawn from a normal distribution around zero, to that under no
    effect, is a martingale under no effect; it exceeds 1 ÷ alpha ever with a probability of at most alpha (Ville). The
    standard deviation, ``PRIOR_WIDTH`` effects of interest, tunes where the sequence is tightest and never its
    validity. Standard errors are estimated, so validity is asymptotic: leave out looks at few units.

    Args:
        effects, standard_errors: By look in time order, along the last axis; NaN where there is none yet.
        effect_of_interest: On the scale of the effects, above 0.
    Source: Robbins (1970), Statistical methods related to the law of the iterated logarithm; Johari, Koomen,
        Pekelis and Walsh (2022), Always valid inference; Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024),
        Time-uniform central limit theory and asymptotic confidence sequences.
    """
    estimate, error = np.asarray(effects, np.float64), np.asarray(standard_errors, np.float64)
    is_usable = np.isfinite(estimate) & np.isfinite(error) & (error > 0)
    error = np.where(is_usable, error, 1.0)
    estimate = np.where(is_usable, estimate, np.nan)
    reach = error * mixture_quantile(error, effect_of_interest, alpha)
    lower = np.where(is_usable, estimate - reach, -np.inf)
    upper = np.where(is_usable, estimate + reach, np.inf)
    prior = _prior_ratio(error, effect_of_interest)
    log_evidence = np.where(
        is_usable, 0.5 * (np.nan_to_num(estimate) / error) ** 2 * prior / (1 + prior) - 0.5 * np.log1p(prior), 0.0
    )
    p_value = np.exp(-np.maximum(log_evidence, 0.0))
    return SequentialTest(
        estimate,
        np.maximum.accumulate(lower, axis=-1),
        np.minimum.accumulate(upper, axis=-1),
        np.minimum.accumulate(p_value, axis=-1),
    )


def mixture_quantile(standard_error: ArrayLike, effect_of_interest: float, alpha: float) -> FloatArray:
    """How many standard errors the confidence sequence reaches to either side; about 3 where it is tightest."""
    prior = _prior_ratio(standard_error, effect_of_interest)
    return np.sqrt((1 + 1 / prior) * (np.log1p(prior) + 2 * math.log(1 / alpha)))


def _prior_ratio(standard_error: ArrayLike, effect_of_interest: float) -> FloatArray:
    """Variance of the mixture over that of the estimate."""
    return np.square(PRIOR_WIDTH * effect_of_interest / np.asarray(standard_error, np.float64))


def log_ratio_looks(control: Moments, treatment: Moments, *, of_shares: bool = False) -> tuple[FloatArray, FloatArray]:
    """log(treatment ÷ control) of Σx ÷ Σy and its standard error at each look, from the state at the end of each.

    NaN where either arm has fewer than ``MIN_LOOK_UNITS`` units, or ``MIN_LOOK_COUNT`` counts in its denominator.

    Args:
        of_shares: The ratios are success rates: as many successes are asked for, and the standard error stays above
            zero where all have succeeded.
    """
    counts = [moments.y for moments in (control, treatment)]
    if of_shares:
        counts = [moments.x for moments in (control, treatment)]
    is_enough = np.minimum(control.units, treatment.units) >= MIN_LOOK_UNITS
    is_enough &= np.minimum(*counts) >= MIN_LOOK_COUNT
    is_enough &= (control.x > 0) & (treatment.x > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = np.log(treatment.x / treatment.y) - np.log(control.x / control.y)
    errors = [_log_share_error(m) if of_shares else log_standard_error(m) for m in (control, treatment)]
    return np.where(is_enough, effect, np.nan), np.where(is_enough, np.hypot(*errors), np.nan)


def _log_share_error(moments: Moments) -> FloatArray:
    """Standard error of the logarithm of a success rate, never below that of two more successes and two more failures.

    Source: Agresti and Coull (1998), Approximate is better than exact for interval estimation of binomial proportions.
    """
    share = (moments.x + 2) / (moments.y + 4)
    return np.maximum(log_standard_error(moments), np.sqrt((1 - share) / (share * (moments.y + 4))))


def sample_ratio_p_values(counts: ArrayLike, shares: ArrayLike) -> FloatArray:
    """Always-valid p-values of the units of each arm being assigned in the expected shares.

    The marginal likelihood of the counts under Dirichlet shares around the expected ones, over their likelihood under
    the expected ones, is a martingale if they hold. The p-value is the smallest so far.

    Args:
        counts: Units assigned so far: looks along the axis before the last, arms along the last.
        shares: Expected share of each arm, above 0, summing to 1.
    Returns:
        One for each look.
    Source: Lindon and Malek (2022), Anytime-valid inference for multinomial count data.
    """
    units, expected = np.asarray(counts, np.float64), np.asarray(shares, np.float64)
    if np.any(expected <= 0) or not math.isclose(float(expected.sum()), 1.0, abs_tol=1e-9):
        raise ValueError("expected shares must be above 0 and sum to 1")
    prior = SAMPLE_RATIO_CONCENTRATION * expected
    log_evidence = (
        special.gammaln(prior.sum())
        - special.gammaln(prior.sum() + units.sum(-1))
        + (special.gammaln(prior + units) - special.gammaln(prior) - units * np.log(expected)).sum(-1)
    )
    return np.minimum.accumulate(np.exp(-np.maximum(log_evidence, 0.0)), axis=-1)


def probability_below_zero(effect: float, standard_error: float, *, effect_of_interest: float) -> float:
    """Posterior probability of an effect below zero, from the normal prior around zero that the test is tuned by.

    It answers how likely a change is at all, not whether it is large enough; repeated looks do not bias it as long as
    the prior is believed.
    """
    prior = float(_prior_ratio(standard_error, effect_of_interest))
    shrink = prior / (1 + prior)
    return float(stats.norm.cdf(-effect * shrink / (standard_error * math.sqrt(shrink))))


def detectable_effect(
    standard_error: float, *, effect_of_interest: float, alpha: float = ALPHA, power: float = POWER
) -> float:
    """The effect that a look with this standard error shows with the given power, under the confidence sequence."""
    reach = float(mixture_quantile(standard_error, effect_of_interest, alpha))
    return standard_error * (reach + float(stats.norm.ppf(power)))


def remaining_ratio(
    standard_error: float, *, effect_of_interest: float, alpha: float = ALPHA, power: float = POWER
) -> float:
    """How many times the present data are still to come until the effect of interest is detectable; 0: it already is.

    The standard error falls with the root of the amount of data.
    """

    def excess(log_amount: float) -> float:
        error = standard_error * math.exp(-log_amount / 2)
        detectable = detectable_effect(error, effect_of_interest=effect_of_interest, alpha=alpha, power=power)
        return detectable - effect_of_interest

    if excess(0.0) <= 0:
        return 0.0
    # Power 0.999 needs less than 100 squared standard errors in the effect of interest.
    most = 2 * math.log(100 * max(standard_error / effect_of_interest, 1.0))
    return math.exp(float(optimize.brentq(excess, 0.0, most))) - 1
