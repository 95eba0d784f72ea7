"""Which models could do the work instead, and at which prices: all in use, and what ``model_candidates.csv`` allows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ingestion.lake import Lake, Load
from ingestion.prices.book import NO_PRICE_FOR_TIER, UNKNOWN_MODEL, PriceBook
from ingestion.prices.history import SOURCE, read_landed
from ingestion.prices.model_facts import CandidateRule, ModelFacts, closest, read_model_facts
from ingestion.records import ModelCandidate, ModelPrice, to_arrow
from ingestion.settings import Settings

TIERS = ("standard", "batch", "flex", "priority")

Model = tuple[str, str]
"""Provider and canonical model."""


def land_candidates(settings: Settings, lake: Lake) -> tuple[Load, Load]:
    """Lands prices and facts of every model that a feature might use; skipped by the lake if nothing changed.

    Follows ``land_prices``: what the lake has seen is read from the prices that are landed for it.

    Returns:
        The loads of ``candidate_prices`` and ``model_candidates``.
    Raises:
        ConfigError: a price override, an alias or one of the three files on models cannot be used.
    """
    lake.write_index(settings.index_path)
    book, facts = PriceBook.from_config(settings.config), read_model_facts(settings.config)
    in_use = _names_in_use(read_landed(settings.index_path)[1])
    names = {**_allowed_by_rule(book, facts.rules, {provider for provider, _ in in_use}), **in_use}
    prices = [row for model, name in sorted(names.items()) for row in candidate_prices(book, model, name)]
    known = sorted({(row.provider_name, row.model_id) for row in prices})
    candidates = [
        describe(book, facts, feature, model, names[model], is_in_use=model in in_use)
        for feature in (None, *facts.features)
        for model in known
    ]
    return (
        lake.land("candidate_prices", SOURCE, to_arrow(ModelPrice, prices), account_id=""),
        lake.land("model_candidates", SOURCE, to_arrow(ModelCandidate, candidates), account_id=""),
    )


def candidate_prices(book: PriceBook, model: Model, model_name: str) -> Iterator[ModelPrice]:
    """Price rows of a model in all tiers in which it has a price, under its canonical name."""
    for tier in TIERS:
        for row in book.resolve(model[0], model_name, tier):
            if row.price_source not in (UNKNOWN_MODEL, NO_PRICE_FOR_TIER):
                yield replace(row, model_name=model[1], model_id=model[1])


def describe(
    book: PriceBook, facts: ModelFacts, feature: str | None, model: Model, model_name: str, *, is_in_use: bool
) -> ModelCandidate:
    """What is known of a model, and whether a feature (None: any) may use it. Without a rule, what is in use may be."""
    provider_name, model_id = model
    rule = facts.rule(feature, provider_name, model_id)
    limit = closest(facts.limits, provider_name, model_id)
    tokenizer = closest(facts.tokenizers, provider_name, model_id)
    listed = book.find(provider_name, model_name).model
    return ModelCandidate(
        feature=feature,
        provider_name=provider_name,
        model_id=model_id,
        is_allowed=rule.is_allowed if rule else is_in_use,
        is_in_use=is_in_use,
        decision_note=rule.note if rule else None,
        context_window_tokens=(limit and limit.context_window_tokens) or (listed and listed.context_window) or None,
        min_cached_tokens=limit.min_cached_tokens if limit else None,
        tokenizer_name=tokenizer.tokenizer_name if tokenizer else None,
        tokens_per_reference=tokenizer.tokens_per_reference if tokenizer else None,
        token_uncertainty_ratio=tokenizer.uncertainty_ratio if tokenizer else None,
        token_source_url=tokenizer.source_url if tokenizer else None,
        retired_date=limit.retired_date if limit else None,
    )


def _names_in_use(landed: Iterable[ModelPrice]) -> dict[Model, str]:
    """Of each model that the lake has seen, one raw name that the price book knows it by."""
    return {
        (row.provider_name, row.model_id): row.model_name
        for row in sorted(landed, key=lambda row: row.model_name, reverse=True)
        if row.price_source != UNKNOWN_MODEL
    }


def _allowed_by_rule(book: PriceBook, rules: Iterable[CandidateRule], providers: set[str]) -> dict[Model, str]:
    """Models of the price list that a rule allows, of providers that the company has an account with."""
    wanted = [rule for rule in rules if rule.is_allowed]
    return {
        (provider, model_id): model_id
        for provider in sorted(providers)
        for model_id in book.listed_models(provider)
        if closest(wanted, provider, model_id) is not None
    }
