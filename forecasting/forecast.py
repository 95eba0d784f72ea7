"""Forecasts of a set of series from one cutoff: reconciled points and sample paths with honest totals."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from forecasting.intervals import calibration, relative_paths
from forecasting.series import ONE_DAY, DailySeries, FloatArray
from forecasting.study import SELECTED, Study

TOTAL = "total"
PATHS = 1000


@dataclass(frozen=True)
class SeriesForecast:
    """Forecast of one series by one model from one cutoff on; the first day is the one after the cutoff.

    Attributes:
        daily: Points ``[horizon]``, dollars a day. They may be added up over days and series.
        relative: Sample paths ``[n_paths, horizon]`` as multiples of the points.
    """

    series: DailySeries
    model_name: str
    cutoff: date
    daily: FloatArray
    relative: FloatArray

    @property
    def first_day(self) -> date:
        return self.cutoff + ONE_DAY

    def day_quantiles(self, levels: Sequence[float]) -> FloatArray:
        """Quantiles of each day, one row a level. They may not be added up."""
        return quantiles(self.relative, levels) * self.daily

    def totals(self, first: int, last: int) -> FloatArray:
        """The total of the days ``first`` to ``last`` (0 is the day after the cutoff, both included) on each path."""
        return np.asarray(self.relative[:, first : last + 1] @ self.daily[first : last + 1], dtype=np.float64)

    def cumulated(self, first: int, last: int) -> FloatArray:
        """Totals from day ``first`` to each of the days up to ``last``, on each path."""
        return np.cumsum(self.relative[:, first : last + 1] * self.daily[first : last + 1], axis=1)


@dataclass(frozen=True)
class PathMaker:
    """Draws the paths of a run: widened by what the run's finished cutoffs say, and always the same for a seed."""

    factors: Mapping[int, float]
    seed: int
    n_paths: int = PATHS

    def relative(self, study: Study) -> FloatArray:
        """Paths of a study as multiples of its points. The noise of every model is that of the shipped forecast."""
        noise = study.noise.widened(self.factors)
        seed = [self.seed, zlib.crc32(study.series.series_id.encode()), study.cutoff.toordinal()]
        return relative_paths(study.points[SELECTED], noise, self.n_paths, seed)


def path_maker(studies: Sequence[Study], *, seed: int, n_paths: int = PATHS) -> PathMaker:
    """The path maker of a run at one cutoff, calibrated on the misses of all of its series up to that cutoff."""
    return PathMaker(calibration([miss for study in studies for miss in study.misses]), seed, n_paths)


def forecasts_of(study: Study, relative: FloatArray) -> list[SeriesForecast]:
    """The forecast of every stored model of a study, around which the same relative paths lie."""
    return [SeriesForecast(study.series, name, study.cutoff, daily, relative) for name, daily in study.points.items()]


def quantiles(samples: FloatArray, levels: Sequence[float]) -> FloatArray:
    """Quantiles over the paths (first axis), one row a level."""
    return np.asarray(np.quantile(samples, levels, axis=0), dtype=np.float64)
