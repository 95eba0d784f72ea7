"""The project builds: on nothing, on a small company, and its unit tests hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.dbt.conftest import Project, new_project


def failures(project: Project) -> list[str]:
    """What did not succeed in the last run, with its message."""
    results = json.loads((project.target / "run_results.json").read_text())["results"]
    # Exposures build nothing.
    return [
        f"{row['unique_id']}: {row['message']}"
        for row in results
        if row["status"].lower() not in ("success", "pass", "no-op")
    ]


@pytest.mark.integration
def test_a_company_that_sent_nothing_builds_and_every_unit_test_passes(repository: Path, tmp_path: Path) -> None:
    """Every table is there, empty, before the first load; and every rule that moves money holds."""
    project = new_project(repository, tmp_path)
    result = project.dbt("build")
    assert result.returncode == 0, failures(project) or result.stdout[-3000:]
    with project.warehouse() as connection:
        assert connection.sql("select count(*) from core.fct_cost_ledger").fetchone() == (0,)
        assert connection.sql("select count(*) from finops.mart_kpis_daily").fetchone() == (0,)


def test_every_test_passes_on_the_company(company: Project) -> None:
    """No data test fails or warns on input with every kind of trouble."""
    assert failures(company) == []


def test_every_column_is_documented(company: Project, manifest: dict[str, Any]) -> None:
    """The columns of the yml are those of the table, in its order, in all layers."""
    with company.warehouse() as connection:
        for model in (node for node in manifest["nodes"].values() if node["resource_type"] == "model"):
            built = connection.execute(
                "select column_name from information_schema.columns where table_schema = ? and table_name = ? "
                "order by ordinal_position",
                [model["schema"], model["name"]],
            ).fetchall()
            assert list(model["columns"]) == [name for (name,) in built], model["name"]


def test_every_measure_and_dimension_can_be_computed(
    warehouse: duckdb.DuckDBPyConnection, manifest: dict[str, Any]
) -> None:
    """The expressions of the semantic models are valid on the tables that they describe."""
    for semantic_model in manifest["semantic_models"].values():
        relation = semantic_model["node_relation"]
        for part in (*semantic_model["measures"], *semantic_model["dimensions"], *semantic_model["entities"]):
            expression = part["expr"] or part["name"]
            warehouse.execute(f'select {expression} from "{relation["schema_name"]}"."{relation["alias"]}"')


def test_a_file_that_was_landed_before_a_column_was_known_reads_as_null(warehouse: duckdb.DuckDBPyConnection) -> None:
    """The spans lie in the lake without the columns of how a request ended; the gateway's lines have them."""
    rows = warehouse.sql(
        "select source_name, any_value(finish_reason), count(prefix_tokens) from staging.stg_logs__requests group by 1"
    ).fetchall()
    assert sorted(rows) == [("gateway", "stop", 0), ("otel", None, 0)]


def test_known_cache_saving_and_waste_of_the_company(warehouse: duckdb.DuckDBPyConnection) -> None:
    """9,000 tokens read at 0.3 instead of 3 dollars a million; of a request cut at the limit, its whole list cost."""
    assert warehouse.sql(
        "select net_saving_list_usd::varchar, cache_hit_ratio::varchar from finops.mart_cache_economics_daily "
        "where cache_read_tokens > 0"
    ).fetchall() == [("0.024300000000000000", "0.909090909091")]
    cut = warehouse.sql(
        "select wasted_list_cost_usd::varchar, recoverable_list_cost_usd::varchar "
        "from intermediate.int_wasted_requests where waste_kind = 'output_cut' and usage_date = '2026-11-01'"
    ).fetchall()
    # 333,333 x 2.5 + 8,000 x 10 dollars a million.
    assert cut == [("0.913332500000", "0.080000000000")]


def test_known_totals_of_the_company(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Hand-worked: OpenAI 2.2 + 0.912345678901234567 + 0.1 EUR at 1.1 - 0.1 + 0.3, Anthropic 1.2823456789 cents."""
    billed = warehouse.sql(
        "select provider_name, sum(billed_cost_usd)::varchar from core.fct_cost_ledger group by 1 order by 1"
    ).fetchall()
    assert billed == [("anthropic", "0.012823456789000000"), ("openai", "3.422345678901234567")]
    # 14 logs a day of the gateway and one span; both spans share a response id with a request of the settled day.
    duplicates = warehouse.sql(
        "select kept_source_name, match_method from intermediate.int_request_duplicates"
    ).fetchall()
    assert duplicates == [("gateway", "response_id")] * 2
    # Metered 1,000,000 and 70,000 tokens of input; 973,343 are logged with key k1. The 1,001 of the log without a key
    # are located in proportion to the 26,657 and 70,000 that are left: 276 and 725.
    dark = warehouse.sql(
        "select api_key_id, token_count from core.fct_cost_ledger "
        "where evidence = 'metered' and charge_category = 'Usage' and token_type = 'uncached_input' "
        "and provider_name = 'openai' and usage_date = '2026-11-01' order by 1"
    ).fetchall()
    assert dark == [("k1", 26_381), ("k2", 69_275)]
    # Input without a cache read is a known ratio of 0, unlike no input.
    cached = warehouse.sql(
        "select kpi_value::double from finops.mart_kpis_daily "
        "where kpi_name = 'cache_hit_ratio' and dimension_name = 'total' and kpi_date = '2026-11-02'"
    ).fetchall()
    assert cached == [(0.0,)]
    maturities = warehouse.sql(
        "select distinct usage_date::varchar, maturity from core.fct_cost_ledger order by all"
    ).fetchall()
    assert maturities == [("2026-11-01", "billed"), ("2026-11-01", "invoiced"), ("2026-11-02", "estimated")]
