"""What outcomes are charged, case by case as worked out by hand, by the SQL that dbt built the company with."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from tests.dbt.conftest import Project

CASES = yaml.safe_load((Path(__file__).parents[1] / "golden" / "outcome_charges.yml").read_text())

FACTS = {
    "core.fct_llm_requests": """
        source_name varchar, request_id varchar, trace_id varchar, session_id varchar, workload_id varchar,
        feature varchar, is_success boolean, effective_cost_usd decimal(18, 12), usage_date date,
        started_at timestamptz
    """,
    "core.fct_outcomes": """
        source_name varchar, outcome_id varchar, request_source_name varchar, request_id varchar, session_id varchar,
        trace_id varchar, workload_id varchar, model_id varchar, customer_id varchar, experiment_id varchar,
        outcome_name varchar, matched_by varchar, team varchar, feature varchar, environment varchar,
        provider_name varchar, prompt_name varchar, prompt_version varchar, variant varchar, score_source varchar,
        quality_score double, value_usd decimal(38, 18), is_success boolean, outcome_date date, request_date date,
        occurred_at timestamptz, request_started_at timestamptz
    """,
}


@pytest.fixture
def charge(company: Project, warehouse: duckdb.DuckDBPyConnection) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Charges a case: outcomes with their costs, and the cost that hangs on none."""
    models = {
        node["name"]: (company.repository / Path(node["compiled_path"])).read_text()
        for node in company.manifest["nodes"].values()
        if node["name"] in ("int_requests_charged", "int_outcome_costs") and node["resource_type"] == "model"
    }
    warehouse.execute("drop view core.fct_llm_requests")
    for table, columns in FACTS.items():
        warehouse.execute(f"create or replace table {table} ({columns})")

    def charge(case: dict[str, Any]) -> dict[str, Any]:
        for table in FACTS:
            warehouse.execute(f"delete from {table}")
        for request_id, minute, cost, trace, session, feature, is_success in case["requests"]:
            warehouse.execute(
                """
                insert into core.fct_llm_requests
                select 'log', ?, ?, ?, ?, ?, ?, ?, date '2026-03-01',
                    timestamptz '2026-03-01 12:00:00+00' + to_seconds(?)
                """,
                [request_id, trace, session, feature, feature, is_success, Decimal(cost), 60 * minute],
            )
        for outcome_id, request_id, matched_by, is_success in case["outcomes"]:
            warehouse.execute(
                """
                insert into core.fct_outcomes by name
                select 'app' as source_name, ? as outcome_id, ? as matched_by, ? as is_success,
                    'log' as request_source_name, request_id, session_id, trace_id, feature, usage_date as request_date
                from core.fct_llm_requests where request_id = ?
                """,
                [outcome_id, matched_by, is_success, request_id],
            )
        for name in ("int_requests_charged", "int_outcome_costs"):
            warehouse.execute(f"create or replace table intermediate.{name} as {models[name]}")
        (left,) = warehouse.execute(
            """
            select coalesce(sum(effective_cost_usd), 0) from core.fct_llm_requests
            where request_id not in (select request_id from intermediate.int_requests_charged)
            """
        ).fetchall()[0]
        costs = warehouse.execute("select outcome_id, effective_cost_usd from intermediate.int_outcome_costs")
        return {"charged": dict(costs.fetchall()), "hangs_on_none": left}

    return charge


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_an_outcome_is_charged_as_worked_by_hand(
    case: dict[str, Any], charge: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """To the last decimal, and nothing is lost between what is charged and what hangs on none."""
    found = charge(case)
    expected = {name: None if cost is None else Decimal(cost) for name, cost in case["charged"].items()}
    assert found == {"charged": expected, "hangs_on_none": Decimal(case["hangs_on_none"])}
    charged = sum((cost for cost in found["charged"].values() if cost is not None), Decimal(0))
    assert charged + found["hangs_on_none"] == sum(Decimal(row[2]) for row in case["requests"])


def test_the_order_of_arrival_does_not_matter(charge: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Requests after their outcomes, outcomes days later: whichever arrives first, the same is charged."""
    case = next(case for case in CASES if case["name"].startswith("two_outcomes"))
    at_once = charge(case)
    for order in permutations(case["requests"]):
        assert charge({**case, "requests": list(order)}) == at_once
