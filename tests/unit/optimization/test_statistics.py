"""Worked examples of the statistics, and what they say where nothing can be said."""

from __future__ import annotations

import math

import numpy as np
import pytest

from optimization import statistics
from optimization.statistics import (
    Estimate,
    Moments,
    always_valid_test,
    difference,
    mean_interval,
    positive_mean_interval,
    probability_below_zero,
    quotient,
    ratio_estimate,
    relative_difference,
    remaining_ratio,
    share_estimate,
    wilson_interval,
)


def shares(successes: int, trials: int) -> Estimate:
    """A success rate of single trials."""
    units = np.r_[np.ones(successes), np.zeros(trials - successes)]
    return share_estimate(Moments.from_units(units, np.ones(trials)))


def test_wilson_is_that_of_the_books() -> None:
    """81 of 263: 0.2553 to 0.3662 (Newcombe 1998, Two-sided confidence intervals for the single proportion)."""
    lower, upper = wilson_interval(81, 263)
    assert (round(float(lower), 4), round(float(upper), 4)) == (0.2553, 0.3662)
    assert [round(float(limit), 4) for limit in wilson_interval(0, 20)] == [0.0, 0.1611]
    assert np.isnan(wilson_interval(0, 0)[0])
    with pytest.raises(ValueError, match="between 0 and the number of trials"):
        wilson_interval(3, 2)


def test_a_difference_of_rates_is_that_of_the_books() -> None:
    """56 of 70 less 48 of 80: 0.0524 to 0.3339 (Newcombe 1998, comparison of eleven methods, method 10)."""
    found = difference(shares(48, 80), shares(56, 70))
    assert found.value == pytest.approx(0.2)
    assert (round(found.lower or 0, 4), round(found.upper or 0, 4)) == (0.0524, 0.3339)


def test_means_are_those_of_the_books() -> None:
    """1, 2, 3, 4, 5: 3 ± 2.776 x √0.5; a positive mean reaches further up than down."""
    lower, upper = mean_interval(5, 15, 55)
    assert (float(lower), float(upper)) == pytest.approx(
        (3 - 2.7764451 * math.sqrt(0.5), 3 + 2.7764451 * math.sqrt(0.5))
    )
    low, high = positive_mean_interval(5, 15, 55)
    assert float(low) > 0
    assert float(high) - 3 > 3 - float(low)


def test_cost_in_proportion_to_requests_leaves_little_doubt() -> None:
    """Two dollars a request, however many requests a unit makes: what varies together hardly widens the ratio."""
    requests = np.tile([1.0, 2.0, 5.0], 40)
    estimate = ratio_estimate(Moments.from_units(2 * requests, requests), of_successes=False)
    assert estimate.value == 2.0
    assert estimate.lower == pytest.approx(2.0, abs=0.03)
    assert estimate.upper == pytest.approx(2.0, abs=0.03)


def test_units_of_one_request_have_the_interval_of_the_mean() -> None:
    """A size that is always 1 is not left to chance; that all trials succeeded is."""
    cost = np.exp(np.random.default_rng(1).standard_normal(50))
    moments = Moments.from_units(cost, np.ones(50))
    low, high = positive_mean_interval(moments.units, moments.x, moments.xx)
    size = ratio_estimate(moments, of_successes=False)
    assert (size.lower, size.upper) == pytest.approx((float(low), float(high)))
    assert (ratio_estimate(moments).upper or 0) > (size.upper or 0)


def test_what_cannot_be_said_is_none_with_its_reason() -> None:
    """No success has a lower limit only; few units, no cost and no outcome have nothing."""
    cost, none = np.ones(50), np.zeros(50)
    without = ratio_estimate(Moments.from_units(cost, none))
    assert (without.value, without.upper, without.reason) == (None, None, "nothing to divide by")
    assert without.lower == pytest.approx(1 / (1.96**2 / (50 + 1.96**2)), rel=0.001)
    few = ratio_estimate(Moments.from_units(cost[:9], cost[:9]))
    assert (few.value, few.lower, few.reason) == (1.0, None, "fewer than 10 units")
    assert ratio_estimate(Moments.from_units(none, cost)).reason == "no cost"
    assert share_estimate(Moments.from_units(none, none)).reason == "no outcome"
    assert difference(without, few).reason == "nothing to divide by"
    assert relative_difference(shares(0, 20), shares(3, 20)).reason == "nothing to compare with: it is 0"


