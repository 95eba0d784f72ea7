"""Drivers: the identity cost = requests x tokens per request x price, of a forecast and of a change."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.drivers import (
    DriverChange,
    Intensities,
    MonthDrivers,
    WindowTotals,
    forecast_drivers,
    recent_intensities,
    top_drivers,
)

USUAL = Intensities(tokens_per_request=1500.0, usd_per_mtok=2.5)
BILLIONTH = Decimal("0.000000001")


def product(row: MonthDrivers) -> Decimal:
    """The cost that the drivers of a month make, to a billionth of a dollar."""
    assert row.forecast_requests is not None
    assert row.tokens_per_request is not None
    assert row.usd_per_mtok is not None
    with localcontext() as context:
        context.prec = 60
        cost = row.forecast_requests * row.tokens_per_request * row.usd_per_mtok / 1_000_000
        return cost.quantize(BILLIONTH)


def test_intensities_are_the_usual_ones_of_four_weeks() -> None:
    """An absurd day and older days do not move them."""
    days = 40
    requests = np.full(days, 1000.0)
    tokens = np.where(np.arange(days) < 12, 9e6, 1.5e6)
    costs = tokens * 2.5e-6
    tokens[30], costs[35] = 90e6, 999.0
    found = recent_intensities(costs, requests, tokens)
    assert found is not None
    assert (found.tokens_per_request, found.usd_per_mtok) == pytest.approx((1500, 2.5))


def test_a_series_without_tokens_has_no_intensities() -> None:
    """Seats and searches: cost, but nothing metered; and idle days say nothing."""
    assert recent_intensities(np.ones(5), np.zeros(5), np.zeros(5)) is None
    assert recent_intensities(np.zeros(0), np.zeros(0), np.zeros(0)) is None
    idle = recent_intensities(np.array([0.0, 2.5]), np.array([0.0, 1000.0]), np.array([0.0, 1e6]))
    assert idle == Intensities(1000.0, 2.5)


def test_months_are_cut_where_they_end() -> None:
    """The running month holds the days that are left of it, and costs are summed exactly."""
    daily = [Decimal("0.1")] * 33
    rows = forecast_drivers(daily, date(2026, 1, 30), USUAL)
    assert [(row.period_start_date, row.forecast_cost_usd) for row in rows] == [
        (date(2026, 1, 1), Decimal("0.2")),
        (date(2026, 2, 1), Decimal("2.8")),
        (date(2026, 3, 1), Decimal("0.3")),
    ]
    assert rows[0].forecast_requests == pytest.approx(Decimal("53.333333333333333"))


def test_a_price_cut_moves_the_price_and_leaves_requests_alone() -> None:
    """Half price from the second month on, and cost that is half as well."""
    factors = np.where(np.arange(59) < 31, 1.0, 0.5)
    daily = [Decimal(20) if factor == 1 else Decimal(10) for factor in factors]
    ones = np.ones(59)
    first, second = forecast_drivers(
        daily, date(2026, 1, 1), USUAL, {"requests": ones, "tokens_per_request": ones, "price": factors}
    )
    assert (first.usd_per_mtok, second.usd_per_mtok) == (Decimal("2.5"), Decimal("1.25"))
    assert first.tokens_per_request == second.tokens_per_request == Decimal(1500)
    assert first.forecast_requests is not None
    assert second.forecast_requests is not None
    assert float(first.forecast_requests / 31) == pytest.approx(float(second.forecast_requests / 28))


def test_without_intensities_only_the_cost_is_told() -> None:
    """Unknown drivers are null, not zero."""
    (row,) = forecast_drivers([Decimal(1)], date(2026, 1, 1), None)
    assert row == MonthDrivers(date(2026, 1, 1), None, None, None, Decimal(1))


@given(
    daily=st.lists(st.decimals("0", "1000000", places=9), min_size=1, max_size=70),
    tokens=st.floats(1e-3, 1e7),
    price=st.floats(1e-5, 1e4),
)
def test_the_identity_holds_to_a_billionth_of_a_dollar(daily: list[Decimal], tokens: float, price: float) -> None:
    """Whatever the level of the three factors."""
    for row in forecast_drivers(daily, date(2026, 1, 20), Intensities(tokens, price)):
        assert product(row) == row.forecast_cost_usd


def test_a_change_is_told_apart_by_its_drivers() -> None:
    """Twice the requests at half the price: 75 % of 150 dollars up by volume, and as much down by price."""
    before = WindowTotals(Decimal(150), 1000, 1_000_000)
    after = WindowTotals(Decimal(150), 2000, 2_000_000)
    assert {one.driver: one.change_usd for one in top_drivers(before, after)} == {
        "volume": Decimal("112.5"),
        "price": Decimal("-112.5"),
        "tokens_per_request": Decimal(0),
    }


def test_the_largest_driver_comes_first() -> None:
    """Only prompts grew."""
    (first, *rest) = top_drivers(WindowTotals(Decimal(10), 100, 1000), WindowTotals(Decimal(30), 100, 3000))
    assert first == DriverChange("tokens_per_request", Decimal(20))
    assert [one.change_usd for one in rest] == [0, 0]


def test_a_window_without_requests_is_all_volume() -> None:
    """A feature that was launched, or switched off."""
    idle, busy = WindowTotals(Decimal(0), 0, 0), WindowTotals(Decimal(7), 10, 100)
    assert top_drivers(idle, busy)[0] == DriverChange("volume", Decimal(7))
    assert top_drivers(busy, idle)[0] == DriverChange("volume", Decimal(-7))


def test_cost_without_tokens_is_other() -> None:
    """Seats do not have a price per token."""
    seats, more_seats = WindowTotals(Decimal(5), 0, 0), WindowTotals(Decimal(8), 0, 0)
    assert top_drivers(seats, more_seats) == [DriverChange("other", Decimal(3))]
    changes = {one.driver: one.change_usd for one in top_drivers(seats, WindowTotals(Decimal(15), 10, 100))}
    assert (changes["volume"], changes["other"]) == (Decimal(15), Decimal(-5))


windows = st.builds(
    WindowTotals, st.decimals("-10", "1000000", places=9), st.integers(0, 10**9), st.integers(0, 10**12)
)


@given(before=windows, after=windows)
def test_the_parts_add_up_to_the_change_exactly(before: WindowTotals, after: WindowTotals) -> None:
    """For any two windows, credits and empty ones included; and the way back is the opposite."""
    there, back = top_drivers(before, after), top_drivers(after, before)
    assert sum(one.change_usd for one in there) == after.cost_usd - before.cost_usd
    amounts = {one.driver: one.change_usd for one in back}
    for one in there:
        assert abs(one.change_usd + amounts[one.driver]) <= 4 * BILLIONTH
