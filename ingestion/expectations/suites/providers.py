"""What the providers' admin APIs may answer.

Amounts may be negative (credits, refunds) and service tiers may be new; tokens can be neither negative nor of no day.
"""

from __future__ import annotations

from collections.abc import Callable

from ingestion.expectations.suites.vocabulary import (
    Expectations,
    currency,
    decimals,
    not_blank,
    not_negative,
    ordered,
    record_of,
    unique,
)

_OPENAI_COUNTS = (
    "num_model_requests",
    "input_tokens",
    "input_uncached_tokens",
    "input_cached_tokens",
    "input_cache_write_tokens",
    "output_tokens",
    "input_audio_tokens",
    "input_cached_audio_tokens",
    "output_audio_tokens",
    "input_image_tokens",
    "input_cached_image_tokens",
    "output_image_tokens",
    "images",
    "characters",
    "seconds",
    "usage_bytes",
    "num_sessions",
    "num_requests",
)
_ANTHROPIC_COUNTS = (
    "uncached_input_tokens",
    "cache_read_input_tokens",
    "cache_creation_5m_input_tokens",
    "cache_creation_1h_input_tokens",
    "output_tokens",
    "web_search_requests",
)


def _openai_costs() -> Expectations:
    return (
        record_of("openai_costs")
        + decimals("amount_value", "quantity")
        + currency("amount_currency")
        + not_blank("project_id", "api_key_id")
    )


def _openai_usage() -> Expectations:
    return (
        record_of("openai_usage")
        + not_blank("usage_kind")
        + not_negative(*_OPENAI_COUNTS)
        + ordered("bucket_start_at", "bucket_end_at", or_equal=False)
        # The vendor's input tokens include the cached ones.
        + ordered("input_cached_tokens", "input_tokens")
        + ordered("input_uncached_tokens", "input_tokens")
    )


def _anthropic_usage() -> Expectations:
    return (
        record_of("anthropic_usage")
        + not_negative(*_ANTHROPIC_COUNTS)
        + ordered("bucket_start_at", "bucket_end_at", or_equal=False)
    )


def _anthropic_costs() -> Expectations:
    return record_of("anthropic_costs") + decimals("amount_cents") + currency("amount_currency")


def _listing(table: str, *key: str) -> Callable[[], Expectations]:
    return lambda: record_of(table) + not_blank(*key) + unique(*key)


SUITES: dict[str, Callable[[], Expectations]] = {
    "openai_costs": _openai_costs,
    "openai_usage": _openai_usage,
    "openai_projects": _listing("openai_projects", "project_id"),
    "openai_api_keys": _listing("openai_api_keys", "project_id", "api_key_id"),
    "openai_users": _listing("openai_users", "user_id"),
    "anthropic_usage": _anthropic_usage,
    "anthropic_costs": _anthropic_costs,
    "anthropic_workspaces": _listing("anthropic_workspaces", "workspace_id"),
    "anthropic_api_keys": _listing("anthropic_api_keys", "api_key_id"),
}
