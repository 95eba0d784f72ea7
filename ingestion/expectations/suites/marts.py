"""What a finished mart must be before anybody reads it. Rules that need a second table are dbt tests."""

from __future__ import annotations

from collections.abc import Callable

from ingestion.expectations.suites.vocabulary import (
    Expectations,
    between,
    columns_exist,
    not_negative,
    one_of,
    ordered,
    present,
    unique,
)

_COVERAGES = ("priced_ratio", "attributed_ratio", "matched_ratio")


def _spend_daily() -> Expectations:
    return (
        present("usage_date", "provider_name", "charge_category", "evidence", "maturity")
        + columns_exist("team", "feature", "environment", "model_id", "effective_cost_usd", "list_cost_usd")
        + not_negative("request_count", "token_count", "list_cost_usd")
        + one_of("evidence", ("logged", "metered", "billed"))
        + one_of("maturity", ("invoiced", "billed", "estimated"))
    )


def _kpis_daily() -> Expectations:
    return (
        present("kpi_date", "kpi_name", "dimension_name", "dimension_value", "unit", "is_mature")
        + columns_exist("kpi_value", "numerator", "denominator")
        + [each for name in _COVERAGES for each in between(name, 0, 1)]
        + unique("kpi_date", "kpi_name", "dimension_name", "dimension_value")
    )


def _reconciliation() -> Expectations:
    return (
        present("usage_date", "provider_name", "maturity")
        + columns_exist("account_id", "billed_cost_usd", "effective_cost_usd", "gap_usd")
        + not_negative("logged_token_count", "metered_token_count", "dark_token_count")
        + unique("usage_date", "provider_name", "account_id")
    )


def _budget_status() -> Expectations:
    return (
        present("budget_id", "budget_kind", "period_start_date", "period_end_date", "status", "is_latest")
        + ordered("period_start_date", "period_end_date")
        + ordered("projected_p10_usd", "projected_p50_usd")
        + ordered("projected_p50_usd", "projected_p90_usd")
        + between("breach_probability", 0, 1)
        + between("alert_probability", 0, 1)
        + between("elapsed_ratio", 0, 1)
        + not_negative("budget_usd", "overcommitted_usd")
        + unique("budget_id", "period_start_date", "assessment_date")
    )


def _forecast_daily() -> Expectations:
    return (
        present("series_id", "model_name", "scenario", "cutoff_date", "cost_date", "forecast_cost_usd", "is_nowcast")
        + ordered("lower_cost_usd", "forecast_cost_usd")
        + ordered("forecast_cost_usd", "upper_cost_usd")
        + ordered("p05_cost_usd", "p50_cost_usd")
        + ordered("p50_cost_usd", "p95_cost_usd")
        + ordered("cutoff_date", "cost_date", or_equal=False)
        + unique("series_id", "model_name", "scenario", "cutoff_date", "cost_date")
    )


SUITES: dict[str, Callable[[], Expectations]] = {
    "mart_spend_daily": _spend_daily,
    "mart_kpis_daily": _kpis_daily,
    "mart_reconciliation": _reconciliation,
    "mart_budget_status": _budget_status,
    "mart_forecast_daily": _forecast_daily,
}
