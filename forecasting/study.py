"""All that is computed for one series at one cutoff, from the days up to that cutoff and nothing else.

Studies of different series do not depend on each other, so they run on all cores.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

from forecasting.combination import HORIZONS, Evidence, Selection, combine, prior, select
from forecasting.intervals import Miss, PathNoise, measure_noise
from forecasting.metrics import naive_error
from forecasting.models.experts import (
    PROPHET,
    PROPHET_VARIANTS,
    RUN_RATE,
    SEASONAL_NAIVE,
    SLOW_MODELS,
    all_points,
    quick_points,
)
from forecasting.series import ONE_DAY, DailySeries, FloatArray, SeriesCharacter, characterize

SELECTED, COMBINATION = "selected", "combination"
STORED_MODELS = (SELECTED, COMBINATION, PROPHET, SEASONAL_NAIVE, RUN_RATE, "theta", "ets")
"""The shipped forecast, and those that are kept beside it so that it can be compared."""

STEP_DAYS = 14
QUICK_CUTOFFS = 12
"""Half a year of cutoffs for the models that cost nothing: older errors say little about the next months."""

SLOW_CUTOFFS = 3
"""Cutoffs, four weeks apart, on which every model is tried."""

MIN_HISTORY_DAYS = 28
MIN_FINISHED_DAYS = 7

_FLAT_MARGIN = 0.9
"""Another variant of Prophet must have this share of the flat one's error at most, or flat it stays."""

Holidays = Mapping[str, Sequence[date]]


