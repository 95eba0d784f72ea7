"""Points and paths of one cutoff: totals, quantiles, seeds, and what a run shares."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.forecast import PathMaker, SeriesForecast, forecasts_of, path_maker, quantiles
from forecasting.study import SELECTED, STORED_MODELS, Study, study_series
from tests.unit.forecasting.series_of import FIRST_DAY, series_of, weekly_growth

LEVELS = (0.05, 0.1, 0.5, 0.9, 0.95)


@pytest.fixture(scope="module")
def studies() -> list[Study]:
    """Three series of eighty days, each at its last day."""
    series = [series_of(weekly_growth(80, seed=seed), f"team=t{seed}", kind="team") for seed in range(3)]
    return [study for one in series for study in study_series(one, [one.last_day], 30)]


def forecast_of(daily: list[float], relative: list[list[float]]) -> SeriesForecast:
    series = series_of([1.0])
    return SeriesForecast(series, "m", series.last_day, np.array(daily), np.array(relative))


def test_a_forecast_begins_on_the_day_after_its_cutoff() -> None:
    """Day 0 of every array."""
    assert forecast_of([1], [[1]]).first_day == FIRST_DAY + timedelta(days=1)


def test_totals_are_sums_along_each_path() -> None:
    """Points 10, 20, 30 and two paths: 10 x 1 + 20 x 2 + 30 x 0.5 = 65, and 10 x 0.5 + 20 x 1 + 30 x 1 = 55."""
    forecast = forecast_of([10, 20, 30], [[1, 2, 0.5], [0.5, 1, 1]])
    assert forecast.totals(0, 2).tolist() == [65, 55]
    assert forecast.totals(1, 1).tolist() == [40, 20]
    assert forecast.cumulated(0, 2).tolist() == [[10, 50, 65], [5, 25, 55]]
    assert forecast.cumulated(1, 2).tolist() == [[40, 55], [20, 50]]


def test_quantiles_of_days_are_not_those_of_the_total() -> None:
    """Two days that take turns at 0 and 2: each day is wide, their total is certain."""
    forecast = forecast_of([1, 1], [[0, 2], [2, 0]] * 50)
    assert forecast.day_quantiles([0.1, 0.9]).tolist() == [[0, 0], [2, 2]]
    assert quantiles(forecast.totals(0, 1), [0.1, 0.9]).tolist() == [2, 2]


@given(st.lists(st.floats(0, 1e6), min_size=30, max_size=30), st.integers(0, 10))
def test_quantiles_rise_with_their_level(daily: list[float], seed: int) -> None:
    """For any points: of days and of cumulated totals, and totals rise from day to day at every level."""
    relative = np.random.default_rng(seed).lognormal(0, 0.5, (40, 30))
    series = series_of([1.0])
    forecast = SeriesForecast(series, "m", series.last_day, np.array(daily), relative)
    cumulated = quantiles(forecast.cumulated(0, 29), LEVELS)
    assert (np.diff(forecast.day_quantiles(LEVELS), axis=0) >= 0).all()
    assert (np.diff(cumulated, axis=0) >= -1e-6).all()
    assert (np.diff(cumulated, axis=1) >= -1e-6).all()
    assert (forecast.day_quantiles(LEVELS) >= 0).all()


def test_every_stored_model_has_the_paths_of_the_shipped_one(studies: list[Study]) -> None:
    """Its noise is measured once; around another model's points the same relative paths lie."""
    relative = path_maker(studies, seed=1, n_paths=20).relative(studies[0])
    forecasts = forecasts_of(studies[0], relative)
    assert tuple(forecast.model_name for forecast in forecasts) == STORED_MODELS
    for forecast in forecasts:
        assert forecast.relative is relative
        assert (forecast.daily == studies[0].points[forecast.model_name]).all()
        assert forecast.cutoff == studies[0].cutoff


def test_the_median_of_totals_is_near_the_point(studies: list[Study]) -> None:
    """Of the shipped forecast of a real study, after a week and after the whole horizon."""
    maker = path_maker(studies, seed=1)
    for study in studies:
        daily = study.points[SELECTED]
        for days in (7, 30):
            totals = maker.relative(study)[:, :days] @ daily[:days]
            assert np.median(totals) == pytest.approx(daily[:days].sum(), rel=0.05)


def test_seeds_decide_the_paths_and_no_point(studies: list[Study]) -> None:
    """The same seed gives the same bytes, another seed others; points have no seed."""
    same = [path_maker(studies, seed=seed, n_paths=20).relative(studies[0]).tobytes() for seed in (1, 1, 2)]
    assert same[0] == same[1] != same[2]


def test_the_paths_of_a_series_do_not_depend_on_the_others(studies: list[Study]) -> None:
    """Each has a seed of its own. What a run shares is the calibration, and nothing else."""
    alone, together = path_maker(studies[:1], seed=1, n_paths=20), path_maker(studies, seed=1, n_paths=20)
    assert alone.factors != together.factors
    given_factors = [PathMaker(together.factors, seed=1, n_paths=20).relative(study) for study in studies]
    for study, expected in zip(studies[::-1], given_factors[::-1], strict=True):
        assert (together.relative(study) == expected).all()
    assert (given_factors[0] != given_factors[1]).any()


def test_the_calibration_of_a_run_does_not_depend_on_the_order_of_its_series(studies: list[Study]) -> None:
    """All misses are pooled."""
    assert path_maker(studies, seed=1).factors == path_maker(studies[::-1], seed=1).factors


def test_two_cutoffs_of_a_series_have_different_paths(studies: list[Study]) -> None:
    """Otherwise an unlucky draw would be repeated every day."""
    series = studies[0].series
    earlier, later = study_series(series, [series.last_day - timedelta(days=1), series.last_day], 30)
    maker = PathMaker({}, seed=1, n_paths=20)
    assert (maker.relative(earlier) != maker.relative(later)).any()
