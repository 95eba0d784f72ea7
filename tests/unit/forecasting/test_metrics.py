"""Scores against hand-worked numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from forecasting.metrics import accuracy, bias, coverage, mase, naive_error, pinball, wape

ACTUAL = np.array([10.0, 20.0, 30.0])
FORECAST = np.array([12.0, 16.0, 30.0])


def test_wape_and_accuracy() -> None:
    """(2 + 4 + 0) / 60."""
    assert wape(ACTUAL, FORECAST) == pytest.approx(0.1)
    assert accuracy(ACTUAL, FORECAST) == pytest.approx(0.9)


def test_bias_has_a_sign() -> None:
    """58 forecast, 60 came: too little."""
    assert bias(ACTUAL, FORECAST) == pytest.approx(-2 / 60)


def test_without_spend_there_is_no_ratio() -> None:
    """A score that does not know says so and is not 0."""
    nothing = np.zeros(3)
    assert math.isnan(wape(nothing, FORECAST))
    assert math.isnan(bias(nothing, FORECAST))
    assert math.isnan(accuracy(nothing, FORECAST))


def test_mase_is_in_units_of_last_week_again() -> None:
    """The history rises by 7 a week; errors average 2."""
    assert mase(ACTUAL, FORECAST, np.arange(28.0)) == pytest.approx(2 / 7)
    assert math.isnan(mase(ACTUAL, FORECAST, np.ones(28)))
    assert math.isnan(mase(ACTUAL, FORECAST, np.ones(5)))


def test_coverage_counts_the_ends() -> None:
    """On the edge is inside."""
    assert coverage(ACTUAL, ACTUAL, ACTUAL) == 1
    assert coverage(ACTUAL, np.array([11.0, 0, 0]), np.array([40.0, 40, 40])) == pytest.approx(2 / 3)


def test_pinball_punishes_the_wrong_side_more() -> None:
    """At 90 %, an actual above the forecast costs nine times one below."""
    assert pinball(np.array([11.0]), np.array([10.0]), 0.9) == pytest.approx(0.9)
    assert pinball(np.array([9.0]), np.array([10.0]), 0.9) == pytest.approx(0.1)


def test_the_scale_of_mase_is_the_error_of_last_week_again() -> None:
    """A history that rises by 7 a week; unknown below two weeks, and zero for a constant."""
    assert naive_error(np.arange(28.0)) == 7
    assert naive_error(np.arange(14.0)) == 7
    assert naive_error(np.arange(13.0)) is None
    assert naive_error(np.ones(28)) == 0


def test_the_rounding_of_floats_is_no_error_of_last_week_again() -> None:
    """Weeks that repeat but for the last bit: a scale of 1e-14 would make any forecast look absurd."""
    weeks = 100 + 20 * np.sin(2 * np.pi * np.arange(150) / 7)
    assert naive_error(weeks) == 0
    assert naive_error(weeks * 1e-9) == 0


def test_without_a_forecast_there_is_no_score() -> None:
    """No day, no ratio: unknown, and no warning of an empty mean."""
    nothing = np.array([])
    assert math.isnan(coverage(nothing, nothing, nothing))
    assert math.isnan(pinball(nothing, nothing, 0.5))
    assert math.isnan(mase(nothing, nothing, np.arange(28.0)))


def test_pinball_at_the_median_is_half_the_absolute_error() -> None:
    """|10 - 12| / 2, |20 - 16| / 2 and 0, on average 1."""
    assert pinball(ACTUAL, FORECAST, 0.5) == pytest.approx(1)
