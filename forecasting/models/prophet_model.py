"""Prophet in a variant that can be defended from 30 days on.

Out of the box its last slope runs away. Here the trend is stiff (few, small bends) and its slope fades out by 3 % a day
after the cutoff, so that a year ahead stays within what was seen; the level is that of the last two weeks. Its own
intervals treat days as independent and are not used (see ``forecasting.intervals``).
"""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.models.base import FittedModel, RepeatedPattern
from forecasting.series import DailySeries, FloatArray

MIN_DAYS = 28
"""Below four weeks a weekly pattern and a trend cannot be told apart; the mean of the days stands in."""

ANCHOR_DAYS = 14
"""A stiff trend lags behind what happened lately; the forecast starts at the level of these last days."""

_YEARLY_DAYS = 730
_TREND_DAYS = 365
_CHANGEPOINTS = 20
_WEEKLY_TERMS = 6
_YEARLY_TERMS = 20


@dataclass(frozen=True)
class FittedProphet:
    """Trend and seasonal factors for the days after the cutoff, for as long as the longest horizon."""

    daily: FloatArray

    def predict(self, horizon_days: int) -> FloatArray:
        if horizon_days > len(self.daily):
            raise ValueError(f"fitted for {len(self.daily)} days ahead, asked for {horizon_days}")
        return self.daily[:horizon_days]


@dataclass(frozen=True)
class ProphetModel:
    """Prophet with a stiff, damped trend, a weekly pattern, and a yearly one from two years of history on.

    Attributes:
        changepoint_prior_scale: How easily the trend bends; Prophet's default is 0.05.
        damping: Share of the trend's slope that is left after each further day.
        max_horizon_days: How far ahead a fitted model can be asked.
    """

    name: str = "prophet"
    changepoint_prior_scale: float = 0.005
    damping: float = 0.97
    max_horizon_days: int = 365

    def fit(self, series: DailySeries) -> FittedModel:
        """Fit by maximum a posteriori; deterministic. A series silent for its last 28 days is forecast at zero."""
        values = series.training_values
        if not values[-MIN_DAYS:].any():
            return RepeatedPattern(np.zeros(1))
        if len(values) < MIN_DAYS:
            return RepeatedPattern(np.array([values.mean()]))
        has_yearly = len(values) >= _YEARLY_DAYS
        if not has_yearly:
            values = values[-_TREND_DAYS:]
        days = pd.date_range(end=pd.Timestamp(series.last_day), periods=len(values), freq="D")
        components = self._components(pd.DataFrame({"ds": days, "y": values}), has_yearly)
        return FittedProphet(np.maximum(self._damped(components, values[-ANCHOR_DAYS:]), 0.0))

    def _components(self, history: pd.DataFrame, has_yearly: bool) -> pd.DataFrame:
        """Prophet's ``trend`` and ``multiplicative_terms``, from the anchor days on."""
        # Prophet says at import that a plotting package is missing. That is no news.
        logging.getLogger("prophet.plot").setLevel(logging.CRITICAL)
        from prophet import Prophet

        with warnings.catch_warnings():
            # Prophet 1.5 still calls pandas in ways that pandas 3 deprecates.
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            model = Prophet(
                n_changepoints=_CHANGEPOINTS,
                changepoint_prior_scale=self.changepoint_prior_scale,
                weekly_seasonality=True,
                yearly_seasonality=has_yearly,
                daily_seasonality=False,
                # A weekend halves a cost, whatever its level: seasons are shares of the trend.
                seasonality_mode="multiplicative",
                uncertainty_samples=0,
            )
            # Every run of the optimizer and each retry is logged; a fit that fails in the end raises. cmdstanpy sets
            # its level when it logs first, so that only disabling silences it.
            logging.getLogger("cmdstanpy").disabled = True
            logging.getLogger("prophet").setLevel(logging.CRITICAL)
            # The prior of the bends has its peak at exactly 0, where Prophet starts: there L-BFGS (its default) fails
            # in its line search or stops early, and Newton takes ten times as long. BFGS from beside the peak works.
            # A series without any noise would otherwise be polished for seconds; real ones need a hundred steps.
            model.fit(history, seed=1, algorithm="BFGS", iter=300, init=self._start(history, has_yearly))
            start = history["ds"].iloc[-ANCHOR_DAYS]
            periods = ANCHOR_DAYS + self.max_horizon_days
            future = pd.DataFrame({"ds": pd.date_range(start, periods=periods, freq="D")})
            forecast: pd.DataFrame = model.predict(future)
        return forecast

    def _start(self, history: pd.DataFrame, has_yearly: bool) -> dict[str, object]:
        """A flat line at the mean, in Prophet's unit (shares of the highest day)."""
        return {
            "k": 0.0,
            "m": float(history["y"].mean() / history["y"].max()),
            "delta": np.full(_CHANGEPOINTS, 0.001),
            "beta": np.zeros(_WEEKLY_TERMS + (_YEARLY_TERMS if has_yearly else 0)),
            "sigma_obs": 1.0,
        }

    def _damped(self, components: pd.DataFrame, recent: FloatArray) -> FloatArray:
        """The days after the cutoff: the trend as it fades, times the seasons, at the level of the recent days."""
        trend = components["trend"].to_numpy(dtype=float)
        seasonal = 1 + components["multiplicative_terms"].to_numpy(dtype=float)
        last = ANCHOR_DAYS - 1
        fitted = float((trend * seasonal)[:ANCHOR_DAYS].sum())
        anchor = float(recent.sum()) / fitted if fitted > 0 else 1.0
        slope = trend[last + 1] - trend[last]
        faded = np.cumsum(self.damping ** np.arange(1, self.max_horizon_days + 1))
        return np.asarray(anchor * (trend[last] + slope * faded) * seasonal[ANCHOR_DAYS:], dtype=np.float64)
