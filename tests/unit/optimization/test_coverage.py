"""Intervals hold the truth as often as they say, on heavy-tailed costs of units of several requests, by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from optimization.intervals import mean_interval, normal_quantile, wilson_interval
from optimization.moments import FloatArray, Moments, divide
from optimization.ratios import (
    Triple,
    clustered_share_interval,
    cost_ratio_interval,
    difference_interval,
    quotient_interval,
)
from tests.unit.optimization.simulation import (
    Population,
    cost_per_request,
    cost_per_success,
    coverage,
    success_rate,
)

REPETITIONS = 4000
"""The standard error of a coverage of 95 % is a third of a point: the band of two points is six of them."""

CASES = [
    (Population(0.05), 100, 300),
    (Population(0.05), 200, 200),
    (Population(0.3), 100, 100),
    (Population(0.3, requests=1.0, unit_sigma=0.0), 100, 400),
    (Population(0.9, unit_sigma=0.0, lean=0.05), 100, 100),
    (Population(0.9, lean=0.05), 100, 300),
    (Population(0.5), 500, 250),
]
LABELS = ["rare", "rare-equal", "small", "single-requests", "frequent", "frequent-clustered", "large"]


def cost_triple(moments: Moments, *, of_successes: bool) -> Triple:
    """Estimate and limits of each repetition."""
    return divide(moments.x, moments.y), *cost_ratio_interval(moments, of_successes=of_successes)


def share_triple(moments: Moments) -> Triple:
    return divide(moments.x, moments.y), *clustered_share_interval(moments)


def compared(one: Triple, other: Triple) -> tuple[FloatArray, ...]:
    """Limits of the difference and of the quotient, of the repetitions in which there is an estimate on both sides."""
    known = np.isfinite(one[0]) & np.isfinite(other[0])
    assert known.mean() > 0.99
    first, second = (tuple(np.asarray(part)[known] for part in triple) for triple in (one, other))
    return *difference_interval(first, second), *quotient_interval(first, second)  # type: ignore[arg-type]


def assert_covers(limits: tuple[FloatArray, FloatArray], truth: float, what: str) -> None:
    share = coverage(limits, truth)
    assert 0.93 <= share <= 0.97, f"{what}: {share:.2%} hold the truth"


@pytest.mark.parametrize(("population", "control_units", "treatment_units"), CASES, ids=LABELS)
def test_intervals_of_costs_and_rates_hold_the_truth(
    population: Population, control_units: int, treatment_units: int
) -> None:
    """93 to 97 % of the 95 % intervals hold the truth, for each arm and for what lies between the two."""
    generator = np.random.default_rng(control_units * 1000 + treatment_units)
    control = population.draw(generator, REPETITIONS, control_units)
    cost, requests, success = population.draw(generator, REPETITIONS, treatment_units)
    treatment = (cost * 0.65, requests, success)

    per_success = [cost_triple(cost_per_success(arm), of_successes=True) for arm in (control, treatment)]
    per_request = [cost_triple(cost_per_request(arm), of_successes=False) for arm in (control, treatment)]
    rates = [share_triple(success_rate(arm)) for arm in (control, treatment)]

    assert_covers(per_success[0][1:], population.cost_per_success, "cost per successful outcome")
    assert_covers(per_request[0][1:], population.cost_per_request, "cost per request")
    assert_covers(rates[0][1:], population.success_rate, "success rate")
    for what, (one, other), truth in (
        ("cost per successful outcome", per_success, population.cost_per_success),
        ("cost per request", per_request, population.cost_per_request),
    ):
        lower, upper, low_quotient, high_quotient = compared(one, other)
        assert_covers((lower, upper), truth * (0.65 - 1), f"difference of {what}")
        assert_covers((low_quotient, high_quotient), 0.65, f"ratio of {what}")
    assert_covers(compared(*rates)[:2], 0.0, "difference of success rates")


def test_an_interval_that_takes_requests_for_units_misses_the_truth() -> None:
    """Requests of a unit resemble each other: counted as if each had been drawn alone, they promise too much."""
    population = Population(requests=6.0, unit_sigma=0.9, cost_sigma=0.5)
    generator = np.random.default_rng(11)
    drawn = population.draw(generator, REPETITIONS, 200)
    cost, requests, _ = drawn
    # The most that the per-request method could know: that all requests of a unit cost the same.
    squares = (cost**2 / requests).sum(-1)
    naive = mean_interval(requests.sum(-1), cost.sum(-1), squares)
    assert coverage(naive, population.cost_per_request) < 0.85
    assert_covers(cost_ratio_interval(cost_per_request(drawn), of_successes=False), population.cost_per_request, "unit")


def test_a_symmetric_delta_interval_misses_the_truth_where_successes_are_few() -> None:
    """What the logarithmic limits are for: estimate ± 1.96 standard errors falls out of the band."""
    population = Population(0.05)
    moments = cost_per_success(population.draw(np.random.default_rng(12), REPETITIONS, 100))
    moments = moments.at(moments.y > 0)
    ratio = moments.x / moments.y
    spread = moments.variance_x - 2 * ratio * moments.covariance + ratio**2 * moments.variance_y
    half = normal_quantile(0.95) * np.sqrt(spread / moments.units) / moments.mean_y
    assert coverage((ratio - half, ratio + half), population.cost_per_success) < 0.93


def test_success_rates_of_units_with_many_outcomes_hold_the_truth() -> None:
    """Outcomes of one customer succeed together: the interval is by customer, and Wilson's by outcome is too short."""
    generator = np.random.default_rng(13)
    outcomes = 1.0 + generator.poisson(9, (REPETITIONS, 60))
    chance = generator.beta(3, 2, outcomes.shape)
    successes = generator.binomial(outcomes.astype(int), chance).astype(float)
    moments = Moments.from_units(successes, outcomes)
    assert_covers(clustered_share_interval(moments), 0.6, "success rate by customer")
    assert coverage(wilson_interval(moments.x, moments.y), 0.6) < 0.85


def test_a_control_of_nine_times_the_units_does_not_bias_the_comparison() -> None:
    """Shares of 9 to 1 are common in careful roll-outs."""
    population = Population(0.3)
    generator = np.random.default_rng(14)
    control = cost_per_success(population.draw(generator, REPETITIONS, 540))
    treatment = cost_per_success(population.draw(generator, REPETITIONS, 60))
    _, _, lower, upper = compared(cost_triple(control, of_successes=True), cost_triple(treatment, of_successes=True))
    assert_covers((lower, upper), 1.0, "ratio")
