"""What agents are told about tables and metrics."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from agents.catalog import list_tables, unit_of
from agents.engine import Reader
from agents.errors import QueryRefusedError
from agents.limits import Limits
from agents.metrics import list_metrics
from tests.unit.agents.conftest import INJECTION


def test_all_tables_with_their_columns_by_name(published: Path) -> None:
    """Without names: one line a table; what a comment says is a description, whatever it says."""
    with Reader(published, Limits()).connection() as connection:
        listed = list_tables(connection, [])
    tables = {table["name"]: table for table in listed["tables"]}
    assert set(tables) == {"core.fct_llm_requests", "finops.mart_spend_daily", "main.publication"}
    assert tables["core.fct_llm_requests"]["description"] == INJECTION
    assert tables["core.fct_llm_requests"]["row_count"] == 40
    assert tables["finops.mart_spend_daily"]["columns"] == ["usage_date", "team", "effective_cost_usd"]
    assert listed["published_at"] == "2026-11-23T06:00:00Z"


@pytest.mark.parametrize("name", ["mart_spend_daily", "finops.mart_spend_daily", "FINOPS.Mart_Spend_Daily"])
def test_one_table_with_types_units_and_descriptions(published_as_views: Path, name: str) -> None:
    """With names: what each column holds and in which unit."""
    with Reader(published_as_views, Limits()).connection() as connection:
        (table,) = list_tables(connection, [name])["tables"]
    assert table["columns"] == [
        {"name": "usage_date", "type": "DATE", "unit": "UTC day", "description": None},
        {"name": "team", "type": "VARCHAR", "unit": None, "description": None},
        {
            "name": "effective_cost_usd",
            "type": "DECIMAL(38,12)",
            "unit": "US dollars",
            "description": "What it cost.",
        },
    ]


def test_a_table_that_is_not_there_is_an_error(published: Path) -> None:
    """Also one of the right name in the wrong schema."""
    with Reader(published, Limits()).connection() as connection, pytest.raises(QueryRefusedError, match=r"core\.mart_"):
        list_tables(connection, ["core.mart_spend_daily"])


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        ("output_usd_per_mtok", "US dollars per million tokens"),
        ("saving_lower_usd_per_month", "US dollars per month"),
        ("success_rate_upper", "ratio, 1 is all of it"),
        ("of_which_reasoning_tokens", "tokens"),
        ("is_latest", "true or false"),
        ("kpi_value", None),
        ("team", None),
    ],
)
def test_the_unit_is_what_the_name_promises(column: str, unit: str | None) -> None:
    """Names carry units in this project; a name without one is not given one."""
    assert unit_of(column) == unit


SEMANTICS = """
semantic_models:
  - name: ledger
    model: ref('fct_cost_ledger')
    defaults: {agg_time_dimension: usage_date}
    dimensions:
      - {name: usage_date, type: time}
      - {name: provider, type: categorical, expr: provider_name}
      - {name: is_latest, type: categorical}
    measures:
      - {name: cost_usd, agg: sum, expr: effective_cost_usd}
      - {name: request_count, agg: sum}
  - name: hidden
    model: ref('int_hidden')
    defaults: {agg_time_dimension: usage_date}
    dimensions: [{name: usage_date, type: time}]
    measures: [{name: hidden_count, agg: count, expr: 1}]
metrics:
  - {name: cost, type: simple, label: Cost, description: What was  spent., type_params: {measure: cost_usd}}
  - name: latest_cost
    type: simple
    filter: "{{ Dimension('row__is_latest') }}"
    type_params: {measure: cost_usd}
  - {name: requests, type: simple, type_params: {measure: request_count}}
  - {name: cost_per_request, type: ratio, type_params: {numerator: cost, denominator: {name: requests}}}
  - {name: hidden, type: simple, type_params: {measure: hidden_count}}
"""


def test_metrics_come_with_the_sql_that_computes_them(tmp_path: Path) -> None:
    """Measures, filters and ratios become SQL over published tables; what is not published has none."""
    (tmp_path / "sem_ledger.yml").write_text(SEMANTICS)
    metrics = {metric["name"]: metric for metric in list_metrics(tmp_path, {"fct_cost_ledger": "core"})}
    assert metrics["cost"] == {
        "name": "cost",
        "label": "Cost",
        "description": "What was spent.",
        "kind": "simple",
        "parts": [],
        "tables": ["core.fct_cost_ledger"],
        "date_columns": ["usage_date"],
        "group_by_columns": ["is_latest", "provider_name"],
        "sql": "select sum(effective_cost_usd) as cost from core.fct_cost_ledger",
    }
    assert metrics["latest_cost"]["sql"] == (
        "select sum(effective_cost_usd) as latest_cost from core.fct_cost_ledger where is_latest"
    )
    assert metrics["cost_per_request"]["parts"] == ["cost", "requests"]
    assert metrics["hidden"]["sql"] is None
    with duckdb.connect() as connection:
        connection.execute(
            "create schema core; create table core.fct_cost_ledger as select * from "
            "(values (date '2026-01-01', 3, 6.0, true), (date '2026-01-02', 1, 2.0, false)) "
            "as rows (usage_date, request_count, effective_cost_usd, is_latest)"
        )
        values = {
            name: connection.execute(metric["sql"]).fetchall()[0][0]
            for name, metric in metrics.items()
            if metric["sql"] is not None
        }
    assert values == {"cost": 8, "latest_cost": 6, "requests": 4, "cost_per_request": 2}
