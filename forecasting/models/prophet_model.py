"""Prophet, in the variants that can be defended from 30 days on.

Out of the box its last slope runs away. Here the trend is stiff (few, small bends), and one fit gives two variants:
``linear`` lets the last slope go on, ``damped`` lets it fade out by 3 % a day; their level is that of the last two
weeks. ``logistic`` saturates at a cap; ``flat`` has no trend at all, its level is that of the whole history. Prophet's
own intervals treat days as independent and are not used (see ``forecasting.intervals``).
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import numpy as np
import pandas as pd

from forecasting.models.base import FittedModel, Path, RepeatedPattern
from forecasting.series import DailySeries, FloatArray

MIN_DAYS = 28
"""Below four weeks a weekly pattern and a trend cannot be told apart; the mean of the days stands in."""

ANCHOR_DAYS = 14
"""A stiff trend lags behind what happened lately; the forecast starts at the level of these last days."""

DAMPINGS: Mapping[str, float] = {"linear": 1.0, "damped": 0.97}
"""Share of the trend's slope that is left after each further day, of the variants that share one fit."""

LOGISTIC, FLAT = "logistic", "flat"
_GROWTH: Mapping[str, Literal["logistic", "flat"]] = {LOGISTIC: "logistic", FLAT: "flat"}

_YEARLY_DAYS = 730
_FLAT_YEARLY_DAYS = 500
"""Without a trend to be confused with, a year and a half shows the shape of the year."""

_TREND_DAYS = 365
_CHANGEPOINTS = 20
_WEEKLY_TERMS = 6
_YEARLY_TERMS = 20


@dataclass(frozen=True)
class ProphetFit:
    """Trend and seasons of one fit, from the anchor days on.

    Attributes:
        trend: Trend of the anchor days and of the days after the cutoff, dollars a day.
        seasonal: Factor of the seasons and holidays on the same days.
        recent: What the anchor days really cost.
    """

    trend: FloatArray
    seasonal: FloatArray
    recent: FloatArray

    def daily(self, damping: float | None, *, is_anchored: bool = True) -> FloatArray:
        """Days after the cutoff, >= 0: the trend with its slope fading, or as fitted (None), times the seasons."""
        last = len(self.recent) - 1
        fitted = float((self.trend * self.seasonal)[: last + 1].sum())
        anchor = float(self.recent.sum()) / fitted if is_anchored and fitted > 0 else 1.0
        ahead = self.trend[last + 1 :]
        if damping is not None:
            slope = self.trend[last + 1] - self.trend[last]
            ahead = self.trend[last] + slope * np.cumsum(damping ** np.arange(1, len(ahead) + 1))
        return np.asarray(np.maximum(anchor * ahead * self.seasonal[last + 1 :], 0.0), dtype=np.float64)


