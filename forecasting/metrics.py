"""How good forecasts were. All functions take arrays of equal length; NaN (never 0) says that nothing can be said."""

from __future__ import annotations

import numpy as np

from forecasting.series import FloatArray

_ROUNDING = 1e-12
"""Relative difference that floats of the same amount may have."""


def wape(actual: FloatArray, forecast: FloatArray) -> float:
    """Sum of absolute errors ÷ sum of actuals. NaN when the actuals do not sum to more than zero."""
    total = float(np.sum(actual))
    return float(np.sum(np.abs(forecast - actual))) / total if total > 0 else float("nan")


def accuracy(actual: FloatArray, forecast: FloatArray) -> float:
    """1 - WAPE: the KPI ``forecast_accuracy``. Below zero when the errors exceed the spend."""
    return 1 - wape(actual, forecast)


def bias(actual: FloatArray, forecast: FloatArray) -> float:
    """(Sum of forecasts - sum of actuals) ÷ sum of actuals: above zero, too much was forecast."""
    total = float(np.sum(actual))
    return float(np.sum(forecast) - total) / total if total > 0 else float("nan")


def mase(actual: FloatArray, forecast: FloatArray, history: FloatArray, season_days: int = 7) -> float:
    """Mean absolute error ÷ that of "last week again" within the history. NaN for a history without such errors."""
    if len(history) <= season_days or not len(actual):
        return float("nan")
    scale = float(np.mean(np.abs(history[season_days:] - history[:-season_days])))
    return float(np.mean(np.abs(forecast - actual))) / scale if scale > 0 else float("nan")


def naive_error(history: FloatArray, season_days: int = 7) -> float | None:
    """Mean absolute error of "last week again" within the history: the scale of MASE. None below two weeks.

    Exactly 0 where it is no more than the rounding of floats: weeks that repeat have no such error.
    """
    if len(history) < 2 * season_days:
        return None
    error = float(np.mean(np.abs(history[season_days:] - history[:-season_days])))
    return error if error > _ROUNDING * float(np.mean(np.abs(history))) else 0.0


def coverage(actual: FloatArray, lower: FloatArray, upper: FloatArray) -> float:
    """Share of actuals within their interval, its ends included."""
    return float(np.mean((lower <= actual) & (actual <= upper))) if len(actual) else float("nan")


def pinball(actual: FloatArray, quantile_forecast: FloatArray, level: float) -> float:
    """Mean pinball loss of forecasts of one quantile (``level`` between 0 and 1), in the unit of the actuals."""
    error = actual - quantile_forecast
    return float(np.mean(np.maximum(level * error, (level - 1) * error))) if len(actual) else float("nan")
