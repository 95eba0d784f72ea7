"""Forecasts of a set of series at any cutoff, with intervals learned from earlier cutoffs only."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from forecasting.intervals import (
    BacktestError,
    PathNoise,
    correlated_paths,
    measure_noise,
    pool_noise,
    shrink_noise,
)
from forecasting.models.base import ForecastModel
from forecasting.reconcile import reconcile
from forecasting.series import ONE_DAY, DailySeries, FloatArray

TOTAL = "total"
TEAM = "team"

PATHS = 400
CALIBRATION_STEP_DAYS = 14
CALIBRATION_CUTOFFS = 12
"""Half a year of backtests, every other week: older errors say little about how wrong the next months may be."""

MIN_HISTORY_DAYS = 28
MIN_FINISHED_DAYS = 7


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
class SeriesForecast:
    """Forecast of one series by one model from one cutoff on; the first day is the one after the cutoff."""

    series: DailySeries
    model_name: str
    cutoff: date
    daily: FloatArray
    paths: FloatArray

    @property
    def first_day(self) -> date:
        return self.cutoff + ONE_DAY


class Forecaster:
    """Runs models on series, each (model, series, cutoff) once, and never shows a model a day after its cutoff.

    Args:
        series: All series of the run; team series are made to add up to the series ``total``, if there is one.
        horizon_days: How far ahead every forecast goes.
        seed: The same seed and data give the same numbers, whatever else is in the run.
    """

    def __init__(self, series: Sequence[DailySeries], *, horizon_days: int, seed: int, n_paths: int = PATHS) -> None:
        self._series = {one.series_id: one for one in series}
        self._horizon_days = horizon_days
        self._seed = seed
        self._n_paths = n_paths
        self._daily: dict[tuple[str, date], dict[str, FloatArray]] = {}

    def forecast(self, model: ForecastModel, cutoff: date) -> list[SeriesForecast]:
        """Forecasts of every series that has begun by ``cutoff``, in the order given."""
        daily = self._reconciled(model, cutoff)
        noise = self._noise(model, cutoff, list(daily))
        return [
            SeriesForecast(
                self._series[series_id],
                model.name,
                cutoff,
                points,
                correlated_paths(
                    points, noise[series_id], self._n_paths, self._path_seed(series_id, model.name, cutoff)
                ),
            )
            for series_id, points in daily.items()
        ]

    def _path_seed(self, series_id: str, model_name: str, cutoff: date) -> list[int]:
        return [self._seed, zlib.crc32(series_id.encode()), zlib.crc32(model_name.encode()), cutoff.toordinal()]

    def _reconciled(self, model: ForecastModel, cutoff: date) -> dict[str, FloatArray]:
        """Daily points of every series that has begun, coherent between the total and its teams."""
        key = (model.name, cutoff)
        if key not in self._daily:
            points: dict[str, FloatArray] = {}
            for series_id, series in self._series.items():
                known = series.up_to(cutoff)
                if known is not None:
                    points[series_id] = model.fit(known).predict(self._horizon_days)
            teams = {one: points[one] for one in points if self._series[one].dimension_name == TEAM}
            if TOTAL in points:
                points[TOTAL], reconciled = reconcile(points[TOTAL], teams)
                points.update(reconciled)
            self._daily[key] = points
        return self._daily[key]

    def _noise(self, model: ForecastModel, cutoff: date, series_ids: Sequence[str]) -> dict[str, PathNoise]:
        measured = {
            series_id: measure_noise(self._finished(model, self._series[series_id], cutoff)) for series_id in series_ids
        }
        common = pool_noise(noise for noise, _ in measured.values())
        return {series_id: shrink_noise(noise, count, common) for series_id, (noise, count) in measured.items()}

    def _finished(self, model: ForecastModel, series: DailySeries, cutoff: date) -> list[BacktestError]:
        """Forecast and actual days of earlier cutoffs, as far as they were known at ``cutoff``."""
        errors = []
        for earlier in make_cutoffs(
            series.first_day, cutoff, step_days=CALIBRATION_STEP_DAYS, count=CALIBRATION_CUTOFFS
        ):
            days = min((cutoff - earlier).days, self._horizon_days)
            actual = series.actuals(earlier + ONE_DAY, days)
            errors.append(BacktestError(self._reconciled(model, earlier)[series.series_id][: len(actual)], actual))
        return errors


def quantiles(samples: FloatArray, levels: Sequence[float]) -> FloatArray:
    """Quantiles over the paths (first axis), one row a level."""
    return np.asarray(np.quantile(samples, levels, axis=0), dtype=np.float64)
