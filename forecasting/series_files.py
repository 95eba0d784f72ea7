"""Daily series and cutoffs from CSV and Parquet files, with every problem named by series and day."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.backtest import Origin
from forecasting.errors import SeriesError, SeriesGapError
from forecasting.series import DailySeries

SERIES_COLUMNS = ("series_id", "ds", "y")
CUTOFF_COLUMNS = ("series_id", "cutoff_date", "horizon")

MAX_HORIZON_DAYS = 730
"""Forecasts are made for a year; beyond two, no model says more than its last level."""

_SHOWN = 5
_LARGEST = 1e100
"""Beyond this squares overflow. Nobody has spent as much."""


def read_series(path: Path, *, fill_gaps: bool = False) -> list[DailySeries]:
    """Every series of a file with the columns ``series_id``, ``ds`` (a day) and ``y`` (its amount, any unit).

    Args:
        fill_gaps: Take days that are missing between the first and the last as 0, instead of refusing them.
    Raises:
        SeriesError: the file cannot be read, lacks a column, or holds something that is not a day or a number.
        SeriesGapError: a day is missing; names up to five series and days.
    """
    frame = _read(path, SERIES_COLUMNS)
    frame["ds"] = _days(path, frame, "ds")
    frame["y"] = _amounts(path, frame)
    gaps: list[str] = []
    series = []
    for series_id, rows in frame.groupby("series_id", sort=False):
        rows = rows.sort_values("ds")
        twice = rows["ds"][rows["ds"].duplicated()]
        if len(twice):
            where = f"{path}, series {series_id}, {twice.iloc[0]:%Y-%m-%d}"
            raise SeriesError("A day occurs twice", where=where, mend="Sum the rows of each day first.")
        daily = rows.set_index("ds")["y"].asfreq("D")
        gaps += [f"{series_id} on {day:%Y-%m-%d}" for day in daily.index[daily.isna()]]
        series.append(
            DailySeries(
                str(series_id),
                "series",
                str(series_id),
                daily.index[0].date(),
                tuple(Decimal(repr(float(value))) for value in daily.fillna(0.0)),
            )
        )
    if gaps and not fill_gaps:
        shown = ", ".join(gaps[:_SHOWN]) + (f" and {len(gaps) - _SHOWN} more" if len(gaps) > _SHOWN else "")
        raise SeriesGapError(
            "Days are missing from the series",
            where=f"{path}: {shown}",
            mend="Give days without spend a row with 0, or pass --fill-gaps if that is what a missing day means.",
        )
    if not series:
        raise SeriesError("The file has no row", where=str(path), mend="Give it at least one day of one series.")
    return series


def read_origins(path: Path) -> list[Origin]:
    """Every cutoff of a file with the columns ``series_id``, ``cutoff_date`` and ``horizon`` (days).

    Raises:
        SeriesError: the file cannot be read, lacks a column, or holds something that is not a day or a whole number.
    """
    frame = _read(path, CUTOFF_COLUMNS)
    days = _days(path, frame, "cutoff_date")
    horizons = pd.to_numeric(frame["horizon"], errors="coerce")
    is_unusable = ~(horizons.between(1, MAX_HORIZON_DAYS) & (horizons == horizons.round()))
    mend = f"Write whole days from 1 to {MAX_HORIZON_DAYS}."
    _refuse(path, frame, "horizon", is_unusable, "is not a horizon", mend)
    if frame.empty:
        raise SeriesError("The file has no cutoff", where=str(path), mend="Give it at least one row.")
    found = zip(frame["series_id"].astype(str), days, horizons, strict=True)
    origins = [Origin(series_id, day.date(), int(horizon)) for series_id, day, horizon in found]
    return list(dict.fromkeys(origins))


def _read(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    try:
        # A series may be called NA or 007, and 20260131 is a day.
        texts = {"series_id": str, "ds": str, "cutoff_date": str}
        is_parquet = path.suffix == ".parquet"
        frame = pd.read_parquet(path) if is_parquet else pd.read_csv(path, dtype=texts, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise SeriesError(
            f"The file cannot be read: {error}", where=str(path), mend="Give a CSV or a .parquet file."
        ) from error
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise SeriesError(
            f"The file lacks the columns {', '.join(missing)}",
            where=f"{path}: {', '.join(map(str, frame.columns))}",
            mend=f"It needs {', '.join(columns)}.",
        )
    unnamed = frame["series_id"].isna() | (frame["series_id"] == "")
    _refuse(path, frame, "series_id", unnamed, "names no series", "Give every row the name of its series.")
    return frame[list(columns)].copy()


def _days(path: Path, frame: pd.DataFrame, column: str) -> pd.Series:
    # Of 01/02/2026 nobody knows the month.
    days = pd.to_datetime(frame[column], errors="coerce", utc=True, format="ISO8601")
    days = days.dt.tz_localize(None).dt.normalize()
    _refuse(path, frame, column, days.isna(), "is not a day", "Write days as 2026-01-31.")
    return days


def _amounts(path: Path, frame: pd.DataFrame) -> pd.Series:
    amounts = pd.to_numeric(frame["y"], errors="coerce")
    _refuse(path, frame, "y", ~np.isfinite(amounts), "is not a number", "A day without spend has 0.")
    _refuse(path, frame, "y", amounts.abs() > _LARGEST, "is too large to compute with", "Give it in a larger unit.")
    return amounts


def _refuse(path: Path, frame: pd.DataFrame, column: str, bad: pd.Series, what: str, mend: str) -> None:
    for row in _first(bad):
        value = frame[column].iloc[row]
        # The header is line 1.
        where = f"{path}, line {row + 2}, series {frame['series_id'].iloc[row]}, column {column}"
        shown = repr(value) if isinstance(value, str) else str(value)
        raise SeriesError(f"{shown} {what}", where=where, mend=mend)


def _first(bad: pd.Series) -> Iterator[int]:
    yield from np.flatnonzero(bad.to_numpy())[:1].tolist()
