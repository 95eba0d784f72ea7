"""The one fit-and-predict shape of every model.

A model gives daily points. Sample paths are put around them afterwards (``forecasting.intervals``), because how wrong a
model is must be learned from its finished forecasts, which no model knows about itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from forecasting.series import DailySeries, FloatArray


class FittedModel(Protocol):
    """A model that has seen its series."""

    def predict(self, horizon_days: int) -> FloatArray:
        """Cost of each of the ``horizon_days`` days after the last day seen, dollars, >= 0.

        These are points on the middle path: unlike quantiles of days, they may be added up.
        """
        ...


class ForecastModel(Protocol):
    """A way to forecast, named as in ``model_name``."""

    @property
    def name(self) -> str: ...

    def fit(self, series: DailySeries) -> FittedModel:
        """Learn from every day of ``series``, which must end at the cutoff. Any length from one day on will do."""
        ...


@dataclass(frozen=True)
class RepeatedPattern:
    """A fitted model whose future is one pattern of days again and again."""

    pattern: FloatArray

    def predict(self, horizon_days: int) -> FloatArray:
        return np.resize(self.pattern, horizon_days)


@dataclass(frozen=True)
class Path:
    """A fitted model whose days after the cutoff have been computed, for as long as its longest horizon."""

    daily: FloatArray

    def predict(self, horizon_days: int) -> FloatArray:
        if horizon_days > len(self.daily):
            raise ValueError(f"fitted for {len(self.daily)} days ahead, asked for {horizon_days}")
        return self.daily[:horizon_days]
