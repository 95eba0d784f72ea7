"""Every model, in its one shape, on good and bad input."""

from __future__ import annotations

import numpy as np
import pytest

from forecasting.models.base import ForecastModel, Path, RepeatedPattern
from forecasting.models.baselines import RecentMean, SeasonalNaive
from forecasting.models.experts import (
    LEVELS,
    PROPHET_VARIANTS,
    SLOW_MODELS,
    all_points,
    is_growing,
    quick_points,
)
from forecasting.models.levels import LastYear
from forecasting.models.prophet_model import ProphetModel
from forecasting.models.statistical import Ets, Theta, quiet_statsforecast
from tests.unit.forecasting.series_of import series_of, weekly_growth

MODELS: list[ForecastModel] = [
    SeasonalNaive(),
    RecentMean(),
    *LEVELS,
    LastYear(),
    Theta(),
    Ets(),
    *(ProphetModel(f"prophet_{variant}", variant) for variant in ("damped", "linear", "flat", "logistic")),
]
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)


@every_model
@pytest.mark.parametrize("days", [1, 2, 6, 13, 15, 27, 28, 60])
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
@pytest.mark.parametrize("before", [[*weekly_growth(90)], [0, 0, 40, 0, 0, 0, 25] * 9, [80] * 500])
def test_a_series_that_died_is_forecast_as_zero(model: ForecastModel, before: list[float]) -> None:
    """Four silent weeks end a series, whether it was steady, lumpy or two years old."""
    assert not model.fit(series_of([*before, *[0] * 28])).predict(365).any()


@every_model
def test_a_series_that_died_long_ago_stays_dead(model: ForecastModel) -> None:
    """Half a year of silence: the step down lies further back than steps are looked for."""
    assert not model.fit(series_of([10] * 300 + [0] * 180)).predict(365).any()


@every_model
@pytest.mark.parametrize("days", [1, 14, 15, 28, 60, 120, 430])
@pytest.mark.parametrize("cost", [100, 33.333333, 0.000001, 10**7], ids=str)
def test_a_constant_series_is_forecast_as_that_constant(model: ForecastModel, days: int, cost: float) -> None:
    """A subscription: neither the libraries' divisions by a variance of zero nor their optimizers may move it."""
    daily = model.fit(series_of([cost] * days)).predict(365)
    assert daily == pytest.approx(np.full(365, cost), rel=1e-3)


@every_model
def test_a_falling_series_never_turns_negative(model: ForecastModel) -> None:
    """Spend has a floor at zero."""
    assert (model.fit(series_of(np.linspace(200, 1, 120))).predict(365) >= 0).all()


@every_model
@pytest.mark.parametrize("days", [15, 28, 42, 84])
def test_a_short_steep_history_does_not_explode_over_a_year(model: ForecastModel, days: int) -> None:
    """Weeks that grew by 5 % a day, 5 x 10^7 times in a year: a straight line is the most that goes on.

    The mean slope of the whole history, with a fifth for the pattern of the week.
    """
    highest = 1.05 ** (days - 1)
    daily = model.fit(series_of(np.round(1.05 ** np.arange(days), 6))).predict(365)
    straight = highest + 365 * (highest - 1) / (days - 1)
    assert daily.max() < 1.2 * straight


@every_model
def test_a_credit_day_does_not_pull_the_forecast_down(model: ForecastModel) -> None:
    """A large credit on one day is not the new level."""
    values = [100.0] * 60
    with_credit = [*values[:-3], -5000.0, *values[-2:]]
    assert model.fit(series_of(with_credit)).predict(7).sum() > 0.8 * 700


@every_model
def test_one_day_priced_fifty_times_too_high_changes_little(model: ForecastModel) -> None:
    """A lone absurd day moves the forecast of a month by less than a tenth."""
    values = weekly_growth(120)
    clean = model.fit(series_of(values)).predict(30).sum()
    values[-9] *= 50
    assert model.fit(series_of(values)).predict(30).sum() == pytest.approx(clean, rel=0.1)


@every_model
def test_half_a_last_day_changes_little(model: ForecastModel) -> None:
    """A last day of which 30 % is known moves the forecast of a month by less than a tenth."""
    values = weekly_growth(120)
    clean = model.fit(series_of(values)).predict(30).sum()
    values[-1] *= 0.3
    assert model.fit(series_of(values)).predict(30).sum() == pytest.approx(clean, rel=0.1)


