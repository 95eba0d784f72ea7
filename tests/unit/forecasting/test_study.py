"""One series at one cutoff: what is shipped, why, and that nothing later has a part in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting import study as study_module
from forecasting.combination import HORIZONS, Evidence
from forecasting.forecast import forecasts_of, path_maker
from forecasting.models.experts import all_points
from forecasting.series import ONE_DAY, DailySeries, FloatArray
from forecasting.study import (
    COMBINATION,
    PROPHET,
    SELECTED,
    STORED_MODELS,
    Study,
    best_variant,
    make_cutoffs,
    study_all,
    study_series,
)
from tests.unit.forecasting.series_of import FIRST_DAY, poisoned_after, series_of, weekly_growth

DAYS = 170
CUTOFF = FIRST_DAY + timedelta(days=129)
"""Three slow and seven quick cutoffs lie before it, and forty known days after it."""


def study_of(values: Sequence[float] | FloatArray, horizon_days: int = 90) -> Study:
    """The study of a series at its last day."""
    series = series_of(values)
    [study] = study_series(series, [series.last_day], horizon_days)
    return study


def outcome(study: Study) -> list[object]:
    """Everything that a study says, to the last bit."""
    return [
        (study.series, study.cutoff),
        {name: daily.tobytes() for name, daily in study.points.items()},
        (study.selection.weights, study.selection.reason, study.prophet_variant),
        (dict(study.noise.spreads), study.noise.scatter.tobytes()),
        (study.misses, study.character, study.mase_scale),
    ]


# ---------------------------------------------------------------- cutoffs


def test_cutoffs_leave_history_before_and_known_days_after() -> None:
    """Each cutoff can be fitted and scored."""
    last = FIRST_DAY + timedelta(days=199)
    cutoffs = make_cutoffs(FIRST_DAY, last, step_days=14, count=5, min_history_days=28, min_finished_days=7)
    assert len(cutoffs) == 5
    assert cutoffs == sorted(cutoffs)
    assert (last - cutoffs[-1]).days >= 7
    everything = make_cutoffs(FIRST_DAY, last, step_days=14, count=99, min_history_days=28, min_finished_days=7)
    assert (everything[0] - FIRST_DAY).days >= 27
    assert {(later - earlier).days for earlier, later in pairwise(everything)} == {14}


def test_cutoffs_do_not_move_as_days_come_in() -> None:
    """The calendar of cutoffs is fixed, and a coarse one is part of a fine one."""
    last = FIRST_DAY + timedelta(days=199)
    before = make_cutoffs(FIRST_DAY, last, step_days=28, count=99)
    after = make_cutoffs(FIRST_DAY, last + timedelta(days=1), step_days=28, count=99)
    assert set(before) <= set(after)
    assert set(before) <= set(make_cutoffs(FIRST_DAY, last, step_days=14, count=99))


def test_a_history_that_is_too_short_has_no_cutoff() -> None:
    """Nothing to go back to."""
    assert make_cutoffs(FIRST_DAY, FIRST_DAY + timedelta(days=20), step_days=14, count=5) == []


@given(
    st.dates(date(1, 1, 1), date(2100, 1, 1)),
    st.integers(0, 1000),
    st.integers(1, 60),
    st.integers(0, 20),
    st.integers(1, 60),
    st.integers(0, 60),
)
def test_cutoffs_of_any_history_keep_their_promises(
    first: date, days: int, step: int, count: int, history: int, finished: int
) -> None:
    """Ascending, a step apart, at most so many, enough days before and after, and the latest ones that there are."""
    last = first + timedelta(days=days)
    found = make_cutoffs(first, last, step_days=step, count=count, min_history_days=history, min_finished_days=finished)
    assert len(found) <= count
    assert all((later - earlier).days == step for earlier, later in pairwise(found))
    assert all((cutoff - first).days + 1 >= history and (last - cutoff).days >= finished for cutoff in found)
    room = days + 1 - history - finished
    assert len(found) >= min(count, max(room, 0) // step)


# ---------------------------------------------------------------- what is shipped


@pytest.fixture(scope="module")
def growing() -> Study:
    """A series with growth, weekends and noise at a cutoff with forty days after it."""
    series = series_of(weekly_growth(DAYS))
    [study] = study_series(series, [CUTOFF], 90)
    return study


def test_a_study_stores_the_shipped_forecast_and_those_to_compare_it_with(growing: Study) -> None:
    """Seven models, each for every day of the horizon, finite and not negative."""
    assert tuple(growing.points) == STORED_MODELS
    for daily in growing.points.values():
        assert daily.shape == (90,)
        assert np.isfinite(daily).all()
        assert (daily >= 0).all()


def test_a_study_says_how_it_came_about(growing: Study) -> None:
    """Weights that sum to one at each horizon, a reason for each, and Prophet's variant."""
    assert tuple(growing.selection.weights) == HORIZONS
    for weights in growing.selection.weights.values():
        assert sum(weights.values()) == pytest.approx(1)
    reasons = growing.selection.reason.split("; ")
    assert [reason.split(" days: ")[0] for reason in reasons] == [str(days) for days in HORIZONS]
    # Cutoffs on the calendar of 14 days with 28 days before them, and 7, 30 and 90 after them: a year borrows the last.
    assert [reason.split()[2] for reason in reasons] == ["7", "6", "1", "1"]
    assert growing.prophet_variant.startswith("prophet_")


