"""Steps, weeks and levels: what the cheap models believe to have seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.models.levels import (
    DiscountedLevel,
    LastYear,
    RegimeMean,
    current_regime,
    knows_last_year,
    regime_start,
    week_profile,
)
from forecasting.series import FloatArray
from tests.unit.forecasting.series_of import series_of, weekly_growth


def noisy(levels: list[tuple[int, float]], *, spread: float = 0.05, seed: int = 1) -> FloatArray:
    """Days at each level in turn, wavering by 5 %."""
    values = np.concatenate([np.full(days, level) for days, level in levels])
    return np.asarray(np.round(values * np.random.default_rng(seed).normal(1, spread, len(values)), 6))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("after", [300.0, 150.0, 40.0], ids=["tripled", "half as much again", "fell to two fifths"])
def test_a_step_begins_on_its_day(after: float, seed: int) -> None:
    """Up or down, the first day of the new level is found to the day."""
    assert regime_start(noisy([(80, 100.0), (20, after)], seed=seed)) == 80


def test_a_step_shows_from_its_fifth_day_on() -> None:
    """Four days may be a long weekend; five are a new level."""
    assert regime_start(noisy([(80, 100.0), (4, 300.0)])) == 0
    assert regime_start(noisy([(80, 100.0), (5, 300.0)])) == 80


def test_a_step_of_less_than_a_fifth_is_none() -> None:
    """Growth of 15 % is for the level models to follow, not to start anew."""
    assert regime_start(np.array([*[100.0] * 60, *[115.0] * 20])) == 0


def test_a_burst_is_no_step() -> None:
    """A dear week between quiet ones: its quiet days lie on both sides."""
    assert regime_start(noisy([(60, 100.0), (6, 500.0), (30, 100.0)])) == 0
    assert regime_start(np.array([10.0, 10, 10, 200, 10, 10, 10] * 12)) == 0


def test_weekends_are_no_steps() -> None:
    """A week that halves on its weekend, every week."""
    assert regime_start(weekly_growth(120)) == 0


@pytest.mark.parametrize("factor", [2.0, 3.0, 10.0, 0.4])
def test_cheap_weekends_do_not_hide_a_step(factor: float) -> None:
    """Weekends at a third of the weekdays lie below the middle of both levels, and are no old level all the same."""
    week = np.array([10.0, 10, 10, 10, 10, 4, 3])
    noise = np.random.default_rng(1).normal(1, 0.05, 119)
    values = np.concatenate((np.tile(week, 15), factor * np.tile(week, 2))) * noise
    assert regime_start(values) == 105


def test_the_last_of_two_steps_counts() -> None:
    """Only the level that the series is on now."""
    assert regime_start(noisy([(40, 100.0), (30, 300.0), (20, 100.0)])) == 70


def test_a_step_a_quarter_ago_is_history() -> None:
    """The level models have long learned it."""
    assert regime_start(noisy([(60, 100.0), (100, 300.0)])) == 0


def test_a_step_in_the_first_week_cannot_be_seen() -> None:
    """A week of history is needed before a jump."""
    assert regime_start(noisy([(6, 100.0), (30, 300.0)])) in (0, 7)


@given(st.lists(st.floats(min_value=0, max_value=1e6), min_size=1, max_size=130))
def test_a_regime_always_has_days(values: list[float]) -> None:
    """For any series the start lies within it, with five days after it at least, or is its first day."""
    start = regime_start(np.array(values))
    assert start == 0 or 7 <= start <= len(values) - 5


def test_levels_forget_what_was_before_a_step() -> None:
    """Twenty days after a jump from 100 to 300, every level model is at 300 within the noise of the days."""
    series = series_of(noisy([(100, 100.0), (20, 300.0)]))
    for model in (RegimeMean("r", 365), DiscountedLevel("l", 0.05)):
        assert model.fit(series).predict(30).mean() == pytest.approx(300, rel=0.03)


def test_the_week_of_a_young_regime_comes_from_before_the_step() -> None:
    """Two weeks after spend tripled the weekends are still known to be cheap."""
    week = np.array([10.0, 10, 10, 10, 10, 8, 7])
    regime = current_regime(series_of([*np.tile(week, 10), *np.tile(3 * week, 2)]))
    assert regime.days.tolist() == [*(3 * week), *(3 * week)]
    assert regime.profile == pytest.approx(week / week.mean())


def test_the_week_has_mean_one_and_begins_on_the_day_after_the_last() -> None:
    """Nine days too many: the profile is still that of the next seven days."""
    week = np.array([10.0, 20, 30, 40, 50, 60, 70])
    values = np.tile(week, 4)[:-5]
    assert week_profile(values) == pytest.approx(np.roll(week, -2) / 40)
    assert week_profile(week).tolist() == [1] * 7
    assert week_profile(np.zeros(28)).tolist() == [1] * 7


def test_the_mean_of_a_part_of_a_week_is_not_taken_for_the_mean_of_a_week() -> None:
    """13 days of which 9 are dear weekdays: the level is that of a whole week all the same."""
    week = np.array([10.0, 10, 10, 10, 10, 3, 3])
    series = series_of(np.tile(week, 8)[:-1])
    daily = RegimeMean("r", 13).fit(series).predict(14)
    assert daily == pytest.approx(np.tile(np.roll(week, 1), 2))


def test_discounted_levels_follow_by_their_memory() -> None:
    """100 for long, 119 for a week, which weighs 1 - (1 - discount)^7: the fast level is at 115, the slow one at 106.

    A jump of a fifth is no step, so both remember the days before it.
    """
    series = series_of([100] * 200 + [119] * 7)
    for discount, share in ((0.2, 1 - 0.8**7), (0.05, 1 - 0.95**7)):
        level = DiscountedLevel("l", discount).fit(series).predict(7).mean()
        assert level == pytest.approx(100 + 19 * share, rel=0.002)


def test_the_same_weeks_of_last_year_come_back_at_this_years_level() -> None:
    """Weekdays stay where they are (364 days), and twice the spend of last year stays twice."""
    day = np.arange(364 + 70)
    season = np.round(100 + 50 * np.sin(2 * np.pi * day / 364) + 10 * (day % 7), 6)
    values = season * np.where(day >= 70 + 364 - 28, 2.0, 1.0)
    series = series_of(values)
    assert knows_last_year(series)
    expected = np.concatenate((2 * season[70:-28], 4 * season[-28:]))
    assert LastYear().fit(series).predict(364) == pytest.approx(expected)


def test_last_year_is_unknown_until_it_has_been_seen_with_two_months() -> None:
    """Below a year and eight weeks there is nothing to repeat: the mean of four weeks stands in."""
    series = series_of([5] * 391 + [7] * 28)
    assert not knows_last_year(series)
    assert LastYear().fit(series).predict(3).tolist() == [7, 7, 7]


def test_last_year_does_not_raise_the_dead() -> None:
    """A series that spent all of last year and nothing for four weeks is not expected back."""
    assert not LastYear().fit(series_of([100] * 500 + [0] * 28)).predict(365).any()
