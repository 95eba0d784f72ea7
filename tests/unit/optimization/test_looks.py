"""Looking every week does not make findings out of chance, by simulation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from optimization.intervals import normal_quantile
from optimization.moments import FloatArray, Moments
from optimization.sequential import (
    SAMPLE_RATIO_ALPHA,
    always_valid_test,
    detectable_effect,
    log_ratio_looks,
    remaining_ratio,
    sample_ratio_p_values,
)
from tests.unit.optimization.simulation import Population, cost_per_request, cost_per_success, success_rate

REPETITIONS = 4000
WEEKS = 12

Metric = Callable[[tuple[FloatArray, FloatArray, FloatArray]], Moments]
METRICS: dict[str, tuple[Metric, bool]] = {
    "cost per successful outcome": (cost_per_success, False),
    "cost per request": (cost_per_request, False),
    "success rate": (success_rate, True),
}


def ever_significant(population: Population, a_week: tuple[int, int], seed: int) -> dict[str, tuple[float, float]]:
    """Share of experiments without effect that are ever called one in twelve weekly looks: ours, and 1.96 errors."""
    generator = np.random.default_rng(seed)
    arms = [population.draw(generator, REPETITIONS, WEEKS, units) for units in a_week]
    shares = {}
    for name, (metric, of_shares) in METRICS.items():
        control, treatment = (metric(arm).accumulated() for arm in arms)
        effects, errors = log_ratio_looks(control, treatment, of_shares=of_shares)
        test = always_valid_test(effects, errors, effect_of_interest=0.2)
        with np.errstate(invalid="ignore"):
            naive = np.nan_to_num(np.abs(effects / errors)).max(-1) > normal_quantile(0.95)
        shares[name] = float(np.mean(test.p_value[:, -1] <= 0.05)), float(np.mean(naive))
    return shares


@pytest.mark.parametrize(
    ("population", "a_week"),
    [
        (Population(0.05), (60, 20)),
        (Population(0.3), (12, 12)),
        (Population(0.3, requests=1.0), (30, 10)),
        (Population(0.9, lean=0.05), (12, 36)),
        (Population(0.9, unit_sigma=0.0, lean=0.05), (10, 10)),
    ],
    ids=["rare", "small", "single-requests", "unequal", "frequent"],
)
def test_weekly_looks_find_nothing_where_there_is_nothing(population: Population, a_week: tuple[int, int]) -> None:
    """At most 5 % of experiments without effect are ever significant; the same looks at 1.96 errors cry wolf."""
    shares = ever_significant(population, a_week, seed=sum(a_week))
    for name, (ours, _) in shares.items():
        assert ours <= 0.05, f"{name}: {ours:.2%} of the experiments without effect were called significant"
    assert max(naive for _, naive in shares.values()) > 0.12


def test_daily_looks_find_nothing_either() -> None:
    """Three months of looking every day, at a handful of units a day."""
    generator = np.random.default_rng(20)
    population = Population(0.5, requests=1.0)
    arms = [population.draw(generator, REPETITIONS, 84, 5) for _ in range(2)]
    effects, errors = log_ratio_looks(*(cost_per_success(arm).accumulated() for arm in arms))
    test = always_valid_test(effects, errors, effect_of_interest=0.1)
    assert np.mean(test.p_value[:, -1] <= 0.05) <= 0.05


def test_units_that_come_back_every_week_find_nothing_either() -> None:
    """Customers as units: the sums of each grow from week to week, and looks are far from independent."""
    generator = np.random.default_rng(21)
    population = Population(0.3)

    def customers(count: int) -> Moments:
        usual = np.exp(0.8 * generator.standard_normal((REPETITIONS, 1, count)))
        cost, requests, _ = population.draw(generator, REPETITIONS, WEEKS, count)
        return Moments.from_units(np.cumsum(cost * usual, axis=1), np.cumsum(requests, axis=1))

    effects, errors = log_ratio_looks(customers(30), customers(30))
    test = always_valid_test(effects, errors, effect_of_interest=0.2)
    assert np.mean(test.p_value[:, -1] <= 0.05) <= 0.05


def test_the_sequence_holds_the_true_effect_at_every_look() -> None:
    """95 % of the sequences hold a true effect of -35 % in all weeks at once, and most come to exclude none."""
    generator = np.random.default_rng(22)
    population = Population(0.6, requests=1.0, unit_sigma=0.0)
    control = population.draw(generator, REPETITIONS, WEEKS, 50)
    cost, requests, success = population.draw(generator, REPETITIONS, WEEKS, 50)
    effects, errors = log_ratio_looks(
        cost_per_success(control).accumulated(), cost_per_success((cost * 0.65, requests, success)).accumulated()
    )
    test = always_valid_test(effects, errors, effect_of_interest=0.2)
    truth = np.log(0.65)
    holds = (test.lower[:, -1] <= truth) & (truth <= test.upper[:, -1])
    assert np.mean(holds) >= 0.95
    assert np.mean(test.p_value[:, -1] <= 0.05) > 0.9


def test_an_effect_is_found_with_the_planned_power_where_it_was_promised() -> None:
    """At the size at which ``detectable_effect`` meets the true effect, 80 % of experiments have found it."""
    generator = np.random.default_rng(23)
    effect = 0.2
    error = 0.15
    steps = int(np.ceil(1 + remaining_ratio(error, effect_of_interest=effect)) * 4)
    at_end = error / np.sqrt(1 + remaining_ratio(error, effect_of_interest=effect))
    assert detectable_effect(at_end, effect_of_interest=effect) == pytest.approx(effect)
    # A Brownian path of estimates whose last standard error is ``at_end``.
    noise = np.cumsum(generator.standard_normal((REPETITIONS, steps)), axis=1)
    amount = np.arange(1, steps + 1)
    errors = at_end * np.sqrt(steps / amount)
    effects = effect + noise / np.sqrt(amount) * errors
    test = always_valid_test(effects, np.broadcast_to(errors, effects.shape), effect_of_interest=effect)
    assert 0.78 <= np.mean(test.p_value[:, -1] <= 0.05) <= 0.88


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.9, 0.1), (0.4, 0.3, 0.3)])
def test_a_sample_ratio_is_rarely_called_wrong_when_it_is_right(shares: tuple[float, ...]) -> None:
    """In half a year of weekly looks at most 1 % of sound experiments are condemned; chi-square condemns many more."""
    generator = np.random.default_rng(24)
    counts = generator.multinomial(150, shares, size=(REPETITIONS, 26)).cumsum(axis=1)
    assert np.mean(sample_ratio_p_values(counts, shares)[:, -1] <= SAMPLE_RATIO_ALPHA) <= SAMPLE_RATIO_ALPHA
    expected = counts.sum(-1, keepdims=True) * np.array(shares)
    chi_square = stats.chi2.sf(((counts - expected) ** 2 / expected).sum(-1), len(shares) - 1)
    assert np.mean(chi_square.min(axis=1) <= SAMPLE_RATIO_ALPHA) > 0.03


def test_a_sample_ratio_that_is_off_is_found() -> None:
    """An arm that loses a tenth of its units shows within weeks."""
    counts = np.random.default_rng(25).multinomial(400, (0.526, 0.474), size=(500, 26)).cumsum(axis=1)
    assert np.mean(sample_ratio_p_values(counts, (0.5, 0.5))[:, -1] <= SAMPLE_RATIO_ALPHA) > 0.9


def test_shares_that_are_none_are_refused() -> None:
    """Expected shares are above 0 and sum to 1."""
    with pytest.raises(ValueError, match="sum to 1"):
        sample_ratio_p_values([[1, 1]], [0.5, 0.6])
