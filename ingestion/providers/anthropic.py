"""Anthropic's admin API: the messages usage report, the cost report, and the names of workspaces and keys.

Source: platform.claude.com documentation, read in August 2026. Amounts are **cents** as text and stay cents in the
records. Token buckets are disjoint. A null workspace is the default one; a null key is use in the Console.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ingestion.config import ProviderSource
from ingestion.http import Cursor, HttpClient
from ingestion.providers.endpoints import (
    ListedTable,
    Listing,
    Provider,
    Report,
    TimeFormat,
    WindowedTable,
    list_pages,
    report_pages,
)
from ingestion.providers.payload import Node
from ingestion.records import AnthropicApiKey, AnthropicCost, AnthropicUsage, AnthropicWorkspace

# ---------------------------------------------------------------- endpoints

_MEND = {
    401: "Use an admin key (sk-ant-admin01-…) that an organization admin made under Settings > Admin keys; ordinary "
    "API keys do not work here, and individual accounts have none. If it was one, it has expired or was revoked.",
    403: "Admin keys cannot be narrowed, so the organization itself lacks this: Claude Platform on AWS has no reports. "
    "Otherwise let an organization admin make the key.",
    404: "Check base_url in sources.yml: for Anthropic it has no /v1 at its end.",
}

# More without saying where would lose the rest of the days, so a null cursor is an error here.
_PAGE = Cursor("page", "next_page")
_AFTER = Cursor("after_id", "last_id")

USAGE = Report(
    path="v1/organizations/usage_report/messages",
    cursor=_PAGE,
    page_buckets={"1d": 31, "1h": 168},
    group_by_param="group_by[]",
    group_by=("api_key_id", "workspace_id", "model", "service_tier", "context_window", "inference_geo"),
    time_format=TimeFormat.RFC3339,
    start_name="starting_at",
    end_name="ending_at",
    mend=_MEND,
)
COSTS = Report(
    path="v1/organizations/cost_report",
    cursor=_PAGE,
    page_buckets={"1d": 31},
    group_by_param="group_by[]",
    group_by=("workspace_id", "description"),
    time_format=TimeFormat.RFC3339,
    start_name="starting_at",
    end_name="ending_at",
    mend=_MEND,
)
WORKSPACES = Listing(
    path="v1/organizations/workspaces",
    cursor=_AFTER,
    page_size=1000,
    params={"include_archived": "true"},
    mend=_MEND,
)
API_KEYS = Listing(path="v1/organizations/api_keys", cursor=_AFTER, page_size=1000, mend=_MEND)

# ---------------------------------------------------------------- payload to records


def parse_usage(payload: Mapping[str, Any], *, source_name: str, account_id: str) -> list[AnthropicUsage]:
    """Records of one page of ``USAGE``.

    Raises:
        MalformedResponseError: a required field is missing or wrong; names its path.
    """
    return [
        AnthropicUsage(
            source_name=source_name,
            account_id=account_id,
            bucket_start_at=bucket.instant("starting_at"),
            bucket_end_at=bucket.instant("ending_at"),
            workspace_id=result.optional_text("workspace_id"),
            api_key_id=result.optional_text("api_key_id"),
            model_name=result.optional_text("model"),
            service_tier=result.optional_text("service_tier"),
            context_window=result.optional_text("context_window"),
            inference_geo=result.optional_text("inference_geo"),
            uncached_input_tokens=result.integer("uncached_input_tokens"),
            cache_read_input_tokens=result.integer("cache_read_input_tokens"),
            cache_creation_5m_input_tokens=result.child("cache_creation").integer("ephemeral_5m_input_tokens"),
            cache_creation_1h_input_tokens=result.child("cache_creation").integer("ephemeral_1h_input_tokens"),
            output_tokens=result.integer("output_tokens"),
            web_search_requests=result.child("server_tool_use").integer("web_search_requests"),
        )
        for bucket in Node(payload).children("data")
        for result in bucket.children("results")
    ]


def parse_costs(payload: Mapping[str, Any], *, source_name: str, account_id: str) -> list[AnthropicCost]:
    """Records of one page of ``COSTS``; the amounts are in cents.

    Raises:
        MalformedResponseError: a required field is missing or wrong; names its path.
    """
    return [
        AnthropicCost(
            source_name=source_name,
            account_id=account_id,
            usage_date=bucket.instant("starting_at").date(),
            workspace_id=result.optional_text("workspace_id"),
            description=result.optional_text("description"),
            cost_type=result.optional_text("cost_type"),
            token_type=result.optional_text("token_type"),
            model_name=result.optional_text("model"),
            service_tier=result.optional_text("service_tier"),
            context_window=result.optional_text("context_window"),
            inference_geo=result.optional_text("inference_geo"),
            amount_cents=result.decimal("amount"),
            amount_currency=result.text("currency"),
        )
        for bucket in Node(payload).children("data")
        for result in bucket.children("results")
    ]


def parse_workspaces(payload: Mapping[str, Any], *, source_name: str, account_id: str) -> list[AnthropicWorkspace]:
    """Records of one page of ``WORKSPACES``. The default workspace has no id and is never listed.

    Raises:
        MalformedResponseError: a required field is missing or wrong; names its path.
    """
    return [
        AnthropicWorkspace(
            source_name=source_name,
            account_id=account_id,
            workspace_id=workspace.text("id"),
            workspace_name=workspace.optional_text("name"),
            created_at=workspace.optional_instant("created_at"),
            archived_at=workspace.optional_instant("archived_at"),
        )
        for workspace in Node(payload).children("data")
    ]


def parse_api_keys(payload: Mapping[str, Any], *, source_name: str, account_id: str) -> list[AnthropicApiKey]:
    """Records of one page of ``API_KEYS``. The hint of the key itself is left behind.

    Raises:
        MalformedResponseError: a required field is missing or wrong; names its path.
    """
    return [
        AnthropicApiKey(
            source_name=source_name,
            account_id=account_id,
            workspace_id=key.optional_text("workspace_id"),
            api_key_id=key.text("id"),
            api_key_name=key.optional_text("name"),
            status=key.optional_text("status"),
            created_at=key.optional_instant("created_at"),
        )
        for key in Node(payload).children("data")
    ]


# ---------------------------------------------------------------- fetch


def fetch_usage(client: HttpClient, source: ProviderSource, start: datetime, end: datetime) -> list[AnthropicUsage]:
    """Messages usage in [start, end), by the source's bucket width."""
    return [
        record
        for page in report_pages(client, USAGE, start, end, source.bucket_width)
        for record in parse_usage(page, source_name=source.source_name, account_id=source.account_id)
    ]


