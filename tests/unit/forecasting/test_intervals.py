"""Paths with correlated errors, and how wide they are."""

from __future__ import annotations

import numpy as np
import pytest

from forecasting.intervals import (
    PRIOR_NOISE,
    BacktestError,
    PathNoise,
    correlated_paths,
    measure_noise,
    pool_noise,
    shrink_noise,
)
from forecasting.series import FloatArray

FLAT = np.full(90, 100.0)


def spread_of_totals(paths: FloatArray, days: int) -> float:
    lower, upper = np.quantile(paths[:, :days].sum(axis=1), (0.1, 0.9))
    return float((upper - lower) / (100.0 * days))


def test_the_same_seed_gives_the_same_paths_and_another_one_others() -> None:
    """Seeds decide the paths, and nothing else does."""
    first = correlated_paths(FLAT, PRIOR_NOISE, 50, [1, 2])
    assert (first == correlated_paths(FLAT, PRIOR_NOISE, 50, [1, 2])).all()
    assert (first != correlated_paths(FLAT, PRIOR_NOISE, 50, [1, 3])).any()


def test_totals_stay_uncertain_because_errors_share_their_level() -> None:
    """With independent days the relative spread would shrink by the root of 90; here it does not."""
    paths = correlated_paths(FLAT, PathNoise(0.2, 0.0, 0.3, 100.0), 2000, 1)
    assert spread_of_totals(paths, 90) == pytest.approx(2 * 1.2816 * 0.2, rel=0.15)


def test_the_walk_makes_longer_totals_less_certain() -> None:
    """The further ahead, the wider."""
    paths = correlated_paths(FLAT, PathNoise(0.05, 0.03, 0.1, 100.0), 2000, 1)
    assert spread_of_totals(paths, 90) > 1.3 * spread_of_totals(paths, 7)


def test_paths_of_nothing_are_nothing() -> None:
    """A forecast of zero has no spread: a silent series is not expected back."""
    assert not correlated_paths(np.zeros(30), PRIOR_NOISE, 20, 1).any()


def test_perfect_backtests_show_no_level_noise() -> None:
    """Forecasts that were always right leave nothing to spread."""
    noise, cutoffs = measure_noise([BacktestError(FLAT, FLAT)] * 5)
    assert cutoffs == 5
    assert noise == PathNoise(0.0, 0.0, 0.0, 5)


def test_errors_that_share_a_level_are_found_as_start_noise() -> None:
    """Backtests that are 20 % off from the first day on are a start error, not a walk."""
    errors = [BacktestError(FLAT, FLAT * np.exp(sign * 0.2)) for sign in (1, -1, 1, -1)]
    noise, _ = measure_noise(errors)
    assert noise is not None
    assert noise.start == pytest.approx(0.2, abs=0.01)
    assert noise.walk == pytest.approx(0.0, abs=0.005)


def test_a_backtest_that_is_too_short_or_empty_tells_nothing() -> None:
    """Less than a week, or a forecast of zero, is no evidence."""
    assert measure_noise([BacktestError(FLAT[:5], FLAT[:5]), BacktestError(FLAT * 0, FLAT)]) == (None, 0)


def test_a_total_that_turned_negative_is_a_large_error_and_not_a_crash() -> None:
    """Credits above the spend have no logarithm."""
    noise, _ = measure_noise([BacktestError(FLAT, -FLAT)])
    assert noise is not None
    assert noise.start > 1


def test_without_evidence_the_prior_stands_in() -> None:
    """No finished backtest anywhere: the noise of real series is assumed, not none."""
    common = pool_noise([None, None])
    assert common == PRIOR_NOISE
    assert shrink_noise(None, 0, common) == PRIOR_NOISE


def test_thin_evidence_is_drawn_towards_the_common_noise() -> None:
    """One lucky backtest does not make an interval narrow, twenty do."""
    own = PathNoise(0.0, 0.0, 0.1, 1)
    common = PathNoise(0.3, 0.0, 0.1, 4)
    assert shrink_noise(own, 1, common).start > shrink_noise(own, 20, common).start > 0
    assert shrink_noise(own, 1, common).freedom < shrink_noise(own, 20, common).freedom
