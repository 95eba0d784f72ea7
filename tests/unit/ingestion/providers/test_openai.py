"""OpenAI's payloads become records."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from ingestion.errors import MalformedResponseError
from ingestion.providers import openai
from ingestion.records import OpenAIUsage, to_arrow

Payload = Callable[[str], dict[str, Any]]
WHO: dict[str, str] = {"source_name": "openai", "account_id": "acme"}


def test_costs_keep_exact_amounts_currencies_and_nulls(payload: Payload) -> None:
    """Number, text, exponent, negative and foreign amounts are kept as sent; the empty day has no row."""
    costs = openai.parse_costs(payload("openai_costs"), **WHO)
    assert [(c.usage_date.day, format(c.amount_value, "f"), c.amount_currency) for c in costs] == [
        (1, "0.06", "usd"),
        (1, "0.8958740000000000", "usd"),
        (1, "0.00125", "usd"),
        (1, "0.000000000000000000", "usd"),
        (3, "-12.5", "usd"),
        (3, "3.10", "eur"),
        (3, "100", "usd"),
    ]
    assert (costs[0].quantity, costs[0].quantity_unit) == (Decimal("240000.0"), "tokens")
    assert (costs[2].project_id, costs[2].api_key_id, costs[2].quantity_unit) == ("proj_search", None, None)
    assert (costs[4].project_id, costs[4].line_item, costs[4].quantity) == (None, "credit grant", None)
    assert {(c.source_name, c.account_id) for c in costs} == {("openai", "acme")}


def test_a_completion_has_every_measure(payload: Payload) -> None:
    """The vendor's own total stays beside its parts; fields without a column are ignored."""
    full, sparse = openai.parse_usage(payload("openai_usage")["completions"], "completions", **WHO)
    assert full == OpenAIUsage(
        source_name="openai",
        account_id="acme",
        usage_kind="completions",
        bucket_start_at=datetime(2026, 11, 1, tzinfo=UTC),
        bucket_end_at=datetime(2026, 11, 2, tzinfo=UTC),
        project_id="proj_search",
        user_id=None,
        api_key_id="key_search_prod",
        model_name="gpt-5-mini-2025-08-07",
        is_batch=False,
        service_tier="default",
        num_model_requests=5,
        input_tokens=1000,
        input_uncached_tokens=500,
        input_cached_tokens=400,
        input_cache_write_tokens=100,
        output_tokens=250,
        input_audio_tokens=0,
        input_cached_audio_tokens=0,
        output_audio_tokens=0,
        input_image_tokens=0,
        input_cached_image_tokens=0,
        output_image_tokens=0,
        images=None,
        image_source=None,
        image_size=None,
        characters=None,
        seconds=None,
        usage_bytes=None,
        num_sessions=None,
        num_requests=None,
        context_level=None,
        vector_store_id=None,
    )
    assert (sparse.input_tokens, sparse.input_cached_tokens, sparse.is_batch, sparse.service_tier) == (
        59200,
        None,
        True,
        None,
    )


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("embeddings", {"input_tokens": 16, "num_model_requests": 2, "model_name": "text-embedding-3-small"}),
        ("moderations", {"input_tokens": 16, "num_model_requests": 2}),
        ("images", {"images": 2, "image_source": "image.generation", "image_size": "1024x1024"}),
        ("audio_speeches", {"characters": 45, "num_model_requests": 1}),
        ("audio_transcriptions", {"seconds": 20, "num_model_requests": 1}),
        ("vector_stores", {"usage_bytes": 1024, "project_id": "proj_search", "model_name": None}),
        ("code_interpreter_sessions", {"num_sessions": 3, "project_id": None}),
        ("file_search_calls", {"num_requests": 7, "vector_store_id": "vs_1"}),
        ("web_search_calls", {"num_requests": 9, "num_model_requests": 4, "context_level": "medium"}),
    ],
)
def test_every_kind_fills_its_own_measures(payload: Payload, kind: str, expected: dict[str, object]) -> None:
    """What a kind does not measure is null, not zero."""
    (usage,) = openai.parse_usage(payload("openai_usage")[kind], kind, **WHO)
    assert usage.usage_kind == kind
    assert {name: getattr(usage, name) for name in expected} == expected
    measures = {field.name for field in dataclasses.fields(OpenAIUsage)} & {
        measure for other in openai.USAGE_KINDS.values() for measure in other.measures
    }
    assert {name for name in measures if getattr(usage, name) is not None} == set(openai.USAGE_KINDS[kind].measures)


