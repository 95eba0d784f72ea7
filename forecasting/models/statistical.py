"""Theta and exponential smoothing from ``statsforecast``, in the shape of every other model."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from forecasting.models.base import FittedModel, Path, RepeatedPattern
from forecasting.series import DailySeries, FloatArray

_SEASON_DAYS = 7
_MIN_DAYS = 15
"""Two weeks and a day: a weekly season cannot be told from fewer."""

_TREND_DAYS = 365


@dataclass(frozen=True)
class Theta:
    """The standard Theta method with a weekly season, on the last year."""

    name: str = "theta"
    max_horizon_days: int = 365

    def fit(self, series: DailySeries) -> FittedModel:
        values = series.training_values[-_TREND_DAYS:]
        stand_in = _stand_in(values)
        if stand_in is not None:
            return stand_in
        with quiet_statsforecast():
            from statsforecast.models import Theta as StatsTheta

            found = StatsTheta(season_length=_SEASON_DAYS).forecast(y=values, h=self.max_horizon_days)["mean"]
        return Path(np.maximum(np.asarray(found, dtype=np.float64), 0.0))


@dataclass(frozen=True)
class Ets:
    """Exponential smoothing of the logarithm: level and weekly season without a trend, on the last year.

    A trend that is estimated from weeks runs away over months; the logarithm keeps one burst from becoming the level.
    """

    name: str = "ets"
    max_horizon_days: int = 365

    def fit(self, series: DailySeries) -> FittedModel:
        values = series.training_values[-_TREND_DAYS:]
        stand_in = _stand_in(values)
        if stand_in is not None:
            return stand_in
        scale = float(values.mean())
        with quiet_statsforecast():
            from statsforecast.models import AutoETS

            model = AutoETS(season_length=_SEASON_DAYS, model="ANA")
            found = model.forecast(y=np.log1p(values / scale), h=self.max_horizon_days)["mean"]
        return Path(np.maximum(np.expm1(np.asarray(found, dtype=np.float64)) * scale, 0.0))


def _stand_in(values: FloatArray) -> RepeatedPattern | None:
    """What stands in for a fit: the recent mean below two weeks and for an ended series, a constant for itself.

    A constant has no variance to divide its autocorrelation by. None where a fit is due.
    """
    if values.min() == values.max():
        return RepeatedPattern(values[-1:])
    if len(values) < _MIN_DAYS or not values[-28:].any():
        return RepeatedPattern(np.array([values[-28:].mean()]))
    return None


@contextmanager
def quiet_statsforecast() -> Iterator[None]:
    """Lets statsforecast be imported where warnings are errors."""
    with warnings.catch_warnings():
        # statsforecast 2.0 has invalid escapes in its docstrings: Python says so whenever it compiles them first.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", SyntaxWarning)
        yield
