"""What the providers really charge: unit prices per model, tier, context band and day, as whole numbers.

The list price is resolved from ``genai-prices`` here, apart from the price book that it is used to grade. Two things
differ from the package's answer, both also in ``sandbox/config/price_overrides.csv``:

* The package dates batch, flex and priority prices by the day on which it first recorded them. The providers had them
long
  before, so here a variant is in force on every day.
* ``gpt-5-acme-pilot`` is a private preview that no public price list has.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache

import numpy as np
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, StartDateConstraint, TieredPrices

from sandbox.draws import Ints

TOKEN_TYPES = (
    "uncached_input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "output",
    "audio_input",
    "audio_output",
)
METERS = (*TOKEN_TYPES, "web_search")
"""Everything that a request is charged for, in the order of the price arrays."""

BANDS = ("short", "long")
"""Context bands: a request whose whole input exceeds the threshold pays the long price for all of its tokens."""

COST_SCALE = 12
"""List costs are whole numbers of 10**-12 dollars: exact for six decimals of dollars per million tokens."""

_PRICE_KEYS: dict[str, tuple[str, ...]] = {
    "uncached_input": ("input_mtok",),
    "cache_read": ("cache_read_mtok", "input_mtok"),
    "cache_write_5m": ("cache_write_5m_mtok", "cache_write_mtok", "input_mtok"),
    "cache_write_1h": ("cache_write_1h_mtok", "cache_write_mtok", "input_mtok"),
    "output": ("output_mtok",),
    "audio_input": ("input_audio_mtok", "input_mtok"),
    "audio_output": ("output_audio_mtok", "output_mtok"),
}
_VARIANTS = {
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
}
_PRIVATE: dict[str, dict[str, Decimal]] = {
    "gpt-5-acme-pilot": {
        "input_mtok": Decimal("0.90"),
        "cache_read_mtok": Decimal("0.09"),
        "output_mtok": Decimal("7.20"),
    }
}


@cache
def _model(provider_name: str, model_name: str) -> ModelInfo:
    provider = next(provider for provider in get_snapshot().providers if provider.id == provider_name)
    model = provider.find_model(model_name)
    if model is None:
        raise LookupError(f"genai-prices does not know {provider_name} {model_name}")
    return model


def model_id(provider_name: str, model_name: str) -> str:
    """The canonical name of a model: that of genai-prices, or its own name for a private one."""
    return model_name if model_name in _PRIVATE else _model(provider_name, model_name).id


@cache
def long_context_threshold(provider_name: str, model_name: str) -> int | None:
    """Most input tokens that still pay the short price; None if the model has one price."""
    if model_name in _PRIVATE:
        return None
    price = _standard(provider_name, model_name, date.max).get("input_mtok")
    return price.tiers[0].start if isinstance(price, TieredPrices) else None


@cache
def _standard(provider_name: str, model_name: str, day: date) -> dict[str, Decimal | TieredPrices]:
    prices = _model(provider_name, model_name).get_prices(datetime.combine(day, time(), tzinfo=UTC))
    return _values(prices)


def _values(prices: ModelPrice) -> dict[str, Decimal | TieredPrices]:
    return {key: value for key, value in vars(prices).items() if value is not None}


def unit_prices(provider_name: str, model_name: str, tier: str, day: date) -> dict[str, tuple[Decimal, Decimal]]:
    """List price of each meter in the short and the long band: dollars per million tokens, or per thousand searches.

    Raises:
        LookupError: the model has no price, or no price for this tier.
    """
    prices: dict[str, Decimal | TieredPrices]
    if model_name in _PRIVATE:
        prices = dict(_PRIVATE[model_name])
    else:
        prices = dict(_standard(provider_name, model_name, day))
        if tier != "standard":
            prices |= _variant(provider_name, model_name, tier)
    found: dict[str, tuple[Decimal, Decimal]] = {}
    for token_type, keys in _PRICE_KEYS.items():
        price = next((prices[key] for key in keys if key in prices), None)
        if price is not None:
            found[token_type] = _both_bands(price)
    found["web_search"] = _both_bands(prices.get("web_searches_kcount", Decimal(0)))
    return found


def _variant(provider_name: str, model_name: str, tier: str) -> dict[str, Decimal | TieredPrices]:
    for variant in _model(provider_name, model_name).price_variants or ():
        if variant.when == _VARIANTS[tier]:
            return _values(variant.prices)
    raise LookupError(f"genai-prices has no {tier} price for {provider_name} {model_name}")


def _both_bands(price: Decimal | TieredPrices) -> tuple[Decimal, Decimal]:
    return (price.base, price.tiers[0].price) if isinstance(price, TieredPrices) else (price, price)


@cache
def price_row(provider_name: str, model_name: str, tier: str, day: date) -> Ints:
    """Whole 10**-12 dollars for one token (or one search), by band and meter."""
    prices = unit_prices(provider_name, model_name, tier, day)
    row = np.zeros((len(BANDS), len(METERS)), dtype=np.int64)
    for meter, both in prices.items():
        per = 10**9 if meter == "web_search" else 10**6
        for band, price in enumerate(both):
            scaled = price * per
            if scaled != scaled.to_integral_value():
                raise LookupError(f"the {meter} price of {model_name} has more digits than costs hold here")
            row[band, METERS.index(meter)] = int(scaled)
    return row


def price_key_day(provider_name: str, model_name: str, day: date) -> date:
    """The first day of the price period that holds ``day``, so that equal days share one resolved row."""
    if model_name in _PRIVATE:
        return date.min
    prices = _model(provider_name, model_name).prices
    if isinstance(prices, ModelPrice):
        return date.min
    starts = [entry.constraint.start_date for entry in prices if isinstance(entry.constraint, StartDateConstraint)]
    return max((start for start in starts if start <= day), default=date.min)
