"""Every model, in its one shape, on good and bad input."""

from __future__ import annotations

import numpy as np
import pytest

from forecasting.models.base import ForecastModel
from forecasting.models.baselines import RecentMean, SeasonalNaive
from forecasting.models.prophet_model import ProphetModel
from tests.unit.forecasting.series_of import series_of, weekly_growth

MODELS: list[ForecastModel] = [SeasonalNaive(), RecentMean(), ProphetModel()]
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)


@every_model
@pytest.mark.parametrize("days", [1, 2, 6, 13, 27, 28, 60])
def test_any_length_gives_a_finite_forecast_that_is_never_negative(model: ForecastModel, days: int) -> None:
    """A series of one day is a short history, not an error."""
    daily = model.fit(series_of(weekly_growth(days))).predict(365)
    assert daily.shape == (365,)
    assert np.isfinite(daily).all()
    assert (daily >= 0).all()


@every_model
def test_all_zeros_are_forecast_as_zero(model: ForecastModel) -> None:
    """Nothing spent, nothing expected."""
    assert not model.fit(series_of([0] * 60)).predict(30).any()


@every_model
def test_a_series_that_died_is_forecast_as_zero(model: ForecastModel) -> None:
    """Four silent weeks end a series."""
    assert not model.fit(series_of([*weekly_growth(90), *[0] * 28])).predict(30).any()


@every_model
def test_a_falling_series_never_turns_negative(model: ForecastModel) -> None:
    """Spend has a floor at zero."""
    assert (model.fit(series_of(np.linspace(200, 1, 120))).predict(365) >= 0).all()


@every_model
def test_a_short_steep_history_does_not_explode_over_a_year(model: ForecastModel) -> None:
    """Six weeks that grew by 5 % a day do not make a forecast of thousands of times the spend."""
    daily = model.fit(series_of(np.round(1.05 ** np.arange(42), 6))).predict(365)
    assert daily.max() < 5 * 1.05**41


@every_model
def test_a_credit_day_does_not_pull_the_forecast_down(model: ForecastModel) -> None:
    """A large credit on one day is not the new level."""
    values = [100.0] * 60
    with_credit = [*values[:-3], -5000.0, *values[-2:]]
    assert model.fit(series_of(with_credit)).predict(7).sum() > 0.8 * 700


@every_model
def test_one_day_priced_fifty_times_too_high_changes_little(model: ForecastModel) -> None:
    """A lone absurd day moves the forecast of a month by less than a quarter."""
    values = weekly_growth(120)
    clean = model.fit(series_of(values)).predict(30).sum()
    values[-9] *= 50
    assert model.fit(series_of(values)).predict(30).sum() == pytest.approx(clean, rel=0.25)


@every_model
def test_the_same_series_gives_the_same_numbers(model: ForecastModel) -> None:
    """Fits are deterministic to the last bit."""
    series = series_of(weekly_growth(100))
    assert (model.fit(series).predict(90) == model.fit(series).predict(90)).all()


def test_seasonal_naive_repeats_the_last_week() -> None:
    """Day h is the same weekday of the last week seen."""
    daily = SeasonalNaive().fit(series_of(range(1, 15))).predict(10)
    assert daily.tolist() == [8, 9, 10, 11, 12, 13, 14, 8, 9, 10]


def test_the_recent_mean_forgets_what_is_older_than_four_weeks() -> None:
    """Only the last 28 days count."""
    assert RecentMean().fit(series_of([1000] * 10 + [2] * 28)).predict(2).tolist() == [2, 2]


def test_prophet_knows_weekends() -> None:
    """The weekly pattern is in the forecast: a Sunday costs less than half a Wednesday."""
    daily = ProphetModel().fit(series_of(weekly_growth(126))).predict(14)
    assert daily[6] < 0.5 * daily[2]


def test_prophet_repeats_the_year_once_it_has_seen_two() -> None:
    """A summer twice as dear as the winter comes back in the third year."""
    day = np.arange(760)
    daily = ProphetModel().fit(series_of(np.round(100 - 33 * np.cos(2 * np.pi * day / 365.25), 6))).predict(365)
    winter_start = 2 * 365 - 760 + 365
    summer = winter_start - 182
    assert daily[summer : summer + 14].mean() > 1.6 * daily[winter_start - 14 : winter_start].mean()


def test_prophet_says_when_it_is_asked_too_far_ahead() -> None:
    """A horizon beyond the fitted one is a programming error, not a shorter answer."""
    with pytest.raises(ValueError, match="366"):
        ProphetModel().fit(series_of(weekly_growth(60))).predict(366)
