"""Theta and exponential smoothing from ``statsforecast``, in the shape of every other model."""

from __future__ import annotations

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
        if len(values) < _MIN_DAYS or not values[-28:].any():
            return _mean(values)
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
        if len(values) < _MIN_DAYS or not values[-28:].any():
            return _mean(values)
        from statsforecast.models import AutoETS

        scale = float(values.mean())
        model = AutoETS(season_length=_SEASON_DAYS, model="ANA")
        found = model.forecast(y=np.log1p(values / scale), h=self.max_horizon_days)["mean"]
        return Path(np.maximum(np.expm1(np.asarray(found, dtype=np.float64)) * scale, 0.0))


def _mean(values: FloatArray) -> RepeatedPattern:
    """What stands in below two weeks, and for a series that has ended: its recent mean."""
    return RepeatedPattern(np.array([values[-28:].mean()]))
