"""Daily series: no gaps, exact sums, and what models see of them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import pytest

from forecasting.errors import SeriesError, SeriesGapError
from forecasting.series import series_from_frame, series_from_ledger
from tests.unit.forecasting.series_of import FIRST_DAY, series_of


def frame(costs: dict[date, object]) -> pd.DataFrame:
    return pd.DataFrame({"cost_date": list(costs), "effective_cost_usd": list(costs.values())})


def test_a_gap_names_the_first_missing_day() -> None:
    """A series with a hole is refused, with the day to backfill."""
    with pytest.raises(SeriesGapError, match="2026-01-02"):
        series_from_frame(frame({date(2026, 1, 1): 1, date(2026, 1, 4): 2}), "s")


def test_a_day_that_occurs_twice_is_refused() -> None:
    """Two rows of one day would be counted as two days."""
    twice = pd.DataFrame({"cost_date": [date(2026, 1, 1)] * 2, "effective_cost_usd": [1, 2]})
    with pytest.raises(SeriesError, match="twice"):
        series_from_frame(twice, "s")


@pytest.mark.parametrize("amount", [float("nan"), Decimal("Infinity")])
def test_an_amount_that_is_no_number_is_refused(amount: object) -> None:
    """A missing amount is not zero."""
    with pytest.raises(SeriesError, match="2026-01-01"):
        series_from_frame(frame({date(2026, 1, 1): amount}), "s")


def test_an_empty_frame_is_refused() -> None:
    """No row is no series."""
    with pytest.raises(SeriesError, match="no day"):
        series_from_frame(frame({}), "s")


def test_rows_in_any_order_and_as_timestamps_make_a_series() -> None:
    """Pandas timestamps and unsorted rows are the same series."""
    rows = pd.DataFrame({"cost_date": pd.to_datetime(["2026-01-02", "2026-01-01"]), "effective_cost_usd": [2, 1]})
    series = series_from_frame(rows, "s")
    assert (series.first_day, series.costs) == (date(2026, 1, 1), (Decimal(1), Decimal(2)))


def test_days_without_a_ledger_row_cost_nothing_after_the_first_spend() -> None:
    """The ledger has no row for an idle day; days before the first spend do not exist."""
    costs = {date(2026, 1, 1): Decimal(0), date(2026, 1, 3): Decimal(5), date(2026, 1, 9): Decimal(7)}
    series = series_from_ledger(costs, date(2026, 1, 5), "s", "team", "s")
    assert series is not None
    assert (series.first_day, series.costs) == (date(2026, 1, 3), (Decimal(5), Decimal(0), Decimal(0)))


def test_a_scope_that_spent_nothing_has_no_series() -> None:
    """All zeros is nothing to forecast."""
    assert series_from_ledger({date(2026, 1, 1): Decimal(0)}, date(2026, 1, 5), "s", "team", "s") is None


def test_totals_are_exact_and_keep_credits() -> None:
    """Decimal sums, negative days included, days outside ignored."""
    series = series_of(["0.1", "0.2", "-0.05"])
    assert series.total(FIRST_DAY - timedelta(days=9), FIRST_DAY + timedelta(days=9)) == Decimal("0.25")
    assert series.total(FIRST_DAY + timedelta(days=1), FIRST_DAY + timedelta(days=1)) == Decimal("0.2")


def test_models_see_credits_as_zero() -> None:
    """A credit is no spend that could repeat."""
    assert series_of([1, -5, 2]).training_values.tolist() == [1, 0, 2]


def test_one_absurd_day_is_capped_also_when_it_is_the_last() -> None:
    """A day priced fifty times too high does not set the level."""
    assert series_of([10, 12] * 20 + [600]).training_values[-1] == 12


def test_a_step_is_no_spike() -> None:
    """Two high days support each other."""
    assert series_of([10] * 30 + [600, 590]).training_values[-2:].tolist() == [600, 590]


def test_bursts_of_a_series_that_is_mostly_silent_stay() -> None:
    """Where most days are zero there is nothing to compare a burst with."""
    assert series_of([0] * 20 + [50] + [0] * 20).training_values.max() == 50


def test_up_to_shows_nothing_after_the_cutoff() -> None:
    """What is cut off is gone, and a later series does not exist yet."""
    series = series_of(range(10))
    known = series.up_to(FIRST_DAY + timedelta(days=3))
    assert known is not None
    assert known.costs == series.costs[:4]
    assert series.up_to(FIRST_DAY - timedelta(days=1)) is None