def fetch_costs(client: HttpClient, source: ProviderSource, start: datetime, end: datetime) -> list[AnthropicCost]:
    """Costs of the UTC days in [start, end). Priority tier is never in this report; it is billed by commitment."""
    return [
        record
        for page in report_pages(client, COSTS, start, end, "1d")
        for record in parse_costs(page, source_name=source.source_name, account_id=source.account_id)
    ]


def fetch_workspaces(client: HttpClient, source: ProviderSource) -> list[AnthropicWorkspace]:
    return [
        record
        for page in list_pages(client, WORKSPACES)
        for record in parse_workspaces(page, source_name=source.source_name, account_id=source.account_id)
    ]


def fetch_api_keys(client: HttpClient, source: ProviderSource) -> list[AnthropicApiKey]:
    return [
        record
        for page in list_pages(client, API_KEYS)
        for record in parse_api_keys(page, source_name=source.source_name, account_id=source.account_id)
    ]


PROVIDER = Provider(
    type="anthropic_admin",
    key_header=("x-api-key", ""),
    headers={"anthropic-version": "2023-06-01"},
    windowed={
        "anthropic_usage": WindowedTable("usage", fetch_usage),
        "anthropic_costs": WindowedTable("costs", fetch_costs),
    },
    listed={
        "anthropic_workspaces": ListedTable(fetch_workspaces),
        "anthropic_api_keys": ListedTable(fetch_api_keys),
    },
    probes=(USAGE, COSTS, WORKSPACES, API_KEYS),
)
