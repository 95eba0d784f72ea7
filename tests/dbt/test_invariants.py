"""The singular tests can fail: each breakage of a table is noticed by the tests that guard it, to the last decimal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tests.dbt.conftest import Project

BREAKAGES = {
    "a billed dollar changes by the last decimal": (
        "update core.fct_cost_ledger set billed_cost_usd = billed_cost_usd + 0.000000000000000001 "
        "where ledger_id = (select min(ledger_id) from core.fct_cost_ledger where billed_cost_usd is not null)",
        {
            "billed_cost_of_the_ledger_is_what_was_billed",
            "splits_never_change_a_total",
            "causes_of_a_gap_sum_to_the_gap",
        },
    ),
    "a ledger row is lost": (
        "delete from core.fct_cost_ledger where ledger_id = "
        "(select min(ledger_id) from core.fct_cost_ledger where allocation_method = 'split')",
        {"splits_never_change_a_total", "customer_costs_sum_to_the_ledger", "statements_sum_to_the_ledger"},
    ),
    "a token of dark spend is lost": (
        "update intermediate.int_usage_residuals set token_count = token_count - 1 where token_count > 1",
        {"logged_and_residual_use_is_what_was_metered"},
    ),
    "a finding is hidden": (
        "delete from intermediate.int_usage_excess",
        {"logged_and_residual_use_is_what_was_metered"},
    ),
    "a located token is lost": (
        "update intermediate.int_logged_usage_located set token_count = token_count - 1 where workload_id = "
        "(select min(workload_id) from intermediate.int_logged_usage_located where token_count > 0)",
        {"locating_use_on_keys_keeps_its_totals"},
    ),
    "a part of a billed line is lost": (
        "delete from intermediate.int_charge_allocations where charge_id = "
        "(select min(charge_id) from intermediate.int_charge_allocations)",
        {"the_parts_of_a_billed_line_sum_to_it"},
    ),
    "a cause of a gap is counted twice": (
        "update finops.mart_reconciliation set not_logged_usd = not_logged_usd + 0.01",
        {"causes_of_a_gap_sum_to_the_gap"},
    ),
    "an unpriced request becomes free": (
        "update intermediate.int_llm_requests_priced set list_cost_usd = 0 where price_status = 'unknown_model'",
        {"no_cost_is_zero_for_want_of_a_price"},
    ),
    "an unpriced ledger row becomes free": (
        "update core.fct_cost_ledger set effective_cost_usd = 0 "
        "where list_cost_usd is null and billed_cost_usd is null",
        {"no_cost_is_zero_for_want_of_a_price"},
    ),
    "a driver does more than the change": (
        "insert into finops.mart_cost_change_drivers by name "
        "select 't' as team, 'f' as feature, 'volume' as driver_name, 1 as driver_order, 1 as previous_cost_usd, "
        "2 as current_cost_usd, 3 as change_usd, date '2026-11-01' as month_start_date",
        {"drivers_of_a_change_sum_to_it", "compared_months_are_those_of_the_ledger"},
    ),
    "a KPI without data becomes zero": (
        "update finops.mart_kpis_daily set kpi_value = 0 where denominator is null",
        {"no_kpi_is_zero_for_want_of_data"},
    ),
    "a customer's cost is lost": (
        "delete from intermediate.int_customer_costs_daily where customer_id = 'unassigned'",
        {"customer_costs_sum_to_the_ledger"},
    ),
    "a series is lost": (
        "delete from intermediate.int_series_costs_daily where series_id = 'team=search'",
        {"series_of_each_dimension_add_up_to_the_total"},
    ),
    "the cost of a segment is lost": (
        "delete from intermediate.int_cost_mix_daily where feature = 'ask'",
        {"the_mix_of_a_day_sums_to_its_cost"},
    ),
    "a customer's month is counted twice": (
        "insert into finops.mart_customer_margin_monthly select * from finops.mart_customer_margin_monthly",
        {"customer_margins_sum_to_costs_and_revenue"},
    ),
    "a statement is lost": (
        "delete from finops.mart_chargeback_monthly where team = 'search'",
        {"statements_sum_to_the_ledger"},
    ),
    "a quality-adjusted price has a definition of its own": (
        "update finops.mart_model_efficiency set quality_adjusted_price_usd = 1000, quality_source = 'outcomes'",
        {"model_efficiency_is_one_definition"},
    ),
    "a request is charged to no outcome": (
        "delete from intermediate.int_requests_charged where request_key = "
        "(select min(request_key) from intermediate.int_requests_charged where effective_cost_usd > 0)",
        {"what_outcomes_are_charged_is_what_was_spent"},
    ),
    "two owners hold at once": (
        "insert into intermediate.int_workload_owners select * replace (date '2026-01-01' as valid_from_date) "
        "from intermediate.int_workload_owners",
        {"owners_hold_for_one_span_at_a_time", "each_request_is_read_once"},
    ),
    "a request is lost": (
        "delete from intermediate.int_llm_requests_priced where request_id = 'claude'",
        {"each_logged_line_is_a_request_or_a_duplicate"},
    ),
    "a cache saves a trifle more than it did": (
        "update finops.mart_cache_economics_daily set net_saving_list_usd = net_saving_list_usd + 0.000000000000000001 "
        "where cache_read_tokens > 0",
        {"cache_savings_are_what_the_input_would_have_cost_more"},
    ),
    "a wasted request counts as sound as well": (
        "update intermediate.int_sound_usage_daily set request_count = request_count + 1, "
        "list_cost_usd = list_cost_usd + 0.000000000000000001",
        {"a_request_is_wasted_or_sound_and_never_both"},
    ),
    "more is wasted than was spent": (
        "update finops.mart_waste_daily set wasted_cost_usd = wasted_cost_usd + 1000 where waste_kind = 'output_cut'",
        {"waste_never_exceeds_what_was_spent"},
    ),
    "the price calendar has two ranges": (
        "insert into intermediate.int_priced_days select * from intermediate.int_priced_days",
        {"priced_days_is_one_row"},
    ),
}


def compiled_tests(company: Project) -> dict[str, str]:
    """SQL of the singular tests as dbt ran it; each returns the rows that are wrong."""
    return {
        node["name"]: (company.repository / Path(node["compiled_path"])).read_text()
        for node in company.manifest["nodes"].values()
        if node["resource_type"] == "test" and node["original_file_path"].startswith("dbt_project/tests/")
    }


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_a_broken_table_is_noticed(breakage: str, company: Project, warehouse: duckdb.DuckDBPyConnection) -> None:
    """Each breakage changes something, and the tests that guard it find it."""
    statement, guards = BREAKAGES[breakage]
    tests = compiled_tests(company)
    (changed,) = warehouse.execute(statement).fetchone() or (0,)
    assert changed > 0, "the company has nothing to break here"
    noticed = {name for name in guards if warehouse.execute(tests[name]).fetchone() is not None}
    assert noticed == guards


def test_every_singular_test_is_shown_to_fail(company: Project, excepted: Callable[[str], set[str]]) -> None:
    """A new test comes with the breakage that it notices."""
    shown = set().union(*(guards for _, guards in BREAKAGES.values()))
    assert set(compiled_tests(company)) == shown | excepted("singular_test_is_shown_to_fail")
