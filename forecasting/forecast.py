"""Forecasts of a set of series from one cutoff: reconciled points and sample paths with honest totals."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from forecasting.intervals import Miss, calibration, correlated_paths
from forecasting.series import ONE_DAY, DailySeries, FloatArray
from forecasting.study import SELECTED, Study

TOTAL = "total"
PATHS = 1000


@dataclass(frozen=True)
class SeriesForecast:
    """Forecast of one series by one model from one cutoff on; the first day is the one after the cutoff.

    Attributes:
        daily: Points ``[horizon]``, dollars a day. They may be added up over days and series.
        paths: Sample paths ``[n_paths, horizon]``: totals over any days are read from their sums.
    """

    series: DailySeries
    model_name: str
    cutoff: date
    daily: FloatArray
    paths: FloatArray

    @property
    def first_day(self) -> date:
        return self.cutoff + ONE_DAY


@dataclass(frozen=True)
class PathMaker:
    """Draws the paths of a run: widened by what the run's finished cutoffs say, and always the same for a seed."""

    factors: Mapping[int, float]
    seed: int
    n_paths: int = PATHS

    def forecast(self, study: Study, model_name: str = SELECTED, daily: FloatArray | None = None) -> SeriesForecast:
        """Paths around the points of a model of a study, or around other points of the same series.

        The noise of every model is that of the shipped forecast: what is compared is where they put the middle.
        """
        points = study.points[model_name] if daily is None else daily
        paths = correlated_paths(points, study.noise.widened(self.factors), self.n_paths, self._seed_of(study))
        return SeriesForecast(study.series, model_name, study.cutoff, points, paths)

    def _seed_of(self, study: Study) -> list[int]:
        return [self.seed, zlib.crc32(study.series.series_id.encode()), study.cutoff.toordinal()]


def path_maker(studies: Sequence[Study], *, seed: int, n_paths: int = PATHS) -> PathMaker:
    """The path maker of a run at one cutoff, calibrated on the misses of all of its series up to that cutoff."""
    misses: list[Miss] = [miss for study in studies for miss in study.misses]
    return PathMaker(calibration(misses), seed, n_paths)


def quantiles(samples: FloatArray, levels: Sequence[float]) -> FloatArray:
    """Quantiles over the paths (first axis), one row a level."""
    return np.asarray(np.quantile(samples, levels, axis=0), dtype=np.float64)