def test_the_series_of_a_study_ends_at_its_cutoff(growing: Study) -> None:
    """It holds what was known."""
    assert growing.series.last_day == growing.cutoff == CUTOFF
    assert growing.mase_scale is not None
    assert growing.mase_scale > 0


def test_misses_are_those_of_finished_totals(growing: Study) -> None:
    """Three slow cutoffs, four weeks apart: all have a finished week, two a month at least, none a year."""
    horizons = [miss.horizon_days for miss in growing.misses]
    assert horizons.count(7) == 3
    assert horizons.count(30) in (2, 3)
    assert 365 not in horizons
    assert all(np.isfinite(miss.standardized) for miss in growing.misses)


@pytest.mark.parametrize("days", [1, 10, 28, 60, 150, 430])
@pytest.mark.parametrize("cost", [33.333333, 1_000_000.01], ids=str)
def test_a_constant_is_forecast_to_the_last_digit(cost: float, days: int) -> None:
    """For a year ahead, whatever its length; and its total is nearly certain."""
    study = study_of([cost] * days, 365)
    assert (study.points[SELECTED] == cost).all()
    if days >= 60:
        relative = path_maker([study], seed=1, n_paths=500).relative(study)
        assert np.quantile(relative.mean(axis=1), (0.1, 0.9)) == pytest.approx([1, 1], abs=0.08)


def test_a_constant_week_comes_back() -> None:
    """Weekdays at 10, weekends at nothing: to a millionth of a dollar."""
    week = [10.0, 10.5, 11.25, 10.0, 10.0, 0.0, 0.0]
    assert study_of(week * 15, 70).points[SELECTED] == pytest.approx(np.array(week * 10), abs=1e-6)


@pytest.mark.parametrize("values", [[0.0], [0.0] * 60, [-3.0] * 60, [*[50.0] * 90, *[0.0] * 28], [5.0] + [0.0] * 250])
def test_nothing_stays_nothing(values: list[float]) -> None:
    """All zeros, nothing but credits, and series that have ended: zero in every model, and on every path."""
    study = study_of(values, 365)
    assert not any(daily.any() for daily in study.points.values())
    assert (study.character.kind, study.character.confidence) == ("dead", "low")
    for forecast in forecasts_of(study, path_maker([study], seed=1, n_paths=20).relative(study)):
        assert not forecast.totals(0, 364).any()


def test_a_series_of_one_day_is_forecast_at_that_day() -> None:
    """The first day of a new customer already has a forecast, of low confidence and with a wide range."""
    study = study_of([7.5], 365)
    assert (study.points[SELECTED] == 7.5).all()
    assert (study.character.kind, study.character.confidence) == ("new", "low")
    assert study.mase_scale is None
    relative = path_maker([study], seed=1).relative(study)
    lower, upper = np.quantile(relative[:, :7].mean(axis=1), (0.1, 0.9))
    assert lower < 0.6
    assert upper > 1.6


def test_a_new_series_is_forecast_near_the_mean_of_its_days() -> None:
    """Ten days are no trend."""
    values = weekly_growth(10)
    assert study_of(values).points[SELECTED].mean() == pytest.approx(values.mean(), rel=0.15)


