"""All models of the combination on one series, each fitted once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np

from forecasting.models.baselines import RecentMean, SeasonalNaive
from forecasting.models.levels import DiscountedLevel, LastYear, RegimeMean, current_regime, knows_last_year
from forecasting.models.prophet_model import DAMPINGS, FLAT, LOGISTIC, ProphetModel, too_short
from forecasting.models.statistical import Ets, Theta
from forecasting.series import DailySeries, FloatArray

SEASONAL_NAIVE, RUN_RATE, PROPHET = "seasonal_naive", "mean_28d", "prophet"

LEVELS: tuple[RegimeMean | DiscountedLevel, ...] = (
    *(RegimeMean(f"regime_{days}d", days) for days in (14, 28, 56, 365)),
    DiscountedLevel("level_fast", 0.2),
    DiscountedLevel("level_medium", 0.1),
    DiscountedLevel("level_slow", 0.05),
)

PROPHET_VARIANTS = ("prophet_flat", "prophet_damped", "prophet_linear", "prophet_logistic")
SLOW_MODELS = ("theta", "ets", *PROPHET_VARIANTS)
"""What ``all_points`` has on top of ``quick_points``."""

_GROWTH_DAYS = 90
_GROWTH = 1.5


def quick_points(series: DailySeries, horizon_days: int) -> dict[str, FloatArray]:
    """Daily points of every model that costs next to nothing, by name."""
    regime = current_regime(series)
    points = {model.name: model.fit(series).predict(horizon_days) for model in (SeasonalNaive(), RecentMean())}
    for level in LEVELS:
        points[level.name] = level.fit_regime(regime).predict(horizon_days)
    if knows_last_year(series):
        points[LastYear().name] = LastYear().fit(series).predict(horizon_days)
    return points


def all_points(
    series: DailySeries, horizon_days: int, holidays: Mapping[str, Sequence[date]] | None = None
) -> dict[str, FloatArray]:
    """Daily points of every model, by name: those of ``quick_points``, Theta, ETS and the variants of Prophet."""
    points = quick_points(series, horizon_days)
    for model in (Theta(max_horizon_days=horizon_days), Ets(max_horizon_days=horizon_days)):
        points[model.name] = model.fit(series).predict(horizon_days)
    return points | prophet_points(series, horizon_days, holidays or {})


def prophet_points(
    series: DailySeries, horizon_days: int, holidays: Mapping[str, Sequence[date]]
) -> dict[str, FloatArray]:
    """Daily points of each variant of Prophet. The logistic one only where there is growth that could saturate."""
    stand_in = too_short(series)
    if stand_in is not None:
        return {name: stand_in.predict(horizon_days) for name in PROPHET_VARIANTS[:3]}
    parts = ProphetModel(holidays=holidays, max_horizon_days=horizon_days).fit_parts(series)
    points = {f"prophet_{variant}": parts.daily(damping) for variant, damping in DAMPINGS.items()}
    for variant in (FLAT, *([LOGISTIC] if is_growing(series) else [])):
        model = ProphetModel(variant=variant, holidays=holidays, max_horizon_days=horizon_days)
        points[f"prophet_{variant}"] = model.fit(series).predict(horizon_days)
    return points


def is_growing(series: DailySeries) -> bool:
    """Whether the last four weeks cost half as much again as those two months before."""
    values = series.training_values
    if len(values) < _GROWTH_DAYS:
        return False
    return bool(values[-28:].sum() > _GROWTH * max(values[-84:-56].sum(), 1e-12) and np.all(values[-7:].sum() > 0))
