"""Explaining a request: the steps lead to its cost, and a wrong id to the right one."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import duckdb
import pytest

from ingestion.errors import TokenAtlasError
from ingestion.lake import Lake
from ingestion.records import STREAMS, ConfigAttributionRule, to_arrow
from ingestion.settings import Settings
from orchestration.commands.explain import TOKEN_TYPES, find_explanations
from orchestration.commands.mcp import explain_published
from orchestration.warehouse import reading

RULE = ConfigAttributionRule(
    "search-key", 10, None, None, None, "key\\_search", None, None, None, "search", None, None, None,
    date(1, 1, 1), date(9999, 12, 31), "One key, one team",
)  # fmt: skip


@pytest.fixture
def published(settings: Settings) -> Settings:
    """One priced request: 1,000 input tokens at $3 and 100 output tokens at $15 a million, billed at 95 % of that."""
    settings.published_path.parent.mkdir(parents=True)
    tokens = ", ".join(
        f"{ {'uncached_input': 1000, 'output': 100}.get(token_type, 0) }::bigint as {token_type}_tokens"
        for token_type in TOKEN_TYPES
    )
    prices = ", ".join(
        f"{ {'uncached_input': 3, 'output': 15}.get(token_type, 'null') }::decimal(18, 9) as {token_type}_usd_per_mtok"
        for token_type in TOKEN_TYPES
    )
    with duckdb.connect(str(settings.published_path)) as connection:
        connection.execute(
            f"""
            create schema core;
            create table core.fct_llm_requests as select
                'request-1' as request_id, 'response-1' as response_id, 'app' as source_name, 'openai' as provider_name,
                'p1' as price_id, 'w1' as workload_id, 'standard' as service_tier, date '2026-11-01' as usage_date,
                'search-key' as allocation_rule_id, 'load-1' as load_id, {tokens}, 2::bigint as web_search_requests,
                'priced' as price_status, 0.0245::decimal(18, 12) as list_cost_usd;
            create table core.dim_model_prices as select
                'p1' as price_id, date '2026-11-01' as usage_date, {prices},
                10::decimal(18, 9) as web_search_usd_per_thousand;
            create table core.fct_cost_ledger as select
                'w1' as workload_id, date '2026-11-01' as usage_date, 'standard' as service_tier,
                'logged' as evidence, 'Usage' as charge_category, 'rule' as allocation_method, 'search' as team,
                'search' as feature, 'search-key' as allocation_rule_id,
                'billed' as maturity, null as calibration_basis,
                0.0245::decimal(38, 18) as list_cost_usd, 0.023275::decimal(38, 18) as billed_cost_usd,
                0.023275::decimal(38, 18) as effective_cost_usd;
            create table core.dim_workloads as select 'w1' as workload_id, null as team_tag;
            """
        )
    lake = Lake(settings.lake_path, settings.clock)
    table = "config_attribution_rules"
    lake.land(table, "config", to_arrow(STREAMS[table].record, [RULE]), account_id="")
    lake.write_index(settings.index_path)
    return settings


@pytest.mark.parametrize("request_id", ["request-1", "response-1"])
def test_tokens_times_prices_is_the_list_cost(published: Settings, request_id: str) -> None:
    """1,000 x 3 + 100 x 15 a million, and 2 searches at 10 a thousand: 0.003 + 0.0015 + 0.02; by either id."""
    (explanation,) = find_explanations(published, request_id)
    assert [(part.token_type, part.tokens, part.cost_usd) for part in explanation.tokens] == [
        ("uncached_input", 1000, Decimal("0.003")),
        ("output", 100, Decimal("0.0015")),
        ("web_search", 2, Decimal("0.02")),
    ]
    assert sum(part.cost_usd or 0 for part in explanation.tokens) == explanation.request["list_cost_usd"]


def test_the_bill_and_the_rule_are_shown(published: Settings) -> None:
    """What was billed for the workload's day, and the rule as it was landed."""
    (explanation,) = find_explanations(published, "request-1")
    assert explanation.ledger["billed_cost_usd"] == Decimal("0.023275")
    assert explanation.rule is not None
    assert explanation.rule["comment"] == "One key, one team"


def test_agents_see_the_steps_without_the_lake(published: Settings) -> None:
    """The same steps as exact JSON, from the published file alone; the rule's text and the file stay out."""
    with reading(published.published_path) as connection:
        (document,) = explain_published(connection, "response-1")
        with pytest.raises(TokenAtlasError, match="There is no request"):
            explain_published(connection, "request-2")
    assert [(part["token_type"], part["cost_usd"]) for part in document["list_cost"]["parts"]] == [
        ("uncached_input", "0.003"),
        ("output", "0.0015"),
        ("web_search", "0.02"),
    ]
    assert document["effective_cost"]["workload_day"]["billed_cost_usd"] == "0.023275"
    assert document["effective_cost"]["effective_to_list_ratio"] == "0.95"
    assert document["owner"]["allocation_rule_id"] == "search-key"
    assert document["origin"]["load_id"] == "load-1"


def test_an_unknown_id_names_the_nearest(published: Settings) -> None:
    """A mistyped id is an error that proposes the right one."""
    with pytest.raises(TokenAtlasError, match="request-1") as caught:
        find_explanations(published, "reqest-1")
    assert "There is no request 'reqest-1'" in caught.value.what
