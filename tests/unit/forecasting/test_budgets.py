"""Budget periods, scopes, and the day that a budget runs out."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import pytest

from forecasting.budgets import (
    SCOPE_COLUMNS,
    Budget,
    breach_date,
    breach_probability,
    calendar_period,
    parse_scope,
    read_budgets,
)
from forecasting.errors import BudgetError, SeriesGapError

EVER = date(9999, 12, 31)


def budget(period: str = "month", start: date = date(2026, 1, 1), end: date = EVER, **scope: str) -> Budget:
    return Budget("b1", tuple(scope.items()), period, start, end)


def burn(*costs: str) -> pd.DataFrame:
    days = [date(2026, 3, 1) + timedelta(days=offset) for offset in range(len(costs))]
    return pd.DataFrame({"cost_date": days, "effective_cost_usd": [Decimal(cost) for cost in costs]})


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        ("month", date(2028, 2, 1), date(2028, 2, 29)),
        ("quarter", date(2028, 1, 1), date(2028, 3, 31)),
        ("year", date(2028, 1, 1), date(2028, 12, 31)),
    ],
)
def test_calendar_periods(period: str, start: date, end: date) -> None:
    """A leap year's February in its month, quarter and year."""
    assert calendar_period(period, date(2028, 2, 29)) == (start, end)


@pytest.mark.parametrize(
    ("period", "start_month", "start", "end"),
    [
        ("year", 4, date(2027, 4, 1), date(2028, 3, 31)),
        ("year", 2, date(2028, 2, 1), date(2029, 1, 31)),
        ("year", 12, date(2027, 12, 1), date(2028, 11, 30)),
        ("quarter", 4, date(2028, 1, 1), date(2028, 3, 31)),
        ("quarter", 2, date(2028, 2, 1), date(2028, 4, 30)),
        ("quarter", 3, date(2027, 12, 1), date(2028, 2, 29)),
        ("month", 7, date(2028, 2, 1), date(2028, 2, 29)),
    ],
)
def test_quarters_and_years_begin_with_the_fiscal_year(period: str, start_month: int, start: date, end: date) -> None:
    """February 29 in years that begin before, with and after it; months are those of the calendar."""
    assert calendar_period(period, date(2028, 2, 29), start_month) == (start, end)


def test_a_fiscal_year_is_the_period_of_its_budget() -> None:
    """Every day of it has the same one."""
    fiscal = Budget("b1", (), "year", date(2020, 1, 1), EVER, fiscal_year_start_month=10)
    assert fiscal.period_at(date(2026, 9, 30)) == (date(2025, 10, 1), date(2026, 9, 30))
    assert fiscal.period_at(date(2026, 10, 1)) == (date(2026, 10, 1), date(2027, 9, 30))


def test_december_ends_the_year() -> None:
    """The last period of a year ends with it."""
    assert calendar_period("quarter", date(2026, 12, 31)) == (date(2026, 10, 1), date(2026, 12, 31))


def test_a_period_is_cut_short_by_the_validity() -> None:
    """A budget that starts in mid-month has a short first period."""
    short = budget(start=date(2026, 3, 10), end=date(2026, 3, 20))
    assert short.period_at(date(2026, 3, 15)) == (date(2026, 3, 10), date(2026, 3, 20))
    assert short.period_at(date(2026, 3, 21)) is None


def test_a_custom_period_is_the_whole_validity() -> None:
    """From the first to the last valid day, once."""
    launch = budget("custom", date(2026, 3, 10), date(2026, 9, 1))
    assert launch.period_at(date(2026, 5, 1)) == (date(2026, 3, 10), date(2026, 9, 1))
    assert launch.periods_from(date(2026, 4, 1), 40) == [(date(2026, 3, 10), date(2026, 9, 1))]


def test_an_unknown_period_is_named_with_its_budget() -> None:
    """The message says which line to mend, and how."""
    with pytest.raises(BudgetError, match="fortnight") as error:
        budget("fortnight").period_at(date(2026, 3, 1))
    assert "b1" in error.value.where
    assert "month" in error.value.mend