def test_a_lumpy_series_is_forecast_at_its_level() -> None:
    """Three bursts a week on random days: the month's total is that of the past, whenever the bursts will be."""
    rng = np.random.default_rng(2)
    values = np.round(np.where(rng.random(168) < 3 / 7, rng.lognormal(4, 0.5, 168), 0.0), 6)
    study = study_of(values)
    assert study.character.kind == "lumpy"
    assert study.points[SELECTED][:30].sum() == pytest.approx(30 * values[-84:].mean(), rel=0.25)


@pytest.mark.parametrize("after", [300.0, 40.0], ids=["up", "down"])
def test_after_a_step_the_forecast_is_at_the_new_level(after: float) -> None:
    """Ten days after it, the month ahead is within a tenth; no model that remembers the old level is believed."""
    noise = np.random.default_rng(6).normal(1, 0.05, 120)
    values = np.round(np.where(np.arange(120) < 110, 100.0, after) * noise, 6)
    study = study_of(values)
    assert study.character.kind == "stepped"
    assert study.points[SELECTED][:30].mean() == pytest.approx(after, rel=0.1)


def clean_and_dirty(dirty: Callable[[FloatArray], None]) -> tuple[float, float]:
    """30-day totals of the shipped forecast without and with a flaw in the history."""
    values = weekly_growth(130)
    clean = study_of(values).points[SELECTED][:30].sum()
    dirty(values)
    return float(clean), float(study_of(np.round(values, 6)).points[SELECTED][:30].sum())


def test_one_day_priced_fifty_times_too_high_moves_the_month_by_less_than_three_per_cent() -> None:
    """Wherever it is, the last day included."""
    for day in (-1, -2, -9, -40):

        def inflate(values: FloatArray, day: int = day) -> None:
            values[day] *= 50

        clean, dirty = clean_and_dirty(inflate)
        assert dirty == pytest.approx(clean, rel=0.03), day


def test_half_a_last_day_moves_the_month_by_less_than_three_per_cent() -> None:
    """30 % of a day are known."""

    def halve(values: FloatArray) -> None:
        values[-1] *= 0.3

    clean, dirty = clean_and_dirty(halve)
    assert dirty == pytest.approx(clean, rel=0.03)


def test_a_day_of_credits_moves_the_month_by_less_than_a_tenth() -> None:
    """It counts in the totals, and is not expected again."""

    def credit(values: FloatArray) -> None:
        values[-5] = -5000.0

    clean, dirty = clean_and_dirty(credit)
    assert dirty == pytest.approx(clean, rel=0.1)


@pytest.mark.parametrize("days", [10, 16, 29, 45, 90])
@pytest.mark.parametrize("growth", [1.05, 1.3], ids=["5 % a day", "30 % a day"])
def test_no_stored_model_explodes_over_a_year(growth: float, days: int) -> None:
    """5 % a day would be 5 x 10^7 times the spend in a year.

    What is shipped stays within half as much again as the highest day. The others are stored as they are: a straight
    line at the mean slope, with a fifth for the week, is the most that they say.
    """
    values = np.round(growth ** np.arange(days), 6)
    study = study_of(values, 365)
    highest = float(values.max())
    for name in (SELECTED, COMBINATION):
        assert study.points[name].max() <= 1.5 * highest
    straight = highest + 365 * (highest - 1) / (days - 1)
    for name, daily in study.points.items():
        assert daily.max() <= 1.2 * straight, name
    yearly = path_maker([study], seed=1, n_paths=400).relative(study) @ study.points[SELECTED]
    assert np.quantile(yearly, 0.95) <= 365 * highest * 10


# ---------------------------------------------------------------- Prophet's variant


def tried(misses: Mapping[str, float], *, horizon: int = 30) -> list[Evidence]:
    return [Evidence(horizon, 40, {name: 100 + miss for name, miss in misses.items()}, 100.0)] * 2


VARIANTS = {"prophet_flat": np.ones(1), "prophet_damped": np.ones(1), "prophet_linear": np.ones(1)}


