"""The price book: list prices of one raw model name in one service tier, as spans of days with one price each.

Prices come from the ``genai-prices`` package as it is installed (its updater is never started, nothing is fetched) and
from ``config/price_overrides.csv``, which wins cell by cell.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import genai_prices
from genai_prices.data import providers as _listed_providers
from genai_prices.types import ConditionalPrice, StartDateConstraint, TieredPrices, TimeOfDateConstraint
from genai_prices.types import ModelPrice as ListedPrice
from genai_prices.types import Provider as ListedProvider

from ingestion.prices.names import STANDARD, Alias, Found, ModelNames, model_family, read_aliases
from ingestion.prices.overrides import (
    FIRST_DAY,
    LAST_DAY,
    METERS,
    WEB_SEARCH,
    PriceOverride,
    candidates,
    read_overrides,
)
from ingestion.records import ModelPrice

UNKNOWN_MODEL = "unknown_model"
NO_PRICE_FOR_TIER = "no_price_for_tier"
LISTED_PREFIX = "genai-prices "
LISTED = f"{LISTED_PREFIX}{genai_prices.__version__}"

PRICE_FIELDS = {
    meter: "web_search_usd_per_thousand" if meter == WEB_SEARCH else f"{meter}_usd_per_mtok" for meter in METERS
}
"""The column of ``ModelPrice`` that holds the price of each meter."""

# The units of the price list that state the price of a meter by themselves, the most specific first.
_STATED_BY = {
    "uncached_input": ("input_mtok",),
    "cache_read": ("cache_read_mtok",),
    # A write price without a time to live is that of the shortest one. The longer one costs more and is never guessed.
    "cache_write_5m": ("cache_write_5m_mtok", "cache_write_mtok"),
    "cache_write_1h": ("cache_write_1h_mtok",),
    "output": ("output_mtok",),
    "audio_input": ("input_audio_mtok",),
    "audio_output": ("output_audio_mtok",),
    "image_input": ("input_image_mtok",),
    "image_output": ("output_image_mtok",),
    WEB_SEARCH: ("web_searches_kcount",),
}
# What a request may cost besides, in units that no column holds.
_CHARGED_BESIDES = ("requests_kcount", "output_reasoning_mtok", "output_citation_mtok")

_Prices = Mapping[str, Decimal | TieredPrices]
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class _Listing:
    """What the price list says on one day: prices by unit, and whether another price applies at some hours."""

    prices: _Prices
    has_hours: bool = False


class PriceBook:
    """Resolves raw names into price rows. Rows of one (provider, model, tier) cover every day and every size, once.

    Args:
        overrides: Win over the price list, cell by cell.
        aliases: Names of the user's own for models of the price list.
        providers: The price list.
    """

    def __init__(
        self,
        overrides: tuple[PriceOverride, ...] = (),
        aliases: tuple[Alias, ...] = (),
        providers: list[ListedProvider] | None = None,
    ) -> None:
        self._overrides = overrides
        self._names = ModelNames(_listed_providers if providers is None else providers, aliases)

    @classmethod
    def from_config(cls, config: Path) -> PriceBook:
        """The book with the overrides and aliases of a config folder.

        Raises:
            ConfigError: one of the two files cannot be used.
        """
        return cls(read_overrides(config / "price_overrides.csv"), read_aliases(config / "model_aliases.csv"))

    def find(self, provider_name: str, model_name: str) -> Found:
        """The model that a raw name stands for."""
        return self._names.find(provider_name, model_name)

    def listed_models(self, provider_name: str) -> list[str]:
        """Canonical names of all models in the price list of a provider, and of those that only overrides name."""
        listed = {self.find(provider_name, name).model_id for name in self._names.listed(provider_name)}
        return sorted(
            listed
            | {each.model_name for each in self._overrides if each.provider_name == provider_name and not each.is_glob}
        )

    def resolve(self, provider_name: str, model_name: str, service_tier: str = STANDARD) -> list[ModelPrice]:
        """Price rows of one raw name in one canonical tier, by first day and band, without gaps.

        A model that neither the list nor an override knows gives one row without prices and the source
        ``unknown_model``; a known one without a price for the tier gives ``no_price_for_tier`` over the days that have
        none. Never the price of another tier.

        Raises:
            ConfigError: overrides contradict each other for this model.
        """
        found = self.find(provider_name, model_name)
        groups = candidates(self._overrides, provider_name, model_name, found.model_id, service_tier)
        rows = [
            self._row(provider_name, model_name, service_tier, found, groups, days, band)
            for days in _spans(_first_days(found, groups))
            for band in _bands(self._band_starts(found, service_tier, groups, days[0]))
        ]
        return merge(rows)

    def _row(
        self,
        provider_name: str,
        model_name: str,
        service_tier: str,
        found: Found,
        groups: list[list[PriceOverride]],
        days: tuple[date, date],
        band: tuple[int, int | None],
    ) -> ModelPrice:
        listing = _listing(found, service_tier, days[0])
        cells: dict[str, Decimal] = {}
        if listing is not None:
            for meter, keys in _STATED_BY.items():
                price = next((listing.prices[key] for key in keys if key in listing.prices), None)
                if price is not None:
                    cells[meter] = _at(price, band[0])
        used = _overrides_in_force(groups, days[0], band[0])
        listed_meters = cells.keys() - used.keys()
        cells.update({meter: override.price for meter, override in used.items()})
        # An override states what it states: a tier or a model that only overrides know gets no price by inference.
        inferred = _infer(cells, found) if listing is not None else []
        source, url = _source(found, listing, listed_meters, used, inferred)
        return ModelPrice(
            provider_name=provider_name,
            model_name=model_name,
            model_id=found.model_id,
            model_family=model_family(found.model_id) if found.model or used else None,
            service_tier=service_tier,
            valid_from_date=days[0],
            valid_to_date=days[1],
            min_input_tokens=band[0],
            max_input_tokens=band[1],
            price_source=source,
            price_source_url=url,
            price_checked_date=min((override.checked_date for override in used.values()), default=None),
            **{field: cells.get(meter) for meter, field in PRICE_FIELDS.items()},
        )

    def _band_starts(self, found: Found, service_tier: str, groups: list[list[PriceOverride]], day: date) -> set[int]:
        starts = {0}
        listing = _listing(found, service_tier, day)
        for price in listing.prices.values() if listing else ():
            if isinstance(price, TieredPrices):
                # A tier begins above its start: the request of exactly that many tokens still pays the price below.
                starts.update(tier.start + 1 for tier in price.tiers)
        for override in (each for group in groups for each in group):
            if override.valid_from_date <= day <= override.valid_to_date:
                starts.add(override.min_input_tokens)
                if override.max_input_tokens is not None:
                    starts.add(override.max_input_tokens)
        return starts


def merge(rows: Iterable[ModelPrice]) -> list[ModelPrice]:
    """The same prices in as few rows as possible: neighbours in size, then in time, that differ in nothing else.

    Rows are of one (provider, model, tier), by first day and band; the bands of one first day follow each other.
    """
    by_days: dict[tuple[date, date], list[ModelPrice]] = {}
    for row in rows:
        bands = by_days.setdefault((row.valid_from_date, row.valid_to_date), [])
        if (
            bands
            and dataclasses.replace(
                bands[-1], min_input_tokens=row.min_input_tokens, max_input_tokens=row.max_input_tokens
            )
            == row
        ):
            bands[-1] = dataclasses.replace(bands[-1], max_input_tokens=row.max_input_tokens)
        else:
            bands.append(row)
    spans: list[list[ModelPrice]] = []
    for (first, last), bands in sorted(by_days.items()):
        before = spans[-1] if spans else []
        if (
            before
            and [dataclasses.replace(row, valid_from_date=first, valid_to_date=last) for row in before] == bands
            and before[0].valid_to_date + _ONE_DAY == first
        ):
            spans[-1] = [dataclasses.replace(row, valid_to_date=last) for row in before]
        else:
            spans.append(bands)
    return [row for span in spans for row in span]


def _listing(found: Found, service_tier: str, day: date) -> _Listing | None:
    """What the price list says for a tier on a day; None if it has no price for that tier then."""
    if found.model is None:
        return None
    conditions = found.model.prices
    has_hours = False
    if isinstance(conditions, ListedPrice):
        standard = conditions
    elif not conditions:
        return None
    else:
        has_hours = any(isinstance(each.constraint, TimeOfDateConstraint) for each in conditions)
        standard = next((each.prices for each in reversed(conditions) if _in_force(each, day)), conditions[0].prices)
    prices = _stated(standard)
    if service_tier == STANDARD:
        return _Listing(prices, has_hours)
    context = {"processing": "batch"} if service_tier == "batch" else {"service_tier": service_tier}
    variants = [
        variant
        for variant in found.model.price_variants or ()
        if variant.when == context
        and (variant.constraint is None or _starts_by(variant.constraint, day))
        and not found.is_borrowed
    ]
    if not variants:
        return None
    for variant in reversed(variants):
        prices |= _stated(variant.prices)
    return _Listing(prices, has_hours)


def _in_force(condition: ConditionalPrice, day: date) -> bool:
    return condition.constraint is None or _starts_by(condition.constraint, day)


def _starts_by(constraint: StartDateConstraint | TimeOfDateConstraint, day: date) -> bool:
    """Prices of some hours of the day are left out: a row holds for whole days."""
    return isinstance(constraint, StartDateConstraint) and constraint.start_date <= day


def _stated(prices: ListedPrice) -> dict[str, Decimal | TieredPrices]:
    return {unit: price for unit, price in vars(prices).items() if price is not None}


def _at(price: Decimal | TieredPrices, input_tokens: int) -> Decimal:
    """The price that the whole request pays: that of the highest tier which its input exceeds."""
    if isinstance(price, Decimal):
        return price
    return next((tier.price for tier in reversed(price.tiers) if input_tokens > tier.start), price.base)


def _overrides_in_force(groups: list[list[PriceOverride]], day: date, input_tokens: int) -> dict[str, PriceOverride]:
    used: dict[str, PriceOverride] = {}
    for group in groups:
        for override in group:
            if override.holds(day, input_tokens):
                used.setdefault(override.token_type, override)
    return used


def _infer(cells: dict[str, Decimal], found: Found) -> list[str]:
    """Fills in what the stated prices imply, and says for which cache meters.

    A list that names no price for a kind of input tokens charges them as input. That goes for cache reads, for cache
    writes where no write price of any kind is named, and for images. Google's price lists say so for audio as well; at
    other providers audio costs many times the price of text, so there it stays without a price. Speech models put out
    nothing but audio.
    """
    inferred = []
    plain = cells.get("uncached_input")
    if plain is not None:
        if "cache_read" not in cells:
            cells["cache_read"] = plain
            inferred.append("cache_read")
        if "cache_write_5m" not in cells and "cache_write_1h" not in cells:
            cells["cache_write_5m"] = plain
            inferred.append("cache_write_5m")
        cells.setdefault("image_input", plain)
        if found.model_id.startswith("gemini-"):
            cells.setdefault("audio_input", plain)
    if "output" in cells and found.model_id.rpartition("-tts")[1]:
        cells.setdefault("audio_output", cells["output"])
    return inferred


def _source(
    found: Found,
    listing: _Listing | None,
    listed_meters: Iterable[str],
    used: Mapping[str, PriceOverride],
    inferred: list[str],
) -> tuple[str, str | None]:
    """Where the prices of a row come from, in words, and the page that states them."""
    if listing is None and not used:
        return (UNKNOWN_MODEL if found.model is None else NO_PRICE_FOR_TIER), None
    parts = []
    if used:
        names = ", ".join(meter for meter in METERS if meter in used)
        parts.append(f"override ({names})" if list(listed_meters) else "override")
    if listing is not None and (list(listed_meters) or not used):
        parts.append(LISTED)
        if listing.has_hours:
            parts.append("prices of certain hours not applied")
        besides = [unit for unit in _CHARGED_BESIDES if unit in listing.prices]
        if besides:
            parts.append(f"without {', '.join(besides)}")
    if inferred:
        parts.append(f"{', '.join(inferred)} at the input price")
    urls = list(dict.fromkeys(used[meter].source_url for meter in METERS if meter in used))
    if not urls and found.provider is not None:
        urls = (found.provider.pricing_urls or [])[:1]
    return "; ".join(parts), " ".join(urls) or None


def _first_days(found: Found, groups: list[list[PriceOverride]]) -> set[date]:
    """Every day on which a price of the model may change, whatever its tier."""
    days = {FIRST_DAY}
    if found.model is not None:
        conditions = [] if isinstance(found.model.prices, ListedPrice) else found.model.prices
        for constraint in [each.constraint for each in (*conditions, *(found.model.price_variants or ()))]:
            if isinstance(constraint, StartDateConstraint):
                days.add(constraint.start_date)
    for override in (each for group in groups for each in group):
        days.add(override.valid_from_date)
        if override.valid_to_date < LAST_DAY:
            days.add(override.valid_to_date + _ONE_DAY)
    return days


def _spans(first_days: Iterable[date]) -> Iterator[tuple[date, date]]:
    ordered = sorted(first_days)
    for index, first in enumerate(ordered):
        yield first, ordered[index + 1] - _ONE_DAY if index + 1 < len(ordered) else LAST_DAY


def _bands(starts: Iterable[int]) -> Iterator[tuple[int, int | None]]:
    ordered = sorted(starts)
    for index, first in enumerate(ordered):
        yield first, ordered[index + 1] if index + 1 < len(ordered) else None
