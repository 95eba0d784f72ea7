"""``config/price_overrides.csv``: prices that the price list does not have, or has wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from itertools import combinations
from pathlib import Path

from ingestion.errors import ConfigError
from ingestion.prices.names import STANDARD, normalize_tier, strict_rows

COLUMNS = (
    "provider_name",
    "model_name",
    "service_tier",
    "token_type",
    "valid_from_date",
    "valid_to_date",
    "min_input_tokens",
    "max_input_tokens",
    "usd_per_mtok",
    "source_url",
    "checked_date",
)

TOKEN_TYPES = (
    "uncached_input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "output",
    "audio_input",
    "audio_output",
    "image_input",
    "image_output",
)
WEB_SEARCH = "web_search"
"""Priced per thousand searches; its override writes dollars per thousand into ``usd_per_mtok``."""
METERS = (*TOKEN_TYPES, WEB_SEARCH)

_SOURCES = ("https://", "http://", "contract:", "package:")

FIRST_DAY = date.min
LAST_DAY = date.max


@dataclass(frozen=True)
class PriceOverride:
    """One price over a span of days (last day included) and a band of input tokens (upper end excluded).

    ``model_name`` is a raw name, a canonical model id, or a glob over either, in lower case.
    """

    provider_name: str
    model_name: str
    service_tier: str
    token_type: str
    valid_from_date: date
    valid_to_date: date
    min_input_tokens: int
    max_input_tokens: int | None
    price: Decimal
    source_url: str
    checked_date: date
    where: str

    def specificity(self, model_name: str, model_id: str) -> int | None:
        """How closely the name fits, higher is closer; None if it does not."""
        if self.model_name == model_name:
            return 1_000_001
        if self.model_name == model_id:
            return 1_000_000
        if self.is_glob and (fnmatchcase(model_name, self.model_name) or fnmatchcase(model_id, self.model_name)):
            return len(self.model_name.replace("*", "").replace("?", ""))
        return None

    @property
    def is_glob(self) -> bool:
        return any(sign in self.model_name for sign in "*?[")

    def holds(self, day: date, input_tokens: int) -> bool:
        return (
            self.valid_from_date <= day <= self.valid_to_date
            and self.min_input_tokens <= input_tokens
            and (self.max_input_tokens is None or input_tokens < self.max_input_tokens)
        )

    def contradicts(self, other: PriceOverride) -> bool:
        """Whether both give a price, and not the same one, for some day and some size of request."""
        return (
            (self.service_tier, self.token_type) == (other.service_tier, other.token_type)
            and self.price != other.price
            and self.valid_from_date <= other.valid_to_date
            and other.valid_from_date <= self.valid_to_date
            and (other.max_input_tokens is None or self.min_input_tokens < other.max_input_tokens)
            and (self.max_input_tokens is None or other.min_input_tokens < self.max_input_tokens)
        )


def read_overrides(path: Path) -> tuple[PriceOverride, ...]:
    """Every override of the file, in its order; no file means no overrides.

    Raises:
        ConfigError: a column, cell or price cannot be used, a source or its date is missing, or two rows contradict
            each other. Names file and line.
    """
    overrides = tuple(_parse(cells, where) for where, cells in strict_rows(path, COLUMNS))
    _refuse_contradictions(overrides)
    return overrides


def candidates(
    overrides: tuple[PriceOverride, ...], provider_name: str, model_name: str, model_id: str, tier: str
) -> list[list[PriceOverride]]:
    """The overrides of one model and tier, grouped by how closely they name it, closest first.

    Raises:
        ConfigError: two globs fit equally well and contradict each other.
    """
    by_specificity: dict[int, list[PriceOverride]] = {}
    for override in overrides:
        if override.provider_name == provider_name.lower() and override.service_tier == tier:
            specificity = override.specificity(model_name.lower(), model_id)
            if specificity is not None:
                by_specificity.setdefault(specificity, []).append(override)
    groups = [by_specificity[specificity] for specificity in sorted(by_specificity, reverse=True)]
    for group in groups:
        _refuse_pairs(group, f" for {model_name}")
    return groups


def _refuse_contradictions(overrides: tuple[PriceOverride, ...]) -> None:
    by_name: dict[tuple[str, str], list[PriceOverride]] = {}
    for override in overrides:
        by_name.setdefault((override.provider_name, override.model_name), []).append(override)
    for group in by_name.values():
        _refuse_pairs(group, "")


def _refuse_pairs(group: list[PriceOverride], about: str) -> None:
    for one, other in combinations(group, 2):
        if one.contradicts(other):
            raise ConfigError(
                f"Two price overrides contradict each other{about}: {one.token_type} at {one.price} and {other.price}",
                where=f"{one.where} and {other.where}",
                mend="End the first one the day before the second begins, or separate their input token bands.",
            )


def _parse(cells: dict[str, str], where: str) -> PriceOverride:
    for column in ("provider_name", "model_name", "token_type", "usd_per_mtok"):
        if not cells[column]:
            raise ConfigError(f"A price override has no {column}", where=where, mend=f"Fill in {column}.")
    if not cells["source_url"].startswith(_SOURCES):
        raise ConfigError(
            "A price override has no source",
            where=where,
            mend="Give the page that states it in source_url, or contract:<document>, or package:<name==version>.",
        )
    if not cells["checked_date"]:
        raise ConfigError("A price override has no checked_date", where=where, mend="Give the day it was last checked.")
    if cells["token_type"] not in METERS:
        raise ConfigError(
            f"{cells['token_type']} is not a token type", where=where, mend=f"Use one of: {', '.join(METERS)}"
        )
    model_name = cells["model_name"].lower().removeprefix("glob:")
    first = _day(cells["valid_from_date"], FIRST_DAY, where)
    last = _day(cells["valid_to_date"], LAST_DAY, where)
    if first > last:
        raise ConfigError(
            "A price override ends before it begins", where=where, mend="valid_to_date is the last day in."
        )
    lowest = _count(cells["min_input_tokens"], where) or 0
    upper = _count(cells["max_input_tokens"], where)
    if upper is not None and upper <= lowest:
        raise ConfigError(
            "The band of a price override is empty", where=where, mend="max_input_tokens is excluded, min is included."
        )
    return PriceOverride(
        provider_name=cells["provider_name"].lower(),
        model_name=model_name,
        service_tier=normalize_tier(cells["service_tier"] or STANDARD),
        token_type=cells["token_type"],
        valid_from_date=first,
        valid_to_date=last,
        min_input_tokens=lowest,
        max_input_tokens=upper,
        price=_price(cells["usd_per_mtok"], where),
        source_url=cells["source_url"],
        checked_date=_day(cells["checked_date"], LAST_DAY, where),
        where=where,
    )


def _day(text: str, blank: date, where: str) -> date:
    if not text:
        return blank
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{text} is not a date", where=where, mend="Write dates as 2026-11-23.") from None


def _count(text: str, where: str) -> int | None:
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise ConfigError(
            f"{text} is not a number of tokens", where=where, mend="Write a whole number, or leave it blank."
        )
    return int(text)


def _price(text: str, where: str) -> Decimal:
    # Plain digits only: an exponent or a hundred decimals would not survive the decimals of the tables.
    if not re.fullmatch(r"[0-9]{1,7}([.][0-9]{0,12})?|[.][0-9]{1,12}", text):
        raise ConfigError(
            f"{text} is not a price",
            where=where,
            mend="Write dollars per million tokens as a plain number, 0 or more, such as 2.50.",
        )
    return Decimal(text)
