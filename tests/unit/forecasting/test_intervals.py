"""Paths with correlated errors, and how wide they are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from forecasting.combination import HORIZONS, PRIOR_WEIGHTS
from forecasting.intervals import (
    _T80,
    FREEDOM,
    Miss,
    PathNoise,
    calibration,
    disagreement,
    measure_noise,
    relative_paths,
    scatter_of_days,
    spread_of_total,
)
from forecasting.series import FloatArray
from tests.unit.forecasting.series_of import weekly_growth

T80, T95 = stats.t(FREEDOM).ppf([0.9, 0.975]).tolist()
"""Half the widths of the 80 % and 95 % intervals of the errors, in units of their scale."""

FLAT = np.full(365, 100.0)
WEEK = np.tile([130.0, 130, 130, 120, 110, 50, 30], 53)[:365]
STEADY = np.ones(7)
SCATTERED = np.random.default_rng(8).lognormal(0, 0.4, 84)
SCATTERED /= SCATTERED.mean()

widening = {7: 0.06, 30: 0.10, 90: 0.20, 365: 0.30}
passing = {7: 0.30, 30: 0.12, 90: 0.12, 365: 0.15}
steady = {7: 0.15, 30: 0.15, 90: 0.15, 365: 0.15}


def log_totals(daily: FloatArray, relative: FloatArray, days: int) -> FloatArray:
    return np.asarray(np.log((relative[:, :days] @ daily[:days]) / daily[:days].sum()))


# ---------------------------------------------------------------- paths


def test_the_same_seed_gives_the_same_paths_and_another_one_others() -> None:
    """Seeds decide the paths, and nothing else does."""
    noise = PathNoise(widening, SCATTERED)
    first = relative_paths(FLAT, noise, 50, [1, 2])
    assert (first == relative_paths(FLAT, noise, 50, [1, 2])).all()
    assert (first != relative_paths(FLAT, noise, 50, [1, 3])).any()


def realized(daily: FloatArray, noise: PathNoise, days: int) -> float:
    """Half the width of the 80 % interval of the log total, in units of the scale of Student's distribution."""
    relative = relative_paths(daily, noise, 4000, 1)
    return float(np.ptp(np.quantile(log_totals(daily, relative, days), (0.1, 0.9)))) / 2 / T80


@pytest.mark.parametrize("daily", [FLAT, WEEK], ids=["flat", "week"])
@pytest.mark.parametrize("days", [7, 30, 90])
def test_totals_spread_as_wanted(daily: FloatArray, days: int) -> None:
    """Spreads that widen with the horizon: within a tenth of what was measured, on finite paths."""
    assert realized(daily, PathNoise(widening, STEADY), days) == pytest.approx(widening[days], rel=0.1)


@pytest.mark.parametrize("days", [30, 90])
def test_scattered_days_have_their_part_in_the_spread(days: int) -> None:
    """Days that scatter by 40 % make a month uncertain by themselves; the level has only what is left to wanted."""
    assert realized(FLAT, PathNoise(widening, SCATTERED), days) == pytest.approx(widening[days], rel=0.15)


@pytest.mark.parametrize("spreads", [widening, passing, steady], ids=["widening", "passing", "steady"])
@pytest.mark.parametrize("scatter", [STEADY, SCATTERED], ids=["steady days", "scattered days"])
def test_totals_are_never_surer_than_wanted(scatter: FloatArray, spreads: Mapping[int, float]) -> None:
    """Any profile of spreads, at every horizon. A walk cannot narrow again, so longer horizons may come out wider."""
    for days, spread in spreads.items():
        assert 0.9 * spread < realized(WEEK, PathNoise(spreads, scatter), days) < 2.5 * spread, days


def test_the_tails_are_those_of_student() -> None:
    """The 95 % interval is more than 1.9 times as wide as the 80 % one; a normal one would be 1.53 times."""
    assert pytest.approx(T80, abs=0.001) == _T80
    assert T95 / T80 > 1.9
    totals = log_totals(FLAT, relative_paths(FLAT, PathNoise(steady, STEADY), 8000, 1), 30)
    q = np.quantile(totals, (0.025, 0.1, 0.9, 0.975))
    assert (q[3] - q[0]) / (q[2] - q[1]) == pytest.approx(T95 / T80, rel=0.1)


@pytest.mark.parametrize("scatter", [STEADY, SCATTERED], ids=["steady days", "scattered days"])
def test_errors_share_their_level(scatter: FloatArray) -> None:
    """The variance of a 30-day total is many times the sum of the days' variances; of independent days it is equal.

    In the real errors of forecasts it was 15.5 times, in Prophet's paths 0.97.
    """
    days = relative_paths(FLAT, PathNoise(steady, scatter), 4000, 1)[:, :30]
    assert days.sum(axis=1).var() > 5 * days.var(axis=0).sum()


def test_the_walk_makes_longer_totals_less_certain() -> None:
    """The further ahead, the wider."""
    relative = relative_paths(FLAT, PathNoise(widening, STEADY), 4000, 1)
    widths = [np.ptp(np.quantile(log_totals(FLAT, relative, days), (0.1, 0.9))) for days in HORIZONS]
    assert widths == sorted(widths)
    assert widths[2] > 1.3 * widths[0]


