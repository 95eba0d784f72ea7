"""Rolling-origin backtests in the one table shape that every forecast has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from forecasting.forecast import Forecaster, quantiles
from forecasting.models.base import ForecastModel
from forecasting.series import DailySeries

COLUMNS = [
    "series_id",
    "cutoff_date",
    "cost_date",
    "model_name",
    "actual_cost_usd",
    "forecast_cost_usd",
    "lower_cost_usd",
    "upper_cost_usd",
]


def backtest(
    series: Sequence[DailySeries],
    models: Sequence[ForecastModel],
    cutoffs: Sequence[date],
    *,
    horizon_days: int,
    seed: int,
) -> pd.DataFrame:
    """One row per series, cutoff, model and known day after the cutoff, with the 80 % interval of the day (COLUMNS).

    At each cutoff models and intervals are made from the days up to it; a series that begins later is left out there.
    Costs are floats: scores are ratios, and no money is booked from here.
    """
    forecaster = Forecaster(series, horizon_days=horizon_days, seed=seed)
    frames = []
    for cutoff in cutoffs:
        for model in models:
            for forecast in forecaster.forecast(model, cutoff):
                actual = forecast.series.actuals(forecast.first_day, horizon_days)
                days = len(actual)
                lower, upper = quantiles(forecast.paths[:, :days], (0.1, 0.9))
                frames.append(
                    pd.DataFrame(
                        {
                            "series_id": forecast.series.series_id,
                            "cutoff_date": cutoff,
                            "cost_date": pd.date_range(forecast.first_day, periods=days, freq="D").date,
                            "model_name": model.name,
                            "actual_cost_usd": actual,
                            "forecast_cost_usd": forecast.daily[:days],
                            "lower_cost_usd": np.minimum(lower, forecast.daily[:days]),
                            "upper_cost_usd": np.maximum(upper, forecast.daily[:days]),
                        }
                    )
                )
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=COLUMNS)
