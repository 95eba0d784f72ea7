"""The models that any other must beat. They are always run, stored and scored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.models.base import RepeatedPattern
from forecasting.series import DailySeries


@dataclass(frozen=True)
class SeasonalNaive:
    """The last week again; below one week of history, the mean of its days."""

    name: str = "seasonal_naive"

    def fit(self, series: DailySeries) -> RepeatedPattern:
        values = series.training_values
        return RepeatedPattern(values[-7:] if len(values) >= 7 else np.array([values.mean()]))


@dataclass(frozen=True)
class RecentMean:
    """The mean of the last 28 days (or of those there are), every day: a run-rate that knows no trend."""

    name: str = "mean_28d"
    days: int = 28

    def fit(self, series: DailySeries) -> RepeatedPattern:
        return RepeatedPattern(np.array([series.training_values[-self.days :].mean()]))
