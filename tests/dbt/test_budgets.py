"""Budgets and forecasts from lake to marts: what each file of budgets decides, and what a forecast makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.lake import Lake
from ingestion.records import (
    STREAMS,
    ConfigBudget,
    ConfigCustomer,
    ForecastDay,
    ForecastDriver,
    ForecastNowcast,
    ForecastPeriod,
    ForecastSeries,
    to_arrow,
)
from tests.dbt import company
from tests.dbt.conftest import Project, new_project

pytestmark = pytest.mark.integration

MONTH_END = date(2026, 11, 30)


def budget(budget_id: str, amount: str, **cells: Any) -> Any:
    usual: dict[str, Any] = {
        "budget_name": budget_id,
        "budget_kind": "budget",
        "period": "month",
        "fiscal_year_start_month": 1,
        "currency": "USD",
        "is_hard_cap": False,
        "alert_probability": Decimal("0.85"),
        **company.ALWAYS,
    }
    return company.record(ConfigBudget, **{**usual, "budget_id": budget_id, "amount": Decimal(amount), **cells})


def files_of_budgets() -> Iterator[tuple[datetime, list[Any]]]:
    """The file as it was on four days. The ledger has two days: November 1, and 2, which still runs."""
    one_day = {"period": "custom", "valid_from_date": company.SETTLED, "valid_to_date": company.SETTLED}
    last_day = one_day | {"valid_to_date": company.UNSETTLED}
    yield (
        company.at(date(2026, 10, 20), 6),
        [budget("day", "1", **one_day), budget("two-days", "1", **last_day), budget("org", "10")],
    )
    yield company.at(company.SETTLED, 6), [budget("day", "2", **one_day, thresholds="0.5"), budget("org", "20")]
    # Everything was deleted for a day, and came back with other amounts.
    yield company.at(company.UNSETTLED, 6), []
    yield (
        company.at(date(2026, 11, 3), 6),
        [
            budget("day", "3", **one_day),
            budget("two-days", "3", **last_day),
            budget("org", "30"),
            budget("search", "25", parent_budget_id="org", team="search"),
            budget("support", "15", parent_budget_id="org", team="support"),
            budget("customer", "5", customer_id="c1"),
            budget("segment", "5", customer_segment="enterprise"),
            budget("committed", "40", budget_kind="commitment", provider_name="openai"),
            budget("nobody", "5", team="nobody"),
            budget("fiscal", "100", period="year", fiscal_year_start_month=10),
        ],
    )


def forecasts() -> dict[str, list[Any]]:
    """From the settled day on: 12 dollars a day, give or take, in base; twice that in another scenario."""
    series = {"series_id": "total", "dimension_name": "total", "dimension_value": "total"}
    known = series | {"cutoff_date": company.SETTLED}
    made = known | {"model_name": "selected"}
    levels = {"01": 8, "05": 9, "10": 10, "25": 11, "50": 12, "75": 13, "90": 14, "95": 15, "99": 16}
    last = (MONTH_END - company.SETTLED).days
    days, periods = [], []
    for scenario, factor in (("base", 1), ("accelerated", 2)):
        for ahead in range(1, last + 1):
            day = company.SETTLED + timedelta(days=ahead)
            quantiles = {
                "p05_cost_usd": 9,
                "lower_cost_usd": 10,
                "forecast_cost_usd": 12,
                "p50_cost_usd": 12,
                "upper_cost_usd": 14,
                "p95_cost_usd": 15,
            }
            costs = {name: Decimal(cost * factor) for name, cost in quantiles.items()}
            days.append(company.record(ForecastDay, **made, scenario=scenario, cost_date=day, **costs))
            totals = {f"total_p{level}_usd": Decimal(cost * factor * ahead) for level, cost in levels.items()}
            for name in ("to_date", *(["month"] if day == MONTH_END else [])):
                span = {"period_name": name, "period_start_date": company.SETTLED, "period_end_date": day}
                periods.append(
                    company.record(
                        ForecastPeriod, **made, **span, scenario=scenario, actual_to_cutoff_usd=Decimal(3), **totals
                    )
                )
    kind = {"series_kind": "new", "confidence": "low", "weights_json": "{}", "selection_reason": "one day is known"}
    return {
        "forecast_days": days,
        "forecast_periods": periods,
        "forecast_series": [
            company.record(
                ForecastSeries, **known, **kind, scenario="base", first_cost_date=company.SETTLED, history_days=1
            )
        ],
        "forecast_drivers": [
            company.record(
                ForecastDriver,
                **known,
                scenario="base",
                period_start_date=date(2026, 11, 1),
                forecast_requests=Decimal("100.4"),
                tokens_per_request=Decimal(1000),
                usd_per_mtok=Decimal("3.48"),
                forecast_cost_usd=Decimal(348),
            )
        ],
        "forecast_nowcasts": [
            company.record(
                ForecastNowcast,
                **known,
                cost_date=company.UNSETTLED,
                known_cost_usd=Decimal(3),
                completeness_ratio=Decimal("0.5"),
                nowcast_cost_usd=Decimal(6),
            )
        ],
    }


@pytest.fixture(scope="module")
def warehouse(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The small company with budgets, customers and a forecast, built and tested by dbt."""
    project: Project = new_project(repository, tmp_path_factory.mktemp("budgets"))
    clock = [company.NOW]
    lake = Lake(project.home / "lake", clock=lambda: clock[0])

    def land(table: str, rows: list[Any], source: str) -> None:
        lake.land(table, source, to_arrow(STREAMS[table].record, rows), account_id="")

    for landed_at, lines in files_of_budgets():
        clock[0] = landed_at
        land("config_budgets", lines, "config")
    clock[0] = company.NOW
    land(
        "config_customers", [company.record(ConfigCustomer, customer_id="c1", customer_segment="enterprise")], "config"
    )
    company.land_company(project.home)
    for table, rows in forecasts().items():
        land(table, rows, "forecasting")
    lake.write_index(project.home / "lake_index.parquet")
    result = project.dbt("build", "--exclude-resource-type", "unit_test")
    assert result.returncode == 0, result.stdout[-5000:]
    connection = project.warehouse()
    yield connection
    connection.close()