@pytest.mark.parametrize("kind", openai.USAGE_KINDS)
def test_a_missing_measure_is_named_by_its_path(payload: Payload, kind: str) -> None:
    """A kind without its measures is a changed API, not a day without use."""
    page = payload("openai_usage")[kind]
    for measure in openai.USAGE_KINDS[kind].measures:
        broken = {**page["data"][0]["results"][0]}
        del broken[measure]
        with pytest.raises(MalformedResponseError, match=rf"`data\[0\]\.results\[0\]\.{measure}`"):
            openai.parse_usage({"data": [{**page["data"][0], "results": [broken]}]}, kind, **WHO)


@pytest.mark.parametrize("field", ["value", "currency"])
def test_an_amount_without_value_or_currency_is_refused(payload: Payload, field: str) -> None:
    """Neither zero nor dollars are assumed."""
    page = payload("openai_costs")
    del page["data"][0]["results"][1]["amount"][field]
    with pytest.raises(MalformedResponseError, match=rf"`data\[0\]\.results\[1\]\.amount\.{field}`"):
        openai.parse_costs(page, **WHO)


def test_a_bucket_without_results_is_not_an_empty_bucket(payload: Payload) -> None:
    """Emptying a day takes an explicit empty list."""
    page = payload("openai_costs")
    del page["data"][1]["results"]
    with pytest.raises(MalformedResponseError, match=r"`data\[1\]\.results`"):
        openai.parse_costs(page, **WHO)


def test_projects_have_names_and_ends(payload: Payload) -> None:
    """Archived projects come with the day of their end; a name may be null."""
    active, archived = openai.parse_projects(payload("openai_projects"), **WHO)
    assert (active.project_name, active.status, active.archived_at) == ("Search", "active", None)
    assert (archived.project_name, archived.archived_at) == (None, datetime.fromtimestamp(1750000000, UTC))


def test_keys_have_owners(payload: Payload) -> None:
    """Service accounts and users own keys; an owner of an unknown kind is kept without a name."""
    keys = openai.parse_api_keys(payload("openai_api_keys"), "proj_search", **WHO)
    assert [(k.project_id, k.api_key_id, k.api_key_name, k.owner_type, k.owner_id, k.owner_name) for k in keys] == [
        ("proj_search", "key_search_prod", "search production", "service_account", "svc_1", "search"),
        ("proj_search", "key_ann", None, "user", "user_ann", "Ann"),
        ("proj_search", "key_orphan", "orphan", "robot", None, None),
    ]


def test_no_mail_address_and_no_part_of_a_key_is_landed(payload: Payload) -> None:
    """Personal data and redacted keys stay at the provider."""
    users = openai.parse_users(payload("openai_users"), **WHO)
    keys = openai.parse_api_keys(payload("openai_api_keys"), "proj_search", **WHO)
    assert [(u.user_id, u.user_name, u.role) for u in users] == [("user_ann", "Ann", "owner")]
    landed = repr(users) + repr(keys)
    assert "@" not in landed
    assert "sk-" not in landed


def test_records_fit_the_lake(payload: Payload) -> None:
    """Amounts arrive in the Arrow table as the exact text."""
    costs = openai.parse_costs(payload("openai_costs"), **WHO)
    table = to_arrow(type(costs[0]), costs)
    assert table["amount_value"].to_pylist()[1] == "0.8958740000000000"
    assert table["usage_date"].to_pylist()[0] == date(2026, 11, 1)