@every_model
def test_the_same_series_gives_the_same_numbers(model: ForecastModel) -> None:
    """Fits are deterministic to the last bit."""
    series = series_of(weekly_growth(100))
    assert (model.fit(series).predict(90) == model.fit(series).predict(90)).all()


@every_model
def test_a_longer_horizon_does_not_change_its_beginning(model: ForecastModel) -> None:
    """The first month of a forecast of a year is the forecast of a month."""
    fitted = model.fit(series_of(weekly_growth(100)))
    assert (fitted.predict(365)[:30] == fitted.predict(30)).all()


def test_seasonal_naive_repeats_the_last_week() -> None:
    """Day h is the same weekday of the last week seen."""
    daily = SeasonalNaive().fit(series_of(range(1, 15))).predict(10)
    assert daily.tolist() == [8, 9, 10, 11, 12, 13, 14, 8, 9, 10]


def test_the_recent_mean_forgets_what_is_older_than_four_weeks() -> None:
    """Only the last 28 days count."""
    assert RecentMean().fit(series_of([1000] * 10 + [2] * 28)).predict(2).tolist() == [2, 2]


def test_ets_keeps_its_level_and_knows_weekends() -> None:
    """Without a trend: each week is the next, and a Sunday costs less than half a Wednesday."""
    daily = Ets().fit(series_of(weekly_growth(126))).predict(28)
    assert daily[:7] == pytest.approx(daily[21:])
    assert daily[6] < 0.5 * daily[2]


def test_ets_does_not_take_one_burst_for_the_level() -> None:
    """Four times the usual on the last day: the month ahead stays nearer to the usual."""
    usual = np.random.default_rng(3).lognormal(4, 0.2, 98)
    calm = Ets().fit(series_of(np.round(usual, 6))).predict(30).sum()
    burst = Ets().fit(series_of(np.round([*usual[:-1], 4 * usual[-1]], 6))).predict(30).sum()
    assert burst < 1.5 * calm


def test_theta_follows_a_trend_at_half_its_slope() -> None:
    """Theta is exponential smoothing with half the drift of a straight line: 0.25 dollars a day of these 0.5."""
    daily = Theta().fit(series_of(np.round(100 + 0.5 * np.arange(140), 6))).predict(70)
    assert daily[69] - daily[0] == pytest.approx(69 * 0.25, rel=0.1)


def test_statsforecast_may_be_compiled_where_warnings_are_errors() -> None:
    """Its docstrings have invalid escapes, of which Python warns once, when it compiles them: in a new environment."""
    source = r'''"""\hat{y}"""'''
    with pytest.raises(SyntaxError, match="invalid escape"):
        compile(source, "statsforecast/models.py", "exec")
    with quiet_statsforecast():
        compile(source, "statsforecast/models.py", "exec")


def test_a_path_says_when_it_is_asked_too_far_ahead() -> None:
    """A horizon beyond the fitted one is a programming error, not a shorter answer."""
    with pytest.raises(ValueError, match=r"30 days ahead, asked for 31"):
        Path(np.ones(30)).predict(31)


def test_a_repeated_pattern_may_end_in_the_middle() -> None:
    """Any horizon will do."""
    assert RepeatedPattern(np.array([1.0, 2, 3])).predict(5).tolist() == [1, 2, 3, 1, 2]


def test_all_models_are_the_quick_ones_and_the_slow_ones() -> None:
    """The quick points are the same in both; of Prophet the logistic variant only where there is growth."""
    series = series_of(weekly_growth(90))
    quick, every = quick_points(series, 30), all_points(series, 30)
    assert set(every) - set(quick) == {*SLOW_MODELS} - {"prophet_logistic"}
    assert all((every[name] == daily).all() for name, daily in quick.items())
    assert {len(daily) for daily in every.values()} == {30}


def test_the_logistic_variant_is_tried_where_there_is_growth_that_could_saturate() -> None:
    """Half as much again as two months before; not in a steady or short history, nor in one that has ended."""
    growing = series_of(np.round(100 * 1.01 ** np.arange(120), 6))
    assert is_growing(growing)
    assert set(PROPHET_VARIANTS) <= set(all_points(growing, 30))
    assert not is_growing(series_of(np.round(100 * 1.01 ** np.arange(80), 6)))
    assert not is_growing(series_of([100] * 120))
    assert not is_growing(series_of([10] * 100 + [100] * 20 + [0] * 7))
