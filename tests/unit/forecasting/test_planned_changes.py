"""Planned changes: ramps, the reference level of the cutoff, and lines that contradict themselves."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from forecasting.errors import PlannedChangeError
from forecasting.planned_changes import PlannedChange, check_ids

CUTOFF = date(2026, 3, 31)
TOMORROW = CUTOFF + timedelta(days=1)


def change(**values: Any) -> PlannedChange:
    """A price change from tomorrow on, unless said otherwise."""
    given = {"change_id": "c", "change_name": "a change", "change_kind": "price", "driver": "price"}
    return PlannedChange(**{**given, "start_date": TOMORROW, "factor": Decimal("0.5"), **values})


def test_a_change_counts_from_its_first_day_to_its_last() -> None:
    """Both days included, and the factor is gone on the day after."""
    promotion = change(start_date=date(2026, 4, 2), end_date=date(2026, 4, 3))
    np.testing.assert_allclose(promotion.factor_path(TOMORROW, 4, CUTOFF), [1, 0.5, 0.5, 1])


def test_a_ramp_of_three_days_is_complete_on_the_fourth() -> None:
    """Equal steps: a quarter of the effect a day."""
    launch = change(factor=None, daily_amount_usd=Decimal(40), ramp_days=3)
    np.testing.assert_allclose(launch.amount_path(TOMORROW, 5, CUTOFF), [10, 20, 30, 40, 40])


def test_a_change_that_began_before_the_cutoff_counts_for_the_days_before_it_began() -> None:
    """The last days already have the lower price; the older ones were twice as dear; the forecast is left alone."""
    cut = change(start_date=CUTOFF - timedelta(days=1))
    np.testing.assert_allclose(cut.factor_path(CUTOFF - timedelta(days=3), 4, CUTOFF), [2, 2, 1, 1])
    np.testing.assert_allclose(cut.factor_path(TOMORROW, 3, CUTOFF), [1, 1, 1])
    assert not cut.moves_after(CUTOFF, 365)


def test_only_the_rest_of_a_ramp_is_still_to_come() -> None:
    """At the cutoff half of the amount is in the history; the other half comes."""
    launch = change(factor=None, daily_amount_usd=Decimal(40), ramp_days=3, start_date=CUTOFF - timedelta(days=1))
    np.testing.assert_allclose(launch.amount_path(TOMORROW, 3, CUTOFF), [10, 20, 20])
    np.testing.assert_allclose(launch.amount_path(CUTOFF - timedelta(days=2), 3, CUTOFF), [-20, -10, 0])


def test_a_change_with_an_end_is_taken_out_of_the_history_and_stays_in_the_days_that_are_left() -> None:
    """A holiday that runs over the cutoff: quiet days before and after it, and no lower level for the year."""
    holiday = change(
        change_kind="holiday", driver="requests", start_date=CUTOFF, end_date=TOMORROW, factor=Decimal("0.3")
    )
    np.testing.assert_allclose(holiday.factor_path(CUTOFF - timedelta(days=1), 4, CUTOFF), [1, 0.3, 0.3, 1])


def test_the_last_day_of_the_calendar_is_for_ever() -> None:
    """That is how a blank end is written in tables: the change is no temporary one that history is freed of."""
    began = CUTOFF - timedelta(days=9)
    forever, blank = change(start_date=began, end_date=date.max), change(start_date=began)
    np.testing.assert_array_equal(
        forever.factor_path(CUTOFF - timedelta(days=20), 40, CUTOFF),
        blank.factor_path(CUTOFF - timedelta(days=20), 40, CUTOFF),
    )


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"factor": None}, "needs a factor or a daily amount"),
        ({"daily_amount_usd": Decimal(1)}, "needs a factor or a daily amount"),
        ({"factor": Decimal(0)}, "not above 0"),
        ({"factor": Decimal("NaN")}, "not above 0"),
        ({"driver": "volume"}, "'volume'"),
        ({"end_date": CUTOFF}, "ends before it starts"),
        ({"ramp_days": -1}, "ramp of -1"),
    ],
)
def test_a_line_that_contradicts_itself_is_refused_by_its_id(values: dict[str, Any], said: str) -> None:
    """The message names the line and what is wrong with it."""
    with pytest.raises(PlannedChangeError, match=r"change_id c") as error:
        change(**values)
    assert said in error.value.what


def test_two_changes_with_one_id_are_refused() -> None:
    """A finding must point to one line."""
    with pytest.raises(PlannedChangeError, match="same id"):
        check_ids([change(), change(change_name="another")])