def make_cutoffs(
    first_day: date,
    last_day: date,
    *,
    step_days: int,
    count: int,
    min_history_days: int = MIN_HISTORY_DAYS,
    min_finished_days: int = MIN_FINISHED_DAYS,
) -> list[date]:
    """The latest ``count`` rolling origins between two days, ascending.

    They lie on a fixed calendar (every ``step_days`` days of the common era, so a step of 14 holds every cutoff of a
    step of 28): another day of data adds a cutoff at its time, and moves none. Each has ``min_history_days`` days up to
    and with it, and ``min_finished_days`` known days after it.
    """
    earliest = first_day + timedelta(days=min_history_days - 1)
    latest = last_day - timedelta(days=min_finished_days)
    on_grid = date.fromordinal(max(latest.toordinal() // step_days * step_days, 1))
    cutoffs: list[date] = []
    while on_grid >= earliest and len(cutoffs) < count:
        cutoffs.append(on_grid)
        on_grid -= timedelta(days=step_days)
    return cutoffs[::-1]


@dataclass(frozen=True)
class Study:
    """One series at one cutoff; arrays hold the days after the cutoff.

    Attributes:
        series: As known at the cutoff.
        points: Daily points of every stored model, dollars a day.
        noise: Errors to expect of the shipped forecast.
        misses: How far the common combination missed on finished cutoffs, as a share of what was to be expected.
        mase_scale: Mean absolute error of "last week again" within the history, dollars; None below two weeks.
    """

    series: DailySeries
    cutoff: date
    points: Mapping[str, FloatArray]
    selection: Selection
    prophet_variant: str
    noise: PathNoise
    misses: tuple[Miss, ...]
    character: SeriesCharacter
    mase_scale: float | None


@dataclass
class _Trials:
    """Models of one series at its cutoffs, each fitted once however many studies look back at it."""

    series: DailySeries
    horizon_days: int
    holidays: Holidays
    quick: dict[date, dict[str, FloatArray]] = field(default_factory=dict)
    slow: dict[date, dict[str, FloatArray]] = field(default_factory=dict)

    def quick_at(self, cutoff: date) -> dict[str, FloatArray]:
        if cutoff not in self.quick:
            # Slow models that another study happened to fit here stay out: a study is the same in any company.
            fitted = {name: daily for name, daily in self.slow.get(cutoff, {}).items() if name not in SLOW_MODELS}
            self.quick[cutoff] = fitted or quick_points(self._known(cutoff), self.horizon_days)
        return self.quick[cutoff]

    def slow_at(self, cutoff: date) -> dict[str, FloatArray]:
        if cutoff not in self.slow:
            self.slow[cutoff] = all_points(self._known(cutoff), self.horizon_days, self.holidays)
        return self.slow[cutoff]

    def _known(self, cutoff: date) -> DailySeries:
        known = self.series.up_to(cutoff)
        assert known is not None  # noqa: S101 - cutoffs are made so that the series has begun
        return known


def study_series(
    series: DailySeries, cutoffs: Sequence[date], horizon_days: int, holidays: Holidays | None = None
) -> list[Study]:
    """The studies of one series at each cutoff by which it has begun."""
    trials = _Trials(series, horizon_days, holidays or {})
    return [_study(trials, cutoff) for cutoff in cutoffs if cutoff >= series.first_day]


def _study(trials: _Trials, cutoff: date) -> Study:
    known = trials.series.up_to(cutoff)
    assert known is not None  # noqa: S101 - the caller leaves out series that begin later
    models = trials.slow_at(cutoff)
    evidence = list(_evidence(trials, known, cutoff))
    selection = select(list(models), evidence)
    variant = best_variant(models, evidence)
    points = {
        SELECTED: combine(models, selection.weights),
        COMBINATION: combine(models, prior(list(models))),
        PROPHET: models[variant],
        **{name: models[name] for name in STORED_MODELS if name in models},
    }
    values = known.training_values
    return Study(
        known,
        cutoff,
        points,
        selection,
        variant,
        measure_noise(values, _totals(models, trials.horizon_days), points[SELECTED]),
        tuple(_misses(trials, known, cutoff)),
        characterize(values),
        naive_error(values),
    )


def _slow_cutoffs(known: DailySeries) -> list[date]:
    return make_cutoffs(known.first_day, known.last_day, step_days=2 * STEP_DAYS, count=SLOW_CUTOFFS)


def _evidence(trials: _Trials, known: DailySeries, cutoff: date) -> Iterator[Evidence]:
    slow = set(_slow_cutoffs(known))
    for earlier in make_cutoffs(known.first_day, known.last_day, step_days=STEP_DAYS, count=QUICK_CUTOFFS):
        models = trials.slow_at(earlier) if earlier in slow else trials.quick_at(earlier)
        age = (cutoff - earlier).days
        for horizon in HORIZONS:
            if horizon <= min(age, trials.horizon_days):
                actual = float(known.actuals(earlier + ONE_DAY, horizon).sum())
                totals = {name: float(daily[:horizon].sum()) for name, daily in models.items()}
                yield Evidence(horizon, age, totals, actual)


def best_variant(models: Mapping[str, FloatArray], evidence: Sequence[Evidence]) -> str:
    """The variant of Prophet with the least error on finished cutoffs; the flat one unless another is clearly better.

    Totals over 30 days and longer decide, since a trend shows there.
    """
    flat, *others = PROPHET_VARIANTS
    finished = [one for one in evidence if one.horizon_days >= HORIZONS[1] and flat in one.totals]

    def error(name: str) -> float:
        misses = [abs(one.totals[name] - one.actual) / max(one.actual, 1e-9) for one in finished if name in one.totals]
        return float(np.mean(misses)) if len(misses) == len(finished) else float("inf")

    if not finished:
        return flat
    best = min((name for name in others if name in models), key=error, default=flat)
    return best if error(best) < _FLAT_MARGIN * error(flat) else flat


def _totals(models: Mapping[str, FloatArray], horizon_days: int) -> dict[int, dict[str, float]]:
    return {
        days: {name: float(daily[:days].sum()) for name, daily in models.items()}
        for days in HORIZONS
        if days <= horizon_days
    }


def _misses(trials: _Trials, known: DailySeries, cutoff: date) -> Iterator[Miss]:
    for earlier in _slow_cutoffs(known):
        models = trials.slow_at(earlier)
        daily = combine(models, prior(list(models)))
        before = known.up_to(earlier)
        assert before is not None  # noqa: S101 - cutoffs are made so that the series has begun
        spreads = measure_noise(before.training_values, _totals(models, trials.horizon_days), daily).spreads
        for horizon, spread in spreads.items():
            actual = float(known.actuals(earlier + ONE_DAY, horizon).sum())
            forecast = float(daily[:horizon].sum())
            if horizon <= (cutoff - earlier).days and actual > 0 and forecast > 0:
                yield Miss(horizon, float(np.log(actual / forecast)) / spread)


# ---------------------------------------------------------------- on all cores

_FEW_FITS = 60
"""Starting processes takes as long as this many fits."""


def study_all(
    series: Sequence[DailySeries],
    cutoffs: Mapping[str, Sequence[date]],
    horizon_days: int,
    *,
    holidays: Holidays | None = None,
    workers: int | None = None,
) -> list[Study]:
    """Studies of every series at its cutoffs (by series id), in the order of the series and then of the cutoffs.

    Args:
        workers: Processes; None: as many as there are cores, or this one for a small job.
    """
    jobs = [(one, tuple(cutoffs.get(one.series_id, ())), horizon_days, holidays or {}) for one in series]
    fits = sum((1 + SLOW_CUTOFFS) * len(days) for _, days, _, _ in jobs)
    workers = workers or (1 if fits < _FEW_FITS else os.cpu_count() or 1)
    if workers == 1:
        return [study for job in jobs for study in study_series(*job)]
    # Spawned rather than forked: DuckDB, Dagster and numeric libraries have threads that do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with one_thread_each(), ProcessPoolExecutor(workers, mp_context=context) as pool:
        found = pool.map(_study_job, jobs, chunksize=max(1, len(jobs) // (workers * 16)))
        return [study for studies in found for study in studies]


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Processes that are started meanwhile have one thread each: a core of its own is all that each of them has."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


def _study_job(job: tuple[DailySeries, Sequence[date], int, Holidays]) -> list[Study]:
    return study_series(*job)