@dataclass(frozen=True)
class ProphetModel:
    """Prophet with a stiff trend, a weekly pattern, and a yearly one from two years of history on.

    Attributes:
        variant: ``linear``, ``damped``, ``flat`` or ``logistic``.
        changepoint_prior_scale: How easily the trend bends; Prophet's default is 0.05.
        cap_ratio: Of the logistic variant: the cap, as a multiple of the highest four weeks seen.
        holidays: Days that are unlike their weekday, by name; the past ones teach, the future ones are forecast.
        max_horizon_days: How far ahead a fitted model can be asked.
    """

    name: str = "prophet"
    variant: str = "damped"
    changepoint_prior_scale: float = 0.005
    cap_ratio: float = 2.0
    holidays: Mapping[str, Sequence[date]] = field(default_factory=dict)
    max_horizon_days: int = 365

    def fit(self, series: DailySeries) -> FittedModel:
        """Fit by maximum a posteriori; deterministic. A series silent for its last 28 days is forecast at zero."""
        stand_in = too_short(series)
        if stand_in is not None:
            return stand_in
        return Path(self.fit_parts(series).daily(DAMPINGS.get(self.variant), is_anchored=self.variant != FLAT))

    def fit_parts(self, series: DailySeries) -> ProphetFit:
        """One fit, of which every damped variant can be read. The series must not be ``too_short``."""
        values = series.training_values
        has_yearly = len(values) >= (_FLAT_YEARLY_DAYS if self.variant == FLAT else _YEARLY_DAYS)
        values = values[-_YEARLY_DAYS if has_yearly and self.variant == FLAT else 0 if has_yearly else -_TREND_DAYS :]
        days = pd.date_range(end=pd.Timestamp(series.last_day), periods=len(values), freq="D")
        trend, terms = self._components(pd.DataFrame({"ds": days, "y": values}), has_yearly)
        return ProphetFit(trend, 1 + terms, values[-ANCHOR_DAYS:])

    def _components(self, history: pd.DataFrame, has_yearly: bool) -> tuple[FloatArray, FloatArray]:
        """Prophet's ``trend`` and ``multiplicative_terms``, from the anchor days on."""
        with quiet_prophet():
            from prophet import Prophet

            model = Prophet(
                growth=_GROWTH.get(self.variant, "linear"),
                n_changepoints=_CHANGEPOINTS,
                changepoint_prior_scale=self.changepoint_prior_scale,
                weekly_seasonality=True,
                yearly_seasonality=has_yearly,
                daily_seasonality=False,
                # A weekend halves a cost, whatever its level: seasons are shares of the trend.
                seasonality_mode="multiplicative",
                holidays=self._holiday_frame(),
                uncertainty_samples=0,
            )
            history = self._with_cap(history, history)
            model.fit(history, seed=1, **self._optimizer(history, has_yearly))
            start = history["ds"].iloc[-ANCHOR_DAYS]
            periods = ANCHOR_DAYS + self.max_horizon_days
            future = pd.DataFrame({"ds": pd.date_range(start, periods=periods, freq="D")})
            future = self._with_cap(future, history)
            if self.holidays:
                found = model.predict(future)
                return found["trend"].to_numpy(dtype=float), found["multiplicative_terms"].to_numpy(dtype=float)
            # The same without what ``predict`` prepares for samples, which takes as long as the fit.
            trend = model.predict_trend(model.setup_dataframe(future))
            return np.asarray(trend, dtype=np.float64), _seasonal_terms(model, future["ds"])

    def _with_cap(self, frame: pd.DataFrame, history: pd.DataFrame) -> pd.DataFrame:
        if self.variant != LOGISTIC:
            return frame
        weeks = history["y"].rolling(28, min_periods=7).mean()
        return frame.assign(cap=self.cap_ratio * float(weeks.max()))

    def _holiday_frame(self) -> pd.DataFrame | None:
        rows = [(name, pd.Timestamp(day)) for name, days in self.holidays.items() for day in days]
        return pd.DataFrame(rows, columns=["holiday", "ds"]) if rows else None

    def _optimizer(self, history: pd.DataFrame, has_yearly: bool) -> dict[str, Any]:
        """How to search, and from where.

        The prior of the bends has its peak at exactly 0, where Prophet starts: there L-BFGS (its default) fails in its
        line search or stops early, and Newton takes ten times as long. BFGS from beside the peak works. A series
        without any noise would otherwise be polished for seconds; real ones need a hundred steps. The other trends and
        holidays keep Prophet's own start.
        """
        if self.variant in (LOGISTIC, FLAT) or self.holidays:
            return {"algorithm": "BFGS", "iter": 300}
        start = {
            # A flat line at the mean, in Prophet's unit (shares of the highest day).
            "k": 0.0,
            "m": float(history["y"].mean() / history["y"].max()),
            "delta": np.full(_CHANGEPOINTS, 0.001),
            "beta": np.zeros(_WEEKLY_TERMS + (_YEARLY_TERMS if has_yearly else 0)),
            "sigma_obs": 1.0,
        }
        return {"algorithm": "BFGS", "iter": 300, "init": start}


def _seasonal_terms(model: Any, days: pd.Series) -> FloatArray:
    """Sum of the fitted seasons on these days, of a model without holidays."""
    features = [
        model.fourier_series(days, season["period"], season["fourier_order"]) for season in model.seasonalities.values()
    ]
    return np.asarray(np.hstack(features) @ model.params["beta"].mean(axis=0), dtype=np.float64)


@contextmanager
def quiet_prophet() -> Iterator[None]:
    """Lets Prophet work without its remarks; a fit that fails in the end raises all the same."""
    # At import it says that a plotting package is missing, and its optimizer logs every run and each retry. cmdstanpy
    # sets its level when it logs first, so that only disabling silences it.
    logging.getLogger("prophet.plot").setLevel(logging.CRITICAL)
    import prophet  # noqa: F401 - sets its own level when it is imported, so it must come first

    logging.getLogger("prophet").setLevel(logging.CRITICAL)
    logging.getLogger("cmdstanpy").disabled = True
    with warnings.catch_warnings():
        # Prophet 1.5 still calls pandas in ways that pandas 3 deprecates.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        yield


def too_short(series: DailySeries) -> RepeatedPattern | None:
    """What stands in for a fit: zero for an ended series, the mean below four weeks; None where a fit is due."""
    values = series.training_values
    if not values[-MIN_DAYS:].any():
        return RepeatedPattern(np.zeros(1))
    if len(values) < MIN_DAYS:
        return RepeatedPattern(np.array([values.mean()]))
    return None
