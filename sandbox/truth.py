"""The truth about each request, as one table: who asked, what it used, what it cost, and what the logs say of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox import company, prices
from sandbox.draws import Flags, Ints, decimals, hex_text, mix
from sandbox.prompts import describe
from sandbox.requests import ERROR_TYPES, IS_SUCCESS, STATUS_CODES, Requests
from sandbox.spec import SandboxSpec
from sandbox.troubles import UNKNOWN_MODELS, Troubles

BILLED_SCALE = 14
"""Billed costs are list costs times whole percentages: whole numbers of 10**-14 dollars."""

_EPOCH = date(1970, 1, 1).toordinal()


def request_table(
    spec: SandboxSpec, requests: Requests, troubles: Troubles, waived: frozenset[tuple[str, date]]
) -> pa.Table:
    """One row for each request.

    ``list_cost_usd`` is tokens times list price; ``billed_cost_usd`` is what the provider finally charges for it,
    before credits. Both are 0 for requests that are not billable. ``explained_by_logs`` is true where a good log line
    carries the request's tokens under a model name that can be priced: the rest of the metered tokens is what no log
    explains.
    """
    sites = requests.site

    def of_site(value: Callable[[company.Site], str | None]) -> pa.Array:
        return _coded(sites, [value(site) for site in company.sites()])

    model_names = [site.model.name for site in company.sites()]
    aliases = [site.model.alias for site in company.sites()]
    names = [*model_names, *aliases, *UNKNOWN_MODELS]
    name_index = np.where(requests.uniform(20) < 0.3, sites + len(model_names), sites)
    unknown = 2 * len(model_names) + (requests.uniform(21) < 0.5).astype(np.int64)
    name_index = np.where(troubles.is_unknown_model, unknown, name_index)
    ids = hex_text(mix(requests.key, 30))
    is_answered = np.isin(STATUS_CODES[requests.status], (200, 499))
    total = requests.tokens.sum(axis=0)
    percent = _percentages(spec, requests, waived)
    list_cost = requests.list_pico_usd.sum(axis=0)
    columns: dict[str, pa.Array] = {
        "request_id": _prefixed("req_", ids),
        "response_id": _response_ids(requests, is_answered),
        "gateway_log_id": _prefixed("gw_", ids, troubles.is_in_gateway),
        "sdk_log_id": _prefixed("sdk_", ids, troubles.is_in_sdk),
        "trace_id": hex_text(requests.trace, mix(requests.trace, 31)),
        "span_id": hex_text(mix(requests.key, 32)),
        "session_id": _prefixed("sess_", hex_text(requests.session)),
        "provider_name": of_site(lambda site: site.feature.provider_name),
        "account_id": of_site(lambda site: company.ACCOUNTS[site.feature.provider_name]),
        "project_id": of_site(lambda site: site.feature.project_id),
        "api_key_id": of_site(lambda site: site.api_key_id),
        "user_id": of_site(lambda site: site.user_id),
        "model_id": of_site(lambda site: prices.model_id(site.feature.provider_name, site.model.name)),
        "model_name": of_site(lambda site: site.model.name),
        "logged_model_name": _coded(name_index, names),
        "operation_name": of_site(lambda site: site.feature.operation_name),
        "service_tier": of_site(lambda site: site.model.tier),
        "context_band": _coded(requests.band, list(prices.BANDS)),
        "service_name": of_site(lambda site: site.feature.service_name),
        "error_type": _coded(requests.status, [kind or None for kind in ERROR_TYPES]),
        "team": of_site(lambda site: site.feature.team),
        "feature": of_site(lambda site: site.feature.feature),
        "environment": of_site(lambda site: site.environment),
        "customer_id": _coded(requests.customer, [customer.customer_id for customer in company.customers()]),
        "prompt_name": of_site(lambda site: f"{site.feature.feature}-prompt" if site.feature.outcome_name else None),
        "prompt_version": _prompt_versions(requests),
        "experiment_id": of_site(lambda site: site.model.experiment_id),
        "variant": of_site(lambda site: site.model.variant),
        "status_code": pa.array(STATUS_CODES[requests.status]),
        "attempt": pa.array(requests.attempt),
        **{f"{meter}_tokens": pa.array(requests.tokens[index]) for index, meter in enumerate(prices.TOKEN_TYPES)},
        "of_which_reasoning_tokens": pa.array(requests.reasoning),
        "total_tokens": pa.array(total),
        "web_search_requests": pa.array(requests.searches),
        "duration_ms": pa.array(requests.duration_ms),
        "skew_ms": pa.array(troubles.skew_ms),
        "duplicate_count": pa.array(troubles.gateway_duplicates + troubles.sdk_duplicates),
        "list_cost_usd": decimals(list_cost, prices.COST_SCALE),
        "billed_cost_usd": decimals(list_cost * percent, BILLED_SCALE),
        "is_success": pa.array(IS_SUCCESS[requests.status]),
        "is_billable": pa.array(requests.is_billable),
        "is_metered": pa.array(requests.is_metered),
        "is_dark": pa.array(troubles.is_dark),
        "is_lost": pa.array(troubles.is_lost),
        "is_logged": pa.array(troubles.is_logged),
        "is_in_gateway": pa.array(troubles.is_in_gateway),
        "is_in_sdk": pa.array(troubles.is_in_sdk),
        "is_usage_logged": pa.array(troubles.is_usage_logged),
        "explained_by_logs": pa.array(troubles.is_usage_logged & ~troubles.is_unknown_model),
        "is_unknown_model": pa.array(troubles.is_unknown_model),
        "is_missing_tag": pa.array(troubles.is_missing_tag),
        "is_misspelled_tag": pa.array(troubles.is_misspelled_tag),
        "is_wrong_tag": pa.array(troubles.is_wrong_tag),
        "is_missing_environment": pa.array(troubles.is_missing_environment),
        "is_missing_service": pa.array(troubles.is_missing_service),
        "has_clock_skew": pa.array(troubles.skew_ms != 0),
        "has_logged_response_id": pa.array(troubles.has_response_id),
        **describe(requests).columns(),
        "usage_date": pa.array((requests.ordinal - _EPOCH).astype("datetime64[D]")),
        "started_at": pa.array(requests.started_us).cast(pa.timestamp("us", tz="UTC")),
    }
    return pa.table(columns)


def _coded(index: Ints, values: Sequence[str | None]) -> pa.Array:
    """Texts by their index; a negative index is null."""
    codes = pa.array(index.astype(np.int32), mask=index < 0)
    return pa.array(values, type=pa.string()).take(codes).dictionary_encode()


def _prefixed(prefix: str, texts: pa.Array, keep: Flags | None = None) -> pa.Array:
    joined = pc.binary_join_element_wise(prefix, texts, "")
    return joined if keep is None else pc.if_else(pa.array(keep), joined, None)


def _response_ids(requests: Requests, is_answered: Flags) -> pa.Array:
    prefixes = _coded(
        requests.site, ["chatcmpl-" if site.feature.provider_name == "openai" else "msg_01" for site in company.sites()]
    ).cast(pa.string())
    joined = pc.binary_join_element_wise(prefixes, hex_text(mix(requests.key, 33)), "")
    return pc.if_else(pa.array(is_answered), joined, None)


def _prompt_versions(requests: Requests) -> pa.Array:
    width = max(len(feature.prompts) for feature in company.FEATURES)
    versions: list[str | None] = []
    for feature in company.FEATURES:
        named = [revision.version if feature.outcome_name else None for revision in feature.prompts]
        versions += named + [None] * (width - len(named))
    feature_of = np.array([company.FEATURES.index(site.feature) for site in company.sites()])[requests.site]
    return _coded(feature_of * width + requests.prompt, versions)


def _percentages(spec: SandboxSpec, requests: Requests, waived: frozenset[tuple[str, date]]) -> Ints:
    """Percentage of list price that each request finally costs; 0 on waived days."""
    days = np.unique(requests.ordinal)
    table = np.array(
        [
            [
                0 if (provider, date.fromordinal(int(day))) in waived
                else company.contract_percent(provider, date.fromordinal(int(day)), spec.story_date)
                for provider in ("openai", "anthropic")
            ]
            for day in days
        ]
    )  # fmt: skip
    is_anthropic = np.array([site.feature.provider_name == "anthropic" for site in company.sites()], dtype=np.int64)
    return np.asarray(table[np.searchsorted(days, requests.ordinal), is_anthropic[requests.site]])
