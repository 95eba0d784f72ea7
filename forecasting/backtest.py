"""Rolling-origin backtests: the very models that are shipped, on any daily series, as if each cutoff were today."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from forecasting.errors import SeriesError
from forecasting.forecast import SeriesForecast, forecasts_of, path_maker
from forecasting.models.prophet_default import default_forecast
from forecasting.series import DailySeries, FloatArray
from forecasting.study import MIN_HISTORY_DAYS, study_all

TOTAL_HORIZONS = (7, 30, 90)
DAY_LEVELS = (0.025, 0.1, 0.9, 0.975)
TOTAL_LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)

PREDICTION_COLUMNS = [
    *("series_id", "cutoff_date", "ds", "model_name", "actual", "forecast"),
    *("lower_80", "upper_80", "lower_95", "upper_95"),
]
TOTAL_COLUMNS = [
    *("series_id", "cutoff_date", "horizon", "model_name", "actual_total", "forecast_total"),
    *(f"q{level}" for level in TOTAL_LEVELS),
]


@dataclass(frozen=True)
class Origin:
    """A cutoff of one series, and how many days are forecast from it."""

    series_id: str
    cutoff: date
    horizon_days: int


def rolling_origins(series: Sequence[DailySeries], *, count: int, horizon_days: int) -> list[Origin]:
    """Up to ``count`` cutoffs of each series, the last of which has ``horizon_days`` known days after it.

    They lie a horizon apart, or closer where the history is short, and have four weeks of history at least. A series
    that is too short for that is forecast as far as it goes from one cutoff, after four weeks or in its middle; below
    five weeks there is nothing to score.
    """
    origins = []
    for one in series:
        days = len(one.costs)
        horizon = min(horizon_days, max(days - MIN_HISTORY_DAYS, days // 2))
        if days < MIN_HISTORY_DAYS + 7:
            continue
        room = max(days - horizon - MIN_HISTORY_DAYS, 0)
        step = max(min(horizon, room // max(count - 1, 1)), 1)
        for back in range(min(count, room // step + 1)):
            cutoff = one.last_day - timedelta(days=horizon + back * step)
            origins.append(Origin(one.series_id, cutoff, horizon))
    return sorted(origins, key=lambda origin: (origin.series_id, origin.cutoff))


@dataclass(frozen=True)
class Backtest:
    """Tidy predictions of days (PREDICTION_COLUMNS) and of totals (TOTAL_COLUMNS), of every model at every origin.

    Amounts are floats in the unit of the series: scores are ratios, and no money is booked from here. A day that is not
    known yet has no actual (NaN), and neither has a total with such a day. ``scales`` holds by series and cutoff the
    mean absolute error of "last week again" within the history, for MASE.
    """

    predictions: pd.DataFrame
    totals: pd.DataFrame
    scales: Mapping[tuple[str, date], float | None]


def run_backtest(
    series: Sequence[DailySeries],
    origins: Sequence[Origin],
    *,
    seed: int,
    with_default_prophet: bool = False,
    workers: int | None = None,
) -> Backtest:
    """Forecast every series from every origin. Nothing after a cutoff reaches a model, a weight or an interval.

    Args:
        with_default_prophet: Also run Prophet as it comes, with its own intervals, for comparison.
    Raises:
        SeriesError: an origin names a series that is not there, or lies before its first day; says which.
    """
    by_id = {one.series_id: one for one in series}
    _check(by_id, origins)
    cutoffs: dict[str, list[date]] = {one.series_id: [] for one in series}
    for origin in origins:
        cutoffs[origin.series_id].append(origin.cutoff)
    horizon = max((origin.horizon_days for origin in origins), default=1)
    # Every day is within 90 when it is chosen what a study looks at, so the shortest horizon of a run is that.
    studies = study_all(list(by_id.values()), cutoffs, max(horizon, TOTAL_HORIZONS[-1]), workers=workers)
    found = {(study.series.series_id, study.cutoff): study for study in studies}
    makers = {
        day: path_maker([study for study in studies if study.cutoff == day], seed=seed)
        for day in {origin.cutoff for origin in origins}
    }
    days: list[pd.DataFrame] = []
    totals: list[list[object]] = []
    for origin in origins:
        study = found[origin.series_id, origin.cutoff]
        forecasts = forecasts_of(study, makers[origin.cutoff].relative(study))
        if with_default_prophet:
            forecasts.append(default_forecast(study.series, origin.cutoff, origin.horizon_days, seed=seed))
        actual = _actual(by_id[origin.series_id], origin)
        for forecast in forecasts:
            days.append(_day_rows(forecast, origin, actual))
            totals.extend(_total_rows(forecast, origin, actual))
    return Backtest(
        pd.concat(days, ignore_index=True) if days else pd.DataFrame(columns=PREDICTION_COLUMNS),
        pd.DataFrame(totals, columns=TOTAL_COLUMNS),
        {key: study.mase_scale for key, study in found.items()},
    )


def _check(series: Mapping[str, DailySeries], origins: Sequence[Origin]) -> None:
    for origin in origins:
        where = f"series {origin.series_id}, cutoff {origin.cutoff}"
        if origin.series_id not in series:
            raise SeriesError(
                "A cutoff names a series that is not in the file", where=where, mend="Check its series_id."
            )
        one = series[origin.series_id]
        if not one.first_day <= origin.cutoff <= one.last_day:
            raise SeriesError(
                f"A cutoff lies outside its series, which runs from {one.first_day} to {one.last_day}",
                where=where,
                mend="A cutoff is the last day that the models may see.",
            )
        if origin.horizon_days < 1:
            raise SeriesError("A horizon is below one day", where=where, mend="Write the days to forecast, such as 90.")


def _actual(series: DailySeries, origin: Origin) -> FloatArray:
    known = series.actuals(origin.cutoff + timedelta(days=1), origin.horizon_days)
    return np.concatenate((known, np.full(origin.horizon_days - len(known), np.nan)))


def _day_rows(forecast: SeriesForecast, origin: Origin, actual: FloatArray) -> pd.DataFrame:
    horizon = origin.horizon_days
    bounds = forecast.day_quantiles(DAY_LEVELS)[:, :horizon]
    point = forecast.daily[:horizon]
    return pd.DataFrame(
        {
            "series_id": origin.series_id,
            "cutoff_date": origin.cutoff,
            "ds": [origin.cutoff + timedelta(days=day) for day in range(1, horizon + 1)],
            "model_name": forecast.model_name,
            "actual": actual,
            "forecast": point,
            "lower_80": np.minimum(bounds[1], point),
            "upper_80": np.maximum(bounds[2], point),
            "lower_95": np.minimum(bounds[0], point),
            "upper_95": np.maximum(bounds[3], point),
        }
    )


def _total_rows(forecast: SeriesForecast, origin: Origin, actual: FloatArray) -> Iterator[list[object]]:
    horizon = origin.horizon_days
    for days in sorted({*(days for days in TOTAL_HORIZONS if days <= horizon), horizon}):
        levels = np.quantile(forecast.totals(0, days - 1), TOTAL_LEVELS).tolist()
        yield [
            *(origin.series_id, origin.cutoff, days, forecast.model_name),
            *(float(actual[:days].sum()), float(forecast.daily[:days].sum()), *levels),
        ]
