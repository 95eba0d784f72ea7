"""The price book against the price list that it is made from."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext

import genai_prices
import pytest
from genai_prices.data import providers
from genai_prices.types import ConditionalPrice, ModelInfo, Provider, TimeOfDateConstraint
from genai_prices.types import ModelPrice as Listed

from ingestion.prices import PriceBook
from ingestion.prices.book import PRICE_FIELDS
from ingestion.records import ModelPrice

DAYS = (date(2024, 6, 1), date(2026, 3, 12), date(2026, 3, 13), date(2026, 10, 13), date(2026, 11, 1), date(2027, 1, 2))
CONTEXTS = {
    "standard": None,
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
}
SMALL = {"uncached_input": 1_234, "cache_read": 567, "output": 89}
LARGE = {"uncached_input": 300_001, "cache_read": 12_345, "output": 6_789}
BESIDES = ("requests_kcount", "output_reasoning_mtok", "output_citation_mtok")


def row_on(rows: list[ModelPrice], day: date, input_tokens: int) -> ModelPrice:
    (row,) = (
        row
        for row in rows
        if row.valid_from_date <= day <= row.valid_to_date
        and row.min_input_tokens <= input_tokens
        and (row.max_input_tokens is None or input_tokens < row.max_input_tokens)
    )
    return row


def book_cost(row: ModelPrice, tokens: dict[str, int]) -> Decimal | None:
    total = Decimal(0)
    for meter, count in tokens.items():
        price = getattr(row, PRICE_FIELDS[meter])
        if price is None and count:
            return None
        total += count * (price or 0) * Decimal("0.000001")
    return total


def package_cost(
    provider: Provider, model: ModelInfo, tokens: dict[str, int], day: date, context: dict[str, str] | None
) -> Decimal:
    usage = genai_prices.Usage(
        input_tokens=sum(count for meter, count in tokens.items() if meter != "output"),
        cache_read_tokens=tokens["cache_read"],
        cache_write_tokens=tokens.get("cache_write_5m", 0) + tokens.get("cache_write_1h", 0),
        cache_write_1h_tokens=tokens.get("cache_write_1h", 0),
        output_tokens=tokens["output"],
    )
    when = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return model.calc_price(usage, provider, genai_request_timestamp=when, price_context=context).total_price


def listed() -> Iterator[tuple[Provider, ModelInfo]]:
    """Every model that is found by its own id, without prices of certain hours or units that no column holds."""
    book = PriceBook()
    for provider in providers:
        for model in provider.models:
            conditions = [ConditionalPrice(prices=model.prices)] if isinstance(model.prices, Listed) else model.prices
            has_hours = any(isinstance(each.constraint, TimeOfDateConstraint) for each in conditions)
            units = {unit for each in conditions for unit in vars(each.prices)}
            if book.find(provider.id, model.id).model is model and not has_hours and not units & set(BESIDES):
                yield provider, model


def test_standard_prices_equal_those_of_the_package() -> None:
    """Over every listed model, some days and two sizes: equal to the last decimal, or no price where it has none."""
    compared = 0
    book = PriceBook()
    with localcontext(prec=60):
        for provider, model in listed():
            rows = book.resolve(provider.id, model.id)
            for day in DAYS:
                for tokens in (SMALL, LARGE):
                    cost = book_cost(row_on(rows, day, tokens["uncached_input"] + tokens["cache_read"]), tokens)
                    if cost is not None:
                        assert cost == package_cost(provider, model, tokens, day, None), (provider.id, model.id, day)
                        compared += 1
    assert compared > 15_000


def test_cache_writes_equal_those_of_the_package() -> None:
    """Over every Anthropic model with both write prices."""
    provider = next(provider for provider in providers if provider.id == "anthropic")
    tokens = SMALL | {"cache_write_5m": 4_321, "cache_write_1h": 987}
    compared = 0
    for model in provider.models:
        row = row_on(PriceBook().resolve("anthropic", model.id), DAYS[-2], 7_000)
        if row.cache_write_1h_usd_per_mtok is not None:
            assert book_cost(row, tokens) == package_cost(provider, model, tokens, DAYS[-2], None), model.id
            compared += 1
    assert compared > 15


def test_tier_prices_equal_those_of_the_package_or_are_none() -> None:
    """Equal where the package knows the tier; none where it would silently give the standard price."""
    priced = unpriced = 0
    book = PriceBook()
    for provider, model in listed():
        for tier, context in CONTEXTS.items():
            if context is None or not model.price_variants:
                continue
            rows = book.resolve(provider.id, model.id, tier)
            for day in DAYS:
                active = [
                    variant
                    for variant in model.price_variants
                    if variant.when == context
                    and (variant.constraint is None or variant.constraint.active(datetime(*day.timetuple()[:3])))  # noqa: DTZ001 - the package takes naive instants as UTC
                ]
                for tokens in (SMALL, LARGE):
                    row = row_on(rows, day, tokens["uncached_input"] + tokens["cache_read"])
                    if not active:
                        assert row.price_source == "no_price_for_tier"
                        assert all(getattr(row, field) is None for field in PRICE_FIELDS.values())
                        unpriced += 1
                        continue
                    cost = book_cost(row, tokens)
                    if cost is not None:
                        assert cost == package_cost(provider, model, tokens, day, context), (model.id, tier, day)
                        priced += 1
    assert priced > 500
    assert unpriced > 500


@pytest.mark.parametrize(
    ("provider_name", "model_name", "tier"),
    [
        ("openai", "gpt-5.4", "flex"),
        ("anthropic", "claude-sonnet-4-6", "standard"),
        ("google", "gemini-3.8-flash", "batch"),
        ("openai", "no-such-model", "standard"),
    ],
)
def test_rows_cover_every_day_and_size_once(provider_name: str, model_name: str, tier: str) -> None:
    """Spans follow each other from the first day to the last, and bands within them from 0 upwards."""
    rows = PriceBook().resolve(provider_name, model_name, tier)
    spans: dict[tuple[date, date], list[ModelPrice]] = {}
    for row in rows:
        spans.setdefault((row.valid_from_date, row.valid_to_date), []).append(row)
    ordered = list(spans)
    assert (ordered[0][0], ordered[-1][1]) == (date.min, date.max)
    assert all(one[1] + timedelta(days=1) == other[0] for one, other in itertools.pairwise(ordered))
    for bands in spans.values():
        assert (bands[0].min_input_tokens, bands[-1].max_input_tokens) == (0, None)
        assert all(one.max_input_tokens == other.min_input_tokens for one, other in itertools.pairwise(bands))


def test_a_price_that_changes_at_some_hours_is_the_plain_one_and_says_so() -> None:
    """Rows hold for whole days: the price without hours is used, and the source tells."""
    (row,) = PriceBook().resolve("deepseek", "deepseek-chat")
    assert row.uncached_input_usd_per_mtok == Decimal("0.135")
    assert "prices of certain hours not applied" in row.price_source


def test_prices_keep_every_digit() -> None:
    """A price of more digits than dollars usually have is passed on as it is listed."""
    (row,) = PriceBook().resolve("openrouter", "google/gemini-2.5-flash:batch")
    assert row.cache_write_5m_usd_per_mtok == Decimal("0.04166666666666665")


def test_the_default_tier_of_the_package_is_its_standard_price() -> None:
    """``default`` is folded into ``standard``, which is right only while the package gives both the same prices."""
    for provider in providers:
        for model in provider.models:
            for variant in model.price_variants or ():
                if variant.when == {"service_tier": "default"}:
                    assert not any(vars(variant.prices).values()), model.id


def test_resolving_is_fast() -> None:
    """Sixty models in four tiers, any number of days: change points are read, days are not walked."""
    names = [(provider.id, model.id) for provider in providers[:4] for model in provider.models][:60]
    book = PriceBook()
    started = time.perf_counter()
    for names_of_one in names:
        for tier in CONTEXTS:
            book.resolve(*names_of_one, tier)
    assert time.perf_counter() - started < 2