@pytest.mark.parametrize(
    ("evidence", "chosen"),
    [
        ([], "prophet_flat"),
        (tried({"prophet_flat": 20, "prophet_damped": 19, "prophet_linear": 30}), "prophet_flat"),
        (tried({"prophet_flat": 20, "prophet_damped": 17, "prophet_linear": 30}), "prophet_damped"),
        (tried({"prophet_flat": 20, "prophet_damped": -17, "prophet_linear": 5}), "prophet_linear"),
        (tried({"prophet_flat": 20, "prophet_linear": 5}, horizon=7), "prophet_flat"),
        (
            [*tried({"prophet_flat": 20, "prophet_damped": 20, "prophet_linear": 1}), *tried({"prophet_flat": 20})],
            "prophet_flat",
        ),
    ],
    ids=[
        *("nothing finished", "hardly better", "clearly better", "the best of two"),
        *("a week shows no trend", "not tried on every cutoff"),
    ],
)
def test_another_variant_of_prophet_must_be_clearly_better_than_the_flat_one(
    evidence: list[Evidence], chosen: str
) -> None:
    """By a tenth of its error at least, over a month or more, on every finished cutoff."""
    assert best_variant(VARIANTS, evidence) == chosen


def test_prophet_is_stored_in_its_best_variant(growing: Study) -> None:
    """The stored points are those of the variant that is named."""
    models = all_points(growing.series, 90)
    assert (growing.points[PROPHET] == models[growing.prophet_variant]).all()


# ---------------------------------------------------------------- leakage


def assert_blind(series: DailySeries, other: DailySeries, cutoffs: Sequence[date]) -> None:
    """Two series that agree up to the last cutoff give the same studies, calibration and paths, to the last bit."""
    honest, blind = (study_series(one, cutoffs, 60) for one in (series, other))
    assert len(honest) == len(blind) == len(cutoffs)
    for expected, got in zip(honest, blind, strict=True):
        assert outcome(expected) == outcome(got)
        makers = [path_maker([study], seed=1, n_paths=5) for study in (expected, got)]
        assert makers[0].factors == makers[1].factors
        assert (makers[0].relative(expected) == makers[1].relative(got)).all()


@settings(max_examples=5, deadline=None)
@given(
    st.integers(1, DAYS - 130),
    st.one_of(st.integers(-(10**6), 10**9), st.just(0)),
    st.booleans(),
)
def test_nothing_after_the_cutoff_reaches_a_study(ahead: int, amount: int, is_one_day: bool) -> None:
    """Any later day, or all of them, may be anything: points, weights, reasons, spreads, misses and paths stay."""
    series = series_of(weekly_growth(DAYS))
    other = poisoned_after(series, CUTOFF + timedelta(days=ahead - 1), amount)
    if is_one_day:
        at = (CUTOFF - FIRST_DAY).days + ahead
        costs = (*series.costs[:at], other.costs[at], *series.costs[at + 1 :])
        other = DailySeries(series.series_id, series.dimension_name, series.dimension_value, FIRST_DAY, costs)
    assert_blind(series, other, [CUTOFF])


def test_nothing_after_a_cutoff_reaches_the_studies_of_a_run_with_many() -> None:
    """Later cutoffs of the same run see the poisoned days, and the earlier ones do not see them through these."""
    series = series_of(weekly_growth(DAYS))
    cutoffs = [CUTOFF - timedelta(days=40), CUTOFF]
    honest = study_series(series, [*cutoffs, series.last_day], 60)
    blind = study_series(poisoned_after(series, CUTOFF), [*cutoffs, series.last_day], 60)
    for expected, got in zip(honest[:2], blind[:2], strict=True):
        assert outcome(expected) == outcome(got)
    assert outcome(honest[2]) != outcome(blind[2])


def test_models_are_never_handed_a_later_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """The series that a model gets ends at the cutoff that it is tried on: in evidence and calibration as well."""
    handed: list[DailySeries] = []

    def remember(series: DailySeries, *rest: Any) -> dict[str, FloatArray]:
        handed.append(series)
        return all_points(series, *rest)

    monkeypatch.setattr(study_module, "all_points", remember)
    monkeypatch.setattr(study_module, "quick_points", remember)
    study_series(poisoned_after(series_of(weekly_growth(DAYS)), CUTOFF), [CUTOFF], 30)
    ends = [one.last_day for one in handed]
    assert max(ends) == CUTOFF
    assert len(ends) == len(set(ends)) == 8
    assert all(max(one.costs) < 10**9 for one in handed)


