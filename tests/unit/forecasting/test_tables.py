"""The landing contract and the forecasts agree."""

from __future__ import annotations

from decimal import Decimal

import pytest

from forecasting.tables import SCHEMAS, dollars, quantile_column
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
