"""Anthropic's payloads become records."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from ingestion.errors import MalformedResponseError
from ingestion.providers import anthropic
from ingestion.records import AnthropicUsage

Payload = Callable[[str], dict[str, Any]]
WHO: dict[str, str] = {"source_name": "anthropic", "account_id": "acme"}


def test_usage_flattens_the_disjoint_buckets(payload: Payload) -> None:
    """Cache writes keep their time to live; the default workspace and the Console stay null."""
    first, second = anthropic.parse_usage(payload("anthropic_usage"), **WHO)
    assert first == AnthropicUsage(
        source_name="anthropic",
        account_id="acme",
        bucket_start_at=datetime(2026, 11, 1, tzinfo=UTC),
        bucket_end_at=datetime(2026, 11, 2, tzinfo=UTC),
        workspace_id="wrkspc_chat",
        api_key_id="apikey_chat",
        model_name="claude-sonnet-4-5-20250929",
        service_tier="standard",
        context_window="0-200k",
        inference_geo="global",
        uncached_input_tokens=1500,
        cache_read_input_tokens=200,
        cache_creation_5m_input_tokens=500,
        cache_creation_1h_input_tokens=1000,
        output_tokens=500,
        web_search_requests=10,
    )
    assert (second.workspace_id, second.api_key_id, second.context_window) == (None, None, "200k-1M")


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ("uncached_input_tokens", "uncached_input_tokens"),
        ("cache_creation", "cache_creation"),
        ("server_tool_use", "server_tool_use"),
        ("output_tokens", "output_tokens"),
    ],
)
def test_a_missing_count_is_named_by_its_path(payload: Payload, field: str, path: str) -> None:
    """A missing count is not zero."""
    page = payload("anthropic_usage")
    del page["data"][0]["results"][1][field]
    with pytest.raises(MalformedResponseError, match=rf"`data\[0\]\.results\[1\]\.{path}`"):
        anthropic.parse_usage(page, **WHO)


def test_costs_stay_cents(payload: Payload) -> None:
    """Fractions of a cent, credits, other currencies and unknown kinds of cost are kept as sent."""
    costs = anthropic.parse_costs(payload("anthropic_costs"), **WHO)
    assert [(c.usage_date, format(c.amount_cents, "f"), c.amount_currency, c.cost_type) for c in costs] == [
        (date(2026, 11, 1), "123.78912", "USD", "tokens"),
        (date(2026, 11, 1), "10", "USD", "web_search"),
        (date(2026, 11, 1), "-50.5", "USD", "a new kind"),
        (date(2026, 11, 1), "7.00", "EUR", "code_execution"),
    ]
    assert (costs[0].token_type, costs[0].model_name) == ("uncached_input_tokens", "claude-sonnet-4-5-20250929")
    assert (costs[1].workspace_id, costs[1].token_type, costs[1].model_name) == (None, None, None)


def test_a_cost_without_currency_is_refused(payload: Payload) -> None:
    """Dollars are not assumed."""
    page = payload("anthropic_costs")
    del page["data"][0]["results"][0]["currency"]
    with pytest.raises(MalformedResponseError, match=r"`data\[0\]\.results\[0\]\.currency`"):
        anthropic.parse_costs(page, **WHO)


def test_names_of_workspaces_and_keys(payload: Payload) -> None:
    """Times of any offset become UTC; a key of the default workspace has none; no hint of a key is landed."""
    workspaces = anthropic.parse_workspaces(payload("anthropic_workspaces"), **WHO)
    keys = anthropic.parse_api_keys(payload("anthropic_api_keys"), **WHO)
    assert [(w.workspace_id, w.workspace_name) for w in workspaces] == [("wrkspc_chat", "Chat"), ("wrkspc_old", "Old")]
    assert workspaces[1].created_at == datetime(2024, 1, 1, tzinfo=UTC)
    assert [(k.api_key_id, k.workspace_id, k.status) for k in keys] == [
        ("apikey_chat", "wrkspc_chat", "active"),
        ("apikey_default", None, "archived"),
    ]
    assert "sk-ant" not in repr(keys)