@pytest.mark.parametrize("spreads", [widening, passing, steady], ids=["widening", "passing", "steady"])
def test_the_median_path_is_the_point(spreads: Mapping[int, float]) -> None:
    """Half of the totals lie above the point, at every horizon."""
    relative = relative_paths(WEEK, PathNoise(spreads, SCATTERED), 4000, 1)
    for days in HORIZONS:
        assert np.median(log_totals(WEEK, relative, days)) == pytest.approx(0, abs=0.05)


def test_paths_of_nothing_are_nothing() -> None:
    """A forecast of zero has no spread: a silent series is not expected back."""
    nothing = np.zeros(90)
    relative = relative_paths(nothing, PathNoise(widening, SCATTERED), 20, 1)
    assert np.isfinite(relative).all()
    assert not (relative * nothing).any()


def test_a_level_moves_by_ten_times_at_most() -> None:
    """Student's tails have no end, but spend does."""
    relative = relative_paths(FLAT, PathNoise({7: 1.6, 30: 1.6, 90: 1.6, 365: 1.6}, STEADY), 4000, 1)
    assert relative.max() <= 10 * (1 + 1e-9)
    assert relative.min() >= 0.1 * (1 - 1e-9)


def test_silent_days_of_the_past_are_silent_on_some_paths() -> None:
    """Days scatter as they did, whole weeks at a time: on each path a week has its silent day."""
    week = np.array([1.5, 1.5, 1.5, 0.0, 1.5, 0.5, 0.5])
    relative = relative_paths(FLAT[:28], PathNoise(steady, week), 50, 1)
    assert (relative[:, 3::7] == 0).all()
    assert (np.delete(relative, np.s_[3::7], axis=1) > 0).all()


spread = st.floats(0.006, 1.6)


@settings(max_examples=60)
@given(st.tuples(spread, spread, spread, spread), st.integers(1, 120), st.integers(0, 2**32))
def test_any_spreads_and_horizon_give_finite_paths(spreads: tuple[float, ...], days: int, seed: int) -> None:
    """Rising, falling or mixed spreads: paths of the asked shape, above zero, and monotone quantiles of totals."""
    noise = PathNoise(dict(zip(HORIZONS, spreads, strict=True)), SCATTERED)
    relative = relative_paths(FLAT[:days], noise, 30, seed)
    assert relative.shape == (30, days)
    assert np.isfinite(relative).all()
    assert (relative > 0).all()
    totals = np.quantile(relative @ FLAT[:days], (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99))
    assert (np.diff(totals) >= 0).all()


# ---------------------------------------------------------------- how days scatter


def test_the_pattern_of_the_week_is_no_scatter() -> None:
    """Cheap weekends are expected; what is left of a perfect week is one."""
    assert scatter_of_days(WEEK[:84]) == pytest.approx(np.ones(84))
    assert scatter_of_days(np.full(84, 5.0)) == pytest.approx(np.ones(84))


def test_scatter_comes_in_whole_weeks_of_the_last_twelve_with_mean_one() -> None:
    """The oldest days of a part of a week are left out, so that Mondays stay Mondays."""
    for days, kept in ((200, 84), (84, 84), (40, 35), (14, 14)):
        found = scatter_of_days(weekly_growth(days))
        assert len(found) == kept
        assert found.mean() == pytest.approx(1)


def test_the_level_of_a_month_is_no_scatter() -> None:
    """A series that doubles slowly over twelve weeks scatters little: its weeks are compared with their month."""
    growing = scatter_of_days(100 * 2 ** (np.arange(84) / 84))
    assert growing.std() < 0.1


@pytest.mark.parametrize("values", [np.zeros(84), np.ones(13), np.array([5.0])], ids=["silent", "13 days", "one day"])
def test_a_series_that_shows_no_scatter_has_none(values: FloatArray) -> None:
    """Below two weeks, and for a silent series, every day is as expected."""
    assert scatter_of_days(values).tolist() == [1] * 7


# ---------------------------------------------------------------- how far totals miss


def test_the_wilder_the_past_the_wider_the_spread() -> None:
    """Within a month, where models disagree equally; beyond it their disagreement says all."""
    rng = np.random.default_rng(4)
    calm = 100 * rng.lognormal(0, 0.05, 200)
    wild = 100 * rng.lognormal(0, 0.8, 200)
    for days in (7, 30):
        assert spread_of_total(wild, days, 0.1) > 1.2 * spread_of_total(calm, days, 0.1)


def test_the_more_models_disagree_the_wider_the_spread() -> None:
    """What models cannot agree on is not known."""
    for days in HORIZONS:
        spreads = [spread_of_total(weekly_growth(200), days, distance) for distance in (0.01, 0.05, 0.2, 1.0)]
        assert spreads == sorted(spreads)
        assert spreads[-1] > 1.5 * spreads[0]


def test_a_year_is_less_certain_than_its_first_quarter() -> None:
    """By three tenths, since nothing of a year has finished to measure it by."""
    quarter, year = (spread_of_total(weekly_growth(200), days, 0.1) for days in (90, 365))
    assert year == pytest.approx(1.3 * quarter)