def test_a_rate_of_zero_is_a_whole_less() -> None:
    """Nothing of 500 against 150 of 500: all of it is gone, give or take the upper limit."""
    change = relative_difference(shares(150, 500), shares(0, 500))
    assert (change.value, change.lower) == (-1.0, -1.0)
    assert change.upper is not None
    assert -1.0 < change.upper < -0.95


def test_a_quotient_of_estimates_is_wider_than_either() -> None:
    """Cost of pass: cost per attempt ÷ success rate, each with its own doubt."""
    cost = Estimate(2.0, 1.8, 2.25, units=100)
    found = quotient(cost, shares(60, 100))
    assert found.value == pytest.approx(2.0 / 0.6)
    assert found.lower is not None
    assert found.upper is not None
    assert found.lower < 1.8 / 0.6 < 2.25 / 0.6 < found.upper


def test_moments_of_days_add_up_to_those_of_all_units() -> None:
    """Increments accumulated to the last day are the sums over all units."""
    generator = np.random.default_rng(2)
    x, y = generator.random((3, 4)), generator.random((3, 4))
    last, whole = Moments.from_units(x, y).accumulated().at(-1), Moments.from_units(x.ravel(), y.ravel())
    for name in ("units", "x", "y", "xx", "yy", "xy"):
        assert float(getattr(last, name)) == pytest.approx(float(getattr(whole, name)))
    assert float(whole.variance_x) == pytest.approx(x.ravel().var(ddof=1))
    with pytest.raises(ValueError, match="one pair is one unit"):
        Moments.from_units([1.0], [1.0, 2.0])


def test_a_sequence_waits_for_data_and_never_widens() -> None:
    """Before there are data everything is possible; a later look can only exclude more."""
    test = always_valid_test([math.nan, 0.3, 0.25, 0.4], [math.nan, 0.2, 0.05, 0.3], effect_of_interest=0.1)
    assert (test.p_value[0], test.lower[0], test.upper[0]) == (1.0, -math.inf, math.inf)
    assert np.all(np.diff(test.lower[1:]) >= 0)
    assert np.all(np.diff(test.upper[1:]) <= 0)
    assert test.p_value[3] == test.p_value[2] < 0.05 < test.p_value[1]


def test_limits_and_p_value_agree() -> None:
    """The sequence excludes no effect exactly when the p-value is below alpha."""
    effects = np.linspace(0.05, 0.4, 100)
    test = always_valid_test(effects[:, None], np.full((100, 1), 0.1), effect_of_interest=0.1)
    assert np.array_equal(test.lower[:, 0] > 0, test.p_value[:, 0] < 0.05)
    assert 0 < np.count_nonzero(test.lower[:, 0] > 0) < 100


def test_a_posterior_leans_with_the_effect() -> None:
    """No effect is as likely to be below as above zero; a clear one is clear, and doubt draws it to the middle."""
    assert probability_below_zero(0.0, 0.1, effect_of_interest=0.1) == 0.5
    assert probability_below_zero(-0.3, 0.1, effect_of_interest=0.1) > 0.99
    assert 0.5 < probability_below_zero(-0.3, 1.0, effect_of_interest=0.1) < 0.6


def test_what_is_already_known_needs_no_more_days() -> None:
    """A small standard error has shown the effect of interest; half of one needs about a quarter of the data."""
    assert remaining_ratio(0.01, effect_of_interest=0.1) == 0.0
    assert remaining_ratio(0.2, effect_of_interest=0.1) > 4 * remaining_ratio(0.1, effect_of_interest=0.1)


def test_everything_is_where_topics_import_it_from() -> None:
    """One module to import from."""
    assert all(hasattr(statistics, name) for name in statistics.__all__)
