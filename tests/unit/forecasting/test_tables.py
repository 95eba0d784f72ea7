"""The landing contract and the forecasts agree."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.tables import (
    FORECAST_NOWCASTS,
    SCHEMAS,
    Rows,
    billionths,
    decimal_text,
    dollars,
    quantile_column,
)
from ingestion.records import STREAMS


@pytest.mark.parametrize("table", list(SCHEMAS))
def test_forecasts_have_the_columns_of_the_landing_contract(table: str) -> None:
    """Neither package imports the other, so this holds the two together."""
    assert SCHEMAS[table].equals(STREAMS[table].schema)


def test_floats_become_exact_dollars_at_the_border() -> None:
    """Rounded to a billionth."""
    assert dollars(0.1 + 0.2) == Decimal("0.3")
    assert dollars(1.23e-9) == Decimal("0.000000001")


def test_quantile_columns_sort_by_their_level() -> None:
    """Two digits each."""
    assert [quantile_column(level) for level in (0.01, 0.5, 0.99)] == [
        "total_p01_usd",
        "total_p50_usd",
        "total_p99_usd",
    ]


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0.0, "0.000000000"),
        (1.5, "1.500000000"),
        (-0.25, "-0.250000000"),
        (123_456_789.125, "123456789.125000000"),
        (0.000000007, "0.000000007"),
        (4e-10, "0.000000000"),
    ],
)
def test_billionths_are_landed_as_exact_decimal_text(amount: float, text: str) -> None:
    """Nine decimals, and no exponent however small."""
    assert decimal_text(billionths(np.array([amount]))).to_pylist() == [text]


@given(st.lists(st.floats(min_value=0, max_value=1e8), min_size=1, max_size=20))
def test_sums_of_billionths_are_the_sums_of_their_texts(amounts: list[float]) -> None:
    """For any amounts: nothing is lost between integers and decimal text."""
    whole = billionths(np.array(amounts))
    assert sum(Decimal(text) for text in decimal_text(whole).to_pylist()) == Decimal(int(whole.sum())).scaleb(-9)


def test_rows_are_gathered_one_by_one_and_by_the_array() -> None:
    """Both kinds end in one table of the contract's types: shared values repeated, money as text, unknown as null."""
    rows = Rows(FORECAST_NOWCASTS)
    identity = {"series_id": "total", "dimension_name": "total", "dimension_value": "total"}
    cutoff = date(2026, 3, 1)
    rows.add(
        **identity,
        cutoff_date=cutoff,
        cost_date=date(2026, 3, 2),
        known_cost_usd=Decimal("1E-9"),
        completeness_ratio=None,
        nowcast_cost_usd=Decimal(2),
    )
    rows.extend(
        2,
        **identity,
        cutoff_date=cutoff,
        cost_date=pa.array([date(2026, 3, 3), date(2026, 3, 4)], pa.date32()),
        known_cost_usd="0",
        completeness_ratio="0.5",
        nowcast_cost_usd=decimal_text(billionths(np.array([3.0, 4.0]))),
    )
    table = rows.to_arrow()
    assert table.schema.equals(SCHEMAS[FORECAST_NOWCASTS])
    by_day = {row["cost_date"].day: row for row in table.to_pylist()}
    assert by_day[2]["known_cost_usd"] == "0.000000001"
    assert by_day[2]["completeness_ratio"] is None
    assert [by_day[day]["nowcast_cost_usd"] for day in (2, 3, 4)] == ["2", "3.000000000", "4.000000000"]
    assert {row["cutoff_date"] for row in by_day.values()} == {cutoff}


def test_a_column_that_is_left_out_is_an_error() -> None:
    """No half rows."""
    with pytest.raises(KeyError):
        Rows(FORECAST_NOWCASTS).add(series_id="total")
