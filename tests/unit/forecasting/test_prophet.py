"""Prophet in its variants, and as it comes."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecasting.models import prophet_model
from forecasting.models.prophet_default import NAME, default_forecast
from forecasting.models.prophet_model import DAMPINGS, ProphetFit, ProphetModel, quiet_prophet, too_short
from forecasting.series import FloatArray
from tests.unit.forecasting.series_of import FIRST_DAY, series_of, weekly_growth

YEARLY = np.round(100 - 33 * np.cos(2 * np.pi * np.arange(760) / 365.25), 6)
every_variant = pytest.mark.parametrize("variant", ["damped", "linear", "flat", "logistic"])


def test_prophet_knows_weekends() -> None:
    """The weekly pattern is in the forecast: a Sunday costs less than half a Wednesday."""
    daily = ProphetModel().fit(series_of(weekly_growth(126))).predict(14)
    assert daily[6] < 0.5 * daily[2]


@pytest.mark.parametrize("variant", ["damped", "flat"])
def test_prophet_repeats_the_year_once_it_has_seen_two(variant: str) -> None:
    """A summer twice as dear as the winter comes back in the third year."""
    daily = ProphetModel(variant=variant).fit(series_of(YEARLY)).predict(365)
    winter_start = 2 * 365 - 760 + 365
    summer = winter_start - 182
    assert daily[summer : summer + 14].mean() > 1.6 * daily[winter_start - 14 : winter_start].mean()


def test_prophet_says_when_it_is_asked_too_far_ahead() -> None:
    """A horizon beyond the fitted one is a programming error, not a shorter answer."""
    with pytest.raises(ValueError, match="366"):
        ProphetModel().fit(series_of(weekly_growth(60))).predict(366)


@every_variant
@pytest.mark.parametrize("values", [weekly_growth(120), YEARLY], ids=["a quarter", "two years"])
def test_our_sum_of_the_seasons_is_that_of_prophet(
    variant: str, values: FloatArray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trend and multiplicative terms, read off the parameters, are those of ``predict`` to the twelfth digit."""
    asked: list[tuple[Any, pd.Series, FloatArray]] = []
    read_off = prophet_model._seasonal_terms

    def remember(model: Any, days: pd.Series) -> FloatArray:
        asked.append((model, days, read_off(model, days)))
        return asked[-1][2]

    monkeypatch.setattr(prophet_model, "_seasonal_terms", remember)
    parts = ProphetModel(variant=variant, max_horizon_days=90).fit_parts(series_of(values))
    [(model, days, terms)] = asked
    future = pd.DataFrame({"ds": days})
    if variant == "logistic":
        future["cap"] = model.history["cap"].iloc[0]
    with quiet_prophet():
        theirs = model.predict(future)
    np.testing.assert_allclose(terms, theirs["multiplicative_terms"].to_numpy(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(parts.trend, theirs["trend"].to_numpy(), rtol=1e-12)
    assert days.iloc[0].date() == FIRST_DAY + timedelta(days=len(values) - prophet_model.ANCHOR_DAYS)


def test_holidays_are_learned_from_the_past_and_come_back() -> None:
    """Every fourth Wednesday costs nothing: so does the next one, and the Wednesdays between do not."""
    values = np.tile([100.0, 100, 100, 100, 100, 60, 50], 24)
    off = [2 + 28 * number for number in range(7)]
    values[off[:-1]] = 0.0
    days = [FIRST_DAY + timedelta(days=day) for day in off]
    series = series_of(values)
    assert days[-1] == series.last_day + timedelta(days=3)
    with_holidays = ProphetModel(holidays={"company day": days}).fit(series).predict(30)
    without = ProphetModel().fit(series).predict(30)
    assert with_holidays[2] < 20
    assert with_holidays[9] > 90
    assert without[2] > 75


@every_variant
def test_holidays_without_a_day_ahead_change_little(variant: str) -> None:
    """One holiday in the history that does not come again: the month ahead is as without it."""
    values = weekly_growth(120)
    holidays = {"launch party": [FIRST_DAY + timedelta(days=60)]}
    plain = ProphetModel(variant=variant).fit(series_of(values)).predict(30).sum()
    with_holiday = ProphetModel(variant=variant, holidays=holidays).fit(series_of(values)).predict(30).sum()
    assert with_holiday == pytest.approx(plain, rel=0.03)


@pytest.mark.parametrize("growth", [1.01, 1.03, 1.05])
def test_the_logistic_variant_stays_below_its_cap(growth: float) -> None:
    """However steep the history: twice the highest four weeks, with a tenth for the pattern of the week."""
    values = np.round(growth ** np.arange(120), 6)
    highest = values[-28:].mean()
    anchor = values[-14:].sum()
    model = ProphetModel(variant="logistic")
    parts = model.fit_parts(series_of(values))
    assert parts.trend.max() <= model.cap_ratio * highest
    daily = model.fit(series_of(values)).predict(365)
    fitted = (parts.trend * parts.seasonal)[:14].sum()
    assert daily.max() <= 1.1 * model.cap_ratio * highest * max(anchor / fitted, 1)


def test_the_damped_variant_bends_away_from_the_linear_one() -> None:
    """Both start with the same slope; after a month of 3 % a day two fifths of it are left."""
    parts = ProphetFit(np.arange(100.0, 214.0), np.ones(114), np.arange(100.0, 114.0))
    linear, damped = parts.daily(DAMPINGS["linear"]), parts.daily(DAMPINGS["damped"])
    assert linear.tolist() == list(range(114, 214))
    assert damped[0] == pytest.approx(113 + 0.97)
    assert np.diff(damped) == pytest.approx(0.97 ** np.arange(2, 101))


def test_the_forecast_begins_at_the_level_of_the_last_two_weeks() -> None:
    """A trend that lags by a fifth is lifted; that of the flat variant is not."""
    parts = ProphetFit(np.full(16, 100.0), np.ones(16), np.full(14, 120.0))
    assert parts.daily(1.0).tolist() == [120, 120]
    assert parts.daily(None, is_anchored=False).tolist() == [100, 100]


def test_a_trend_that_falls_below_zero_is_cut() -> None:
    """Negative spend does not exist."""
    parts = ProphetFit(np.linspace(140.0, -600.0, 75), np.ones(75), np.linspace(140.0, 10.0, 14))
    assert parts.daily(1.0)[-1] == 0


def test_below_four_weeks_and_after_the_end_something_simpler_stands_in() -> None:
    """The mean of the days; zero for a series that was silent for four weeks."""
    short, ended = too_short(series_of([1, 2, 3])), too_short(series_of([5] * 90 + [0] * 28))
    assert short is not None
    assert short.predict(2).tolist() == [2, 2]
    assert ended is not None
    assert ended.predict(2).tolist() == [0, 0]
    assert too_short(series_of([5] * 28)) is None


def test_prophet_as_it_comes_has_its_own_paths() -> None:
    """For comparison: its days, and paths around them of which a month is far too sure."""
    series = series_of(weekly_growth(120))
    state = np.random.get_state()[1].copy()  # type: ignore[union-attr]
    forecast = default_forecast(series, series.last_day, 30, seed=3)
    assert (np.random.get_state()[1] == state).all()
    assert forecast.model_name == NAME
    assert forecast.daily.shape == (30,)
    assert (forecast.relative >= 0).all()
    again = default_forecast(series, series.last_day, 30, seed=3)
    assert (forecast.relative == again.relative).all()
    assert (forecast.relative != default_forecast(series, series.last_day, 30, seed=4).relative).any()
    days, total = forecast.relative * forecast.daily, forecast.totals(0, 29)
    assert total.var() < 3 * days.var(axis=0).sum()


@pytest.mark.parametrize("values", [[3.0], [5.0] * 10, [5.0] * 60, [0.0] * 60, np.linspace(200, 1, 120)])
def test_prophet_as_it_comes_survives_any_series(values: FloatArray) -> None:
    """One day, a constant, nothing, and a fall below zero: finite, and totals are those of its paths."""
    series = series_of(values)
    forecast = default_forecast(series, date(2026, 7, 1), 30, seed=1)
    assert (forecast.daily >= 0).all()
    assert np.isfinite(forecast.totals(0, 29)).all()