def rows_of(warehouse: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return warehouse.execute(sql).fetchall()


def test_a_period_that_has_ended_keeps_the_budget_that_was_known_then(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Neither a later amount nor a deleted line rewrites it; a running period follows the newest file."""
    found = rows_of(
        warehouse,
        """
        select budget_id, budget_usd::double, thresholds, status from finops.mart_budget_status
        where is_latest and budget_id in ('day', 'two-days', 'org') order by all
        """,
    )
    # "two-days" was in no file on the day that it ended.
    assert found == [("day", 2.0, "0.5", "ended"), ("org", 30.0, None, "at_risk")]


def test_every_scope_has_its_cost_and_what_is_unknown_says_so(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Customers and segments are measured on the cost by customer; a team that does not occur is no free one."""
    found = dict(
        rows_of(
            warehouse,
            "select budget_id, status || ' ' || coalesce(series_id, '') from finops.mart_budget_status where is_latest",
        )
    )
    assert found["customer"] == "no_forecast budget=customer"
    assert found["segment"] == "no_forecast customer_segment=enterprise"
    assert found["nobody"] == "unknown_scope team=nobody"
    (customer,) = rows_of(
        warehouse,
        """
        select status.spent_usd = (
            select sum(effective_cost_usd) from intermediate.int_customer_costs_daily where customer_id = 'c1'
        ) and status.spent_usd > 0
        from finops.mart_budget_status as status where budget_id = 'customer' and is_latest
        """,
    )
    assert customer == (True,)


def test_children_that_were_promised_more_are_told(warehouse: duckdb.DuckDBPyConnection) -> None:
    """25 and 15 under 30 are 10 too much; nothing is wrong with those who have no children."""
    found = rows_of(
        warehouse,
        """
        select budget_id, overcommitted_usd::double from finops.mart_budget_status
        where is_latest and budget_id in ('org', 'search') order by all
        """,
    )
    assert found == [("org", 10.0), ("search", 0.0)]


def test_a_fiscal_year_begins_with_its_month(warehouse: duckdb.DuckDBPyConnection) -> None:
    """October to September, and its burn-down ends with the whole amount."""
    found = rows_of(
        warehouse,
        """
        select period_start_date, period_end_date, max(ideal_spent_usd)::double, count(*)
        from finops.mart_budget_burndown where budget_id = 'fiscal' group by all
        """,
    )
    assert found == [(date(2026, 10, 1), date(2027, 9, 30), 100.0, 365)]


def test_a_budget_is_judged_by_the_shipped_base_forecast(warehouse: duckdb.DuckDBPyConnection) -> None:
    """12 dollars a day pass 30 on the third day ahead, with all but certainty; the other scenario is only shown."""
    (found,) = rows_of(
        warehouse,
        """
        select projected_p50_usd::double, breach_probability, breach_date, alert_probability
        from finops.mart_budget_status where budget_id = 'org' and is_latest
        """,
    )
    assert found == (12.0 * 29, 0.99, date(2026, 11, 4), 0.85)
    months = rows_of(
        warehouse,
        """
        select scenario, forecast_cost_usd::double, total_p95_usd::double
        from finops.mart_forecast_monthly order by scenario
        """,
    )
    assert months == [("accelerated", 3 + 24.0 * 29, 30.0 * 29), ("base", 3 + 12.0 * 29, 15.0 * 29)]
    nowcasts = rows_of(
        warehouse,
        """
        select scenario, cost_date, nowcast_cost_usd::double, series_kind from finops.mart_forecast_daily
        where is_nowcast order by scenario
        """,
    )
    assert nowcasts == [(name, company.UNSETTLED, 6.0, "new") for name in ("accelerated", "base")]
    drivers = rows_of(
        warehouse, "select forecast_request_count, effective_usd_per_mtok::double from finops.mart_forecast_drivers"
    )
    assert drivers == [(100, 3.48)]
