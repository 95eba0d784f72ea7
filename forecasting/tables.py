"""The tables that forecasts are landed in, as the landing contract has them (a test holds the two together)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from forecasting.intervals import QUANTILES
from forecasting.series import FloatArray

FORECAST_DAYS = "forecast_days"
FORECAST_PERIODS = "forecast_periods"
FORECAST_SERIES = "forecast_series"
FORECAST_DRIVERS = "forecast_drivers"
FORECAST_NOWCASTS = "forecast_nowcasts"


def quantile_column(level: float) -> str:
    """``total_p05_usd`` for 0.05."""
    return f"total_p{round(level * 100):02d}_usd"


def _fields(texts: Iterable[str], dates: Iterable[str]) -> list[tuple[str, pa.DataType]]:
    return [(name, pa.string()) for name in texts] + [(name, pa.date32()) for name in dates]


_TYPES: dict[str, pa.DataType] = {
    **dict(
        _fields(
            (
                *("series_id", "dimension_name", "dimension_value", "period_name", "model_name", "scenario"),
                *("series_kind", "confidence", "weights_json", "selection_reason"),
            ),
            ("cutoff_date", "cost_date", "period_start_date", "period_end_date", "first_cost_date"),
        )
    ),
    "history_days": pa.int64(),
}

_SERIES = ("series_id", "dimension_name", "dimension_value", "cutoff_date")
_NULLABLE = {"mase_scale_usd", "forecast_requests", "tokens_per_request", "usd_per_mtok", "completeness_ratio"}


def _schema(names: Sequence[str]) -> pa.Schema:
    # Money travels as exact decimal text, as everywhere in the lake.
    return pa.schema([pa.field(name, _TYPES.get(name, pa.string()), nullable=name in _NULLABLE) for name in names])


SCHEMAS = {
    FORECAST_DAYS: _schema(
        (
            *_SERIES,
            "cost_date",
            "model_name",
            "scenario",
            "forecast_cost_usd",
            "lower_cost_usd",
            "upper_cost_usd",
            "p05_cost_usd",
            "p50_cost_usd",
            "p95_cost_usd",
        )
    ),
    FORECAST_PERIODS: _schema(
        (
            *_SERIES,
            "period_name",
            "period_start_date",
            "period_end_date",
            "model_name",
            "scenario",
            "actual_to_cutoff_usd",
            *(quantile_column(level) for level in QUANTILES),
        )
    ),
    FORECAST_SERIES: _schema(
        (
            *_SERIES,
            "scenario",
            "first_cost_date",
            "history_days",
            "series_kind",
            "confidence",
            "weights_json",
            "selection_reason",
            "mase_scale_usd",
        )
    ),
    FORECAST_DRIVERS: _schema(
        (
            *_SERIES,
            "scenario",
            "period_start_date",
            "forecast_requests",
            "tokens_per_request",
            "usd_per_mtok",
            "forecast_cost_usd",
        )
    ),
    FORECAST_NOWCASTS: _schema((*_SERIES, "cost_date", "known_cost_usd", "completeness_ratio", "nowcast_cost_usd")),
}


class Rows:
    """Rows of one table, gathered by column: one at a time, or whole arrays of days."""

    def __init__(self, table: str) -> None:
        self._schema = SCHEMAS[table]
        self._columns: dict[str, list[Any]] = {name: [] for name in self._schema.names}
        self._chunks: list[pa.Table] = []

    def add(self, **columns: str | int | date | Decimal | None) -> None:
        for name, values in self._columns.items():
            value = columns[name]
            values.append(format(value, "f") if isinstance(value, Decimal) else value)

    def extend(self, count: int, **columns: str | date | pa.Array) -> None:
        """``count`` rows at once: arrays of that length, and single values that all of them share."""
        arrays = [
            value
            if isinstance(value := columns[field.name], pa.Array)
            else pa.repeat(pa.scalar(value, field.type), count)
            for field in self._schema
        ]
        self._chunks.append(pa.table(arrays, schema=self._schema))

    def to_arrow(self) -> pa.Table:
        return pa.concat_tables([*self._chunks, pa.table(self._columns, schema=self._schema)]).combine_chunks()


BILLION = 1_000_000_000

IntArray = NDArray[np.int64]
"""Money as whole billionths of a dollar: sums are exact."""


def billionths(amounts: FloatArray) -> IntArray:
    """A model's floats at the border to money: to a billionth of a dollar, finer than any spend."""
    return np.rint(np.asarray(amounts, dtype=np.float64) * BILLION).astype(np.int64)


def decimal_text(amounts: IntArray) -> pa.Array:
    """Billionths of a dollar as exact decimal text with nine decimals, never with an exponent."""
    whole, fraction = np.divmod(np.abs(amounts), BILLION)
    sign = np.where(amounts < 0, "-", "")
    decimals = pc.utf8_lpad(pa.array(fraction).cast(pa.string()), width=9, padding="0")
    whole_text = pc.binary_join_element_wise(pa.array(sign), pa.array(whole).cast(pa.string()), "")
    return pc.binary_join_element_wise(whole_text, decimals, ".")


def dollars(amount: float) -> Decimal:
    """The same for a single amount."""
    return Decimal(f"{amount:.9f}")
