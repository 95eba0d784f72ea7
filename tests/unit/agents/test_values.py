"""Values lose nothing on their way into JSON."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.values import plain, to_json


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (2**53 - 1, 2**53 - 1),
        (2**53, "9007199254740992"),
        (-(2**100), "-1267650600228229401496703205376"),
        (0.1, 0.1),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (Decimal("12.340000000000"), "12.34"),
        (Decimal("0E-18"), "0"),
        (Decimal("-0.000000000001"), "-0.000000000001"),
        (Decimal("100"), "100"),
        (date(2026, 11, 1), "2026-11-01"),
        (time(1, 2, 3), "01:02:03"),
        (datetime(2026, 11, 1, 12, tzinfo=UTC), "2026-11-01T12:00:00Z"),
        (datetime(2026, 11, 1, 12, 0, 0, 5, tzinfo=timezone(timedelta(hours=2))), "2026-11-01T10:00:00.000005Z"),
        (datetime(2026, 11, 1, 12), "2026-11-01T12:00:00"),  # noqa: DTZ001 - a TIMESTAMP has no zone
        (timedelta(days=1, hours=2), "1 day, 2:00:00"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (b"\x00\xff", "AP8="),
        ([Decimal("1.0"), None], ["1", None]),
        ({"a": Decimal("0.5")}, {"a": "0.5"}),
        ({1: date(2026, 1, 1)}, [[1, "2026-01-01"]]),
    ],
)
def test_each_kind_of_value_has_one_form(value: Any, expected: Any) -> None:
    """Decimals and large numbers as text, instants in UTC, null as null."""
    assert to_json(value) == expected
    assert type(to_json(value)) is type(expected)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=18))
def test_a_decimal_comes_back_as_it_was(value: Decimal) -> None:
    """No digit is lost, and none is in exponent form."""
    text = plain(value)
    assert Decimal(text) == value
    assert "E" not in text


def test_an_unknown_kind_is_an_error() -> None:
    """It is not turned into text that means nothing."""
    with pytest.raises(TypeError, match="object has no JSON form"):
        to_json(object())
