"""Prophet as it comes, with its own sample paths. Only ever compared with: it is what most people would try first."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from forecasting.forecast import SeriesForecast
from forecasting.models.prophet_model import quiet_prophet, too_short
from forecasting.series import DailySeries, FloatArray

NAME = "prophet_default"

_SAMPLES = 300


def default_forecast(series: DailySeries, cutoff: date, horizon_days: int, *, seed: int) -> SeriesForecast:
    """The forecast of Prophet's defaults, and its own paths; the global random state is left as it was."""
    stand_in = too_short(series)
    if stand_in is not None:
        flat = stand_in.predict(horizon_days)
        return SeriesForecast(series, NAME, cutoff, flat, np.ones((1, horizon_days)))
    history = pd.DataFrame(
        {"ds": pd.date_range(series.first_day, periods=len(series.costs), freq="D"), "y": series.training_values}
    )
    daily, paths = _fit_and_sample(history, horizon_days, seed)
    # Prophet may forecast below zero, where a multiple of the point means nothing: such days are kept apart from zero.
    points = np.maximum(daily, 1e-9 * max(float(history["y"].mean()), 1e-9))
    return SeriesForecast(series, NAME, cutoff, points, np.maximum(paths, 0.0) / points)


def _fit_and_sample(history: pd.DataFrame, horizon_days: int, seed: int) -> tuple[FloatArray, FloatArray]:
    state = np.random.get_state()
    with quiet_prophet():
        from prophet import Prophet

        np.random.seed(seed % 2**32)
        model = Prophet(uncertainty_samples=_SAMPLES)
        model.fit(history, seed=1)
        future = model.make_future_dataframe(horizon_days, include_history=False)
        daily = model.predict(future)["yhat"].to_numpy(dtype=float)
        paths = np.asarray(model.predictive_samples(future)["yhat"], dtype=np.float64).T
    np.random.set_state(state)
    return daily, paths