def test_the_running_and_the_next_period_are_followed() -> None:
    """From a cutoff in late March, April begins within forty days and May does not."""
    assert budget().periods_from(date(2026, 3, 20), 40) == [
        (date(2026, 3, 1), date(2026, 3, 31)),
        (date(2026, 4, 1), date(2026, 4, 30)),
    ]


def test_a_budget_in_the_past_has_no_period_ahead() -> None:
    """It is history, not an error."""
    assert budget(end=date(2026, 2, 28)).periods_from(date(2026, 3, 20), 40) == []


def test_a_budget_that_begins_soon_is_followed() -> None:
    """The first period ahead counts."""
    assert budget(start=date(2026, 4, 5)).periods_from(date(2026, 3, 20), 40) == [(date(2026, 4, 5), date(2026, 4, 30))]


def test_an_endless_custom_budget_does_not_loop() -> None:
    """The last day of the calendar has no day after it."""
    assert budget("custom").periods_from(date(2026, 3, 20), 40) == [(date(2026, 1, 1), EVER)]


@pytest.mark.parametrize(
    ("scope", "series_id"),
    [
        ({}, "total"),
        ({"team": "search"}, "team=search"),
        ({"feature": "rank"}, "feature=rank"),
        ({"team": "search", "feature": "rank"}, "team_feature=search/rank"),
        ({"environment": "prod"}, "environment=prod"),
        ({"provider_name": "openai"}, "provider=openai"),
        ({"model_family": "claude"}, "model_family=claude"),
        ({"customer_segment": "enterprise"}, "customer_segment=enterprise"),
        ({"model_id": "gpt-4o"}, "budget=b1"),
        ({"customer_id": "c1"}, "budget=b1"),
        ({"team": "search", "environment": "prod"}, "budget=b1"),
        ({"team": "search", "feature": "rank", "provider_name": "openai"}, "budget=b1"),
    ],
)
def test_only_scopes_that_no_other_series_has_need_their_own(scope: dict[str, str], series_id: str) -> None:
    """Nothing, one dimension, and a team's feature are forecast anyway."""
    assert budget(**scope).series_id == series_id


def test_blank_scope_cells_mean_any() -> None:
    """Null and empty text alike."""
    assert parse_scope([None, "chat", "", *[None] * 5]) == (("feature", "chat"),)


def test_the_newest_file_of_budgets_is_read() -> None:
    """Lines of earlier files are history; before the first build there is no table and no budget."""
    with duckdb.connect() as warehouse:
        assert read_budgets(warehouse) == []
        warehouse.execute("create schema staging")
        scope = ", ".join(f"null as {name}" for name in SCOPE_COLUMNS if name != "team")
        warehouse.execute(
            f"""
            create table staging.stg_config__budgets as
            select
                budget_id, 'year' as period, date '2026-01-01' as valid_from_date, date '9999-12-31' as valid_to_date,
                4 as fiscal_year_start_month, 'search' as team, {scope}, is_current
            from (values ('b', true), ('b', false), ('gone', false)) as lines(budget_id, is_current)
            """
        )
        assert read_budgets(warehouse) == [
            Budget("b", (("team", "search"),), "year", date(2026, 1, 1), EVER, fiscal_year_start_month=4)
        ]


def test_the_breach_is_the_first_day_above_the_budget() -> None:
    """10, 20, 30.01 of 30."""
    assert breach_date(burn("10", "10", "10.01", "5"), Decimal(30)) == date(2026, 3, 3)


def test_reaching_the_budget_exactly_is_no_breach() -> None:
    """Thirty of thirty."""
    assert breach_date(burn("10", "10", "10"), Decimal(30)) is None


def test_a_burn_down_with_a_hole_is_refused() -> None:
    """A missing day could hide the breach."""
    with pytest.raises(SeriesGapError, match="2026-03-02"):
        breach_date(burn("10", "10", "10").drop(index=1), Decimal(30))


def test_the_breach_probability_is_a_share_of_paths() -> None:
    """Three of four paths spend more than the 50 that are left; exactly 50 is no breach."""
    paths = np.array([[20.0, 30.0], [30.0, 30.0], [50.0, 5.0], [0.0, 90.0]])
    assert breach_probability(Decimal(50), paths, Decimal(100)) == 0.75
