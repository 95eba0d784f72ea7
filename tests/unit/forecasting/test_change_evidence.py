"""Changes that did not come: they are found, and what cannot be judged is believed."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from forecasting.change_evidence import unseen_changes
from tests.unit.forecasting.test_planned_changes import CUTOFF, change

DIMENSIONS = ("team", "feature")
START = CUTOFF - timedelta(days=9)


def rows(before: float, after: float, *, days: int = 28) -> list[tuple[tuple[str, ...], date, float]]:
    """Costs of chat that step on the start day, beside a steady feature."""
    return [
        row
        for ago in range(days)
        for row in (
            (("support", "chat"), CUTOFF - timedelta(days=ago), after if ago <= 9 else before),
            (("search", "rag"), CUTOFF - timedelta(days=ago), 1000.0),
        )
    ]


def launch(**values: Any) -> Any:
    """Forty dollars a day for chat, ten days ago."""
    given = {"change_kind": "launch", "factor": None, "daily_amount_usd": Decimal(40), "feature": "chat"}
    return change(**{**given, "start_date": START, **values})


def test_a_launch_that_slipped_is_found_with_what_was_seen_instead() -> None:
    """Three dollars came where forty were planned."""
    (finding,) = unseen_changes(rows(100, 103), DIMENSIONS, [launch(change_id="slip")], CUTOFF)
    assert finding.change_id == "slip"
    assert "moved by +3.00 dollars a day instead of +40.00" in finding.message


@pytest.mark.parametrize(
    ("values", "before", "after"),
    [
        ({}, 100, 130),  # most of it came
        ({"daily_amount_usd": Decimal(10)}, 100, 100),  # too small to tell
        ({"start_date": CUTOFF - timedelta(days=3)}, 100, 100),  # too young
        ({"ramp_days": 5}, 100, 100),  # a week after its ramp is not over yet
        ({"start_date": CUTOFF - timedelta(days=90)}, 100, 100),  # before the rows
        ({"end_date": CUTOFF}, 100, 100),  # temporary
        ({"start_date": CUTOFF + timedelta(days=1)}, 100, 100),  # to come
    ],
)
def test_what_came_or_cannot_be_judged_is_believed(values: dict[str, Any], before: float, after: float) -> None:
    """No finding without evidence."""
    assert unseen_changes(rows(before, after), DIMENSIONS, [launch(**values)], CUTOFF) == []


def test_a_migration_that_stopped_is_found_and_a_price_is_believed() -> None:
    """A third of the cost was planned; it stayed at nine tenths. A price cut is a contract."""
    factor = {"factor": Decimal("0.3"), "daily_amount_usd": None}
    assert unseen_changes(
        rows(100, 90), DIMENSIONS, [launch(change_kind="migration", driver="price", **factor)], CUTOFF
    )
    assert not unseen_changes(rows(100, 90), DIMENSIONS, [launch(change_kind="price", **factor)], CUTOFF)


def test_the_launch_of_a_new_feature_is_seen_by_its_own_cost() -> None:
    """Nothing was spent there before; without any cost after it the launch is found as well."""
    found = unseen_changes(rows(100, 100), DIMENSIONS, [launch(feature="agents")], CUTOFF)
    assert [one.change_id for one in found] == ["c"]
    assert unseen_changes([], DIMENSIONS, [launch()], CUTOFF) == []