Patch = Callable[[pytest.MonkeyPatch], None]


def cut_off_a_day_too_late(patch: pytest.MonkeyPatch) -> None:
    up_to = DailySeries.up_to
    patch.setattr(DailySeries, "up_to", lambda series, cutoff: up_to(series, cutoff + ONE_DAY))


def hand_models_the_whole_series(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(study_module._Trials, "_known", lambda trials, cutoff: trials.series)


def count_unfinished_cutoffs(patch: pytest.MonkeyPatch) -> None:
    """Evidence of totals that end after the cutoff."""
    evidence = study_module._evidence

    def peeking(trials: study_module._Trials, known: DailySeries, cutoff: date) -> Sequence[Evidence]:
        later = cutoff + timedelta(days=30)
        return list(evidence(trials, trials.series.up_to(later) or known, later))

    patch.setattr(study_module, "_evidence", peeking)


def calibrate_on_unfinished_cutoffs(patch: pytest.MonkeyPatch) -> None:
    misses = study_module._misses
    patch.setattr(
        study_module,
        "_misses",
        lambda trials, known, cutoff: misses(trials, trials.series, trials.series.last_day),
    )


def a_model_that_peeks(patch: pytest.MonkeyPatch) -> None:
    whole: list[DailySeries] = []
    series_study = study_module.study_series

    def remember(series: DailySeries, cutoffs: Sequence[date], horizon_days: int) -> list[Study]:
        whole[:] = [series]
        return series_study(series, cutoffs, horizon_days)

    def peeking(series: DailySeries, horizon_days: int, holidays: object) -> dict[str, FloatArray]:
        ahead = whole[0].actuals(series.last_day + ONE_DAY, horizon_days)
        points = all_points(series, horizon_days)
        return points | {"theta": np.resize(np.maximum(ahead, 0), horizon_days)}

    patch.setattr(study_module, "all_points", peeking)
    patch.setitem(globals(), "study_series", remember)


@pytest.mark.parametrize(
    "leak",
    [
        cut_off_a_day_too_late,
        hand_models_the_whole_series,
        count_unfinished_cutoffs,
        calibrate_on_unfinished_cutoffs,
        a_model_that_peeks,
    ],
    ids=lambda leak: leak.__name__,
)
def test_the_check_would_catch_a_leak(leak: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way in which a later day could get in fails the check above."""
    series = series_of(weekly_growth(DAYS))
    leak(monkeypatch)
    with pytest.raises(AssertionError):
        assert_blind(series, poisoned_after(series, CUTOFF), [CUTOFF])


# ---------------------------------------------------------------- the same in any company


def test_a_study_does_not_depend_on_the_other_cutoffs_of_a_run(growing: Study) -> None:
    """Earlier cutoffs that fit slow models on more days, in any order: the same weights and points."""
    series = series_of(weekly_growth(DAYS))
    others = make_cutoffs(FIRST_DAY, CUTOFF, step_days=28, count=4)
    for cutoffs in ([*others, CUTOFF], [CUTOFF, *others[::-1]]):
        studies = study_series(series, cutoffs, 90)
        [same] = [study for study in studies if study.cutoff == CUTOFF]
        assert outcome(same) == outcome(growing)


def test_a_later_series_has_no_study_before_its_first_day() -> None:
    """And the studies come in the order of the series and then of the cutoffs."""
    old = series_of(weekly_growth(60), "old")
    young = series_of([5] * 20, "young", first_day=FIRST_DAY + timedelta(days=40))
    cutoffs = [FIRST_DAY + timedelta(days=39), FIRST_DAY + timedelta(days=40)]
    found = study_all([young, old], {"old": cutoffs, "young": cutoffs}, 7, workers=1)
    assert [(study.series.series_id, study.cutoff) for study in found] == [
        ("young", cutoffs[1]),
        ("old", cutoffs[0]),
        ("old", cutoffs[1]),
    ]


def test_a_series_without_cutoffs_has_no_study() -> None:
    """Nothing was asked of it."""
    assert study_all([series_of([5] * 20)], {}, 7) == []