@pytest.mark.parametrize(
    "values",
    [np.zeros(1), np.zeros(60), np.ones(1), np.ones(400), np.array([0.0] * 59 + [1e9]), weekly_growth(27)],
    ids=["nothing", "silence", "one day", "a constant", "a burst on the last day", "four weeks less a day"],
)
def test_every_series_has_a_spread_within_bounds(values: FloatArray) -> None:
    """Whatever is known: above zero, and never more than five times too much or too little (e^1.6) per scale."""
    for days in HORIZONS:
        for distance in (0.0, 0.1, 5.0):
            assert 0 < spread_of_total(values, days, distance) <= 1.6


def test_a_constant_series_is_nearly_certain() -> None:
    """Models agree, nothing ever missed: a few per cent at most."""
    assert all(spread_of_total(np.full(400, 5.0), days, 0.0) < 0.05 for days in HORIZONS)


def test_disagreement_is_the_weighted_distance_from_the_forecast() -> None:
    """Two models, twice and half the forecast: log 2 whatever their weights; three quarters at log 2: its root."""
    two = {"seasonal_naive": 200.0, "ets": 50.0}
    assert disagreement(two, 100.0, 30) == pytest.approx(np.log(2))
    assert disagreement({"seasonal_naive": 100.0, "ets": 100.0}, 100.0, 30) == 0
    weights = PRIOR_WEIGHTS[7]
    share = weights["seasonal_naive"] / (weights["seasonal_naive"] + weights["ets"])
    expected = np.sqrt(share) * np.log(2)
    assert disagreement({"seasonal_naive": 200.0, "ets": 100.0}, 100.0, 7) == pytest.approx(expected)


def test_models_without_a_say_are_not_asked() -> None:
    """A model without a weight at the horizon may run away."""
    assert "theta" not in PRIOR_WEIGHTS[90]
    assert disagreement({"seasonal_naive": 100.0, "theta": 1e9}, 100.0, 90) == 0


def test_of_a_forecast_of_nothing_nothing_is_known() -> None:
    """There is no distance from zero: 1, about a factor of three."""
    assert disagreement({"seasonal_naive": 5.0}, 0.0, 30) == 1
    assert disagreement({"nobody": 5.0}, 100.0, 30) == 1
    assert disagreement({"seasonal_naive": 0.0}, 100.0, 30) == pytest.approx(-np.log(0.02))


def test_noise_is_measured_at_the_horizons_that_are_forecast() -> None:
    """A forecast of 90 days has no spread of a year."""
    totals = {days: {"ets": 100.0 * days, "seasonal_naive": 120.0 * days} for days in (7, 30, 90)}
    noise = measure_noise(weekly_growth(200), totals, np.full(90, 110.0))
    assert list(noise.spreads) == [7, 30, 90]
    assert len(noise.scatter) == 84


# ---------------------------------------------------------------- calibration on finished cutoffs


def test_a_run_without_finished_cutoffs_has_nothing_to_calibrate_on() -> None:
    """No factor is a factor of one."""
    assert calibration([]) == {}
    noise = PathNoise(widening, STEADY)
    assert noise.widened({}).spreads == widening


def test_misses_as_large_as_expected_leave_the_spreads() -> None:
    """Four fifths within the 80 % interval: that is what the spread says."""
    assert calibration([Miss(30, T80)] * 50)[30] == pytest.approx(1, rel=1e-3)
    assert calibration([Miss(30, -T80)] * 50)[30] == pytest.approx(1, rel=1e-3)


def test_many_large_misses_widen_and_small_ones_narrow() -> None:
    """All misses 1.5 times as large, 60 of them: half trusted, so the square root of 1.5."""
    assert calibration([Miss(30, 1.5 * T80)] * 60)[30] == pytest.approx(1.5**0.5, rel=1e-3)
    assert calibration([Miss(30, 0.5 * T80)] * 60)[30] == pytest.approx(0.5**0.5, rel=1e-3)
    assert calibration([Miss(30, 1.5 * T80)] * 3)[30] == pytest.approx(1.5 ** (3 / 63), rel=1e-3)


def test_calibration_never_more_than_doubles_or_halves() -> None:
    """However many cutoffs say otherwise."""
    assert calibration([Miss(7, 1e6)] * 10_000)[7] == pytest.approx(2, rel=0.01)
    assert calibration([Miss(7, 0.0)] * 10_000)[7] == pytest.approx(0.5, rel=0.01)


def test_each_horizon_is_calibrated_by_its_own_misses() -> None:
    """A week may be surer than thought, and a quarter less so."""
    factors = calibration([Miss(7, 0.0)] * 60 + [Miss(90, 9.9)] * 60)
    assert factors[7] < 1 < factors[90]
    widened = PathNoise(widening, STEADY).widened(factors)
    assert widened.spreads[7] == pytest.approx(widening[7] * factors[7])
    assert widened.spreads[30] == widening[30]
    assert widened.spreads[90] == pytest.approx(widening[90] * factors[90])
