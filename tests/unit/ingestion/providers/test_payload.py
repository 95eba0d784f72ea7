"""Typed reading of a payload: what is accepted, what is refused, and which path is named."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from ingestion.errors import MalformedResponseError
from ingestion.providers.payload import Node


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        (Decimal("0.8958740000000000"), "0.8958740000000000"),
        ("0.8958740000000000", "0.8958740000000000"),
        ("1.25E-3", "0.00125"),
        ("0E-18", "0.000000000000000000"),
        (7, "7"),
        ("-12.5", "-12.5"),
        (Decimal("1E+3"), "1000"),
    ],
)
def test_an_amount_is_the_same_however_it_is_written(value: object, amount: str) -> None:
    """Numbers, text and exponents give the exact decimal, negative or not."""
    assert format(Node({"x": value}).decimal("x"), "f") == amount


@pytest.mark.parametrize(
    "value", ["", "abc", "NaN", "Infinity", "1_000", " 1", "1,5", "1e-99999", "1e999", 0.5, True, [], {}, "1" * 80]
)
def test_what_is_no_exact_amount_is_refused(value: object) -> None:
    """A float has already lost digits; NaN and absurd exponents are not money."""
    with pytest.raises(MalformedResponseError, match="`x`"):
        Node({"x": value}).decimal("x")


@pytest.mark.parametrize(("value", "count"), [(5, 5), (Decimal("59200.0"), 59200), ("12", 12), (-3, -3)])
def test_a_count_may_be_written_as_a_decimal(value: object, count: int) -> None:
    """Exports of the same data show whole numbers with a fraction of zero; a sign is for the door to judge."""
    assert Node({"x": value}).integer("x") == count


@pytest.mark.parametrize("value", [Decimal("1.5"), "two", True, 2**63, 1.0])
def test_what_is_no_count_is_refused(value: object) -> None:
    """Nothing is rounded, and nothing overflows later in the lake."""
    with pytest.raises(MalformedResponseError, match="`x`"):
        Node({"x": value}).integer("x")


def test_instants_are_utc() -> None:
    """Any offset is converted."""
    node = Node({"z": "2026-11-01T00:00:00Z", "plus": "2026-11-01T02:00:00.5+02:00", "epoch": 1793491200})
    assert node.instant("z") == node.epoch_seconds("epoch") == datetime(2026, 11, 1, tzinfo=UTC)
    assert node.instant("plus") == datetime(2026, 11, 1, 0, 0, 0, 500_000, tzinfo=UTC)


@pytest.mark.parametrize("value", ["2026-11-01T00:00:00", "yesterday", 1793491200])
def test_an_instant_without_zone_is_refused(value: object) -> None:
    """A local time would put money on the wrong day."""
    with pytest.raises(MalformedResponseError, match="`x`"):
        Node({"x": value}).instant("x")


def test_milliseconds_are_not_taken_for_seconds() -> None:
    """They would land in a far century."""
    with pytest.raises(MalformedResponseError, match="Unix time in seconds"):
        Node({"x": 1793491200000}).epoch_seconds("x")


@pytest.mark.parametrize("fields", [{}, {"x": None}])
def test_a_required_field_is_missing_or_null(fields: dict[str, Any]) -> None:
    """Both are the same complaint, with the path from the top."""
    with pytest.raises(MalformedResponseError, match=r"`data\[2\]\.x` is missing or null"):
        Node(fields, "data[2]").text("x")


def test_the_content_of_a_field_is_not_repeated() -> None:
    """What a provider sends may be personal; the error names the path alone."""
    with pytest.raises(MalformedResponseError) as caught:
        Node({"x": "ann@acme.example"}).decimal("x")
    assert "acme" not in str(caught.value)


@pytest.mark.parametrize("value", [None, {}, "x", [1]])
def test_a_list_of_objects_is_required(value: object) -> None:
    """A missing list is not an empty list."""
    with pytest.raises(MalformedResponseError, match="data"):
        list(Node({"data": value}).children("data"))
