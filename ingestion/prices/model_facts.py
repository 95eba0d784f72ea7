"""What is known of models besides prices: who may use them, their limits and their tokenizers, read from three CSVs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol, TypeVar

from ingestion.errors import ConfigError
from ingestion.prices.names import strict_rows

CANDIDATE_COLUMNS = ("feature", "provider_name", "model_name", "decision", "note")
LIMIT_COLUMNS = (
    "provider_name",
    "model_name",
    "context_window_tokens",
    "min_cached_tokens",
    "retired_date",
    "source_url",
    "checked_date",
)
TOKENIZER_COLUMNS = (
    "provider_name",
    "model_name",
    "tokenizer_name",
    "tokens_per_reference",
    "uncertainty_ratio",
    "source_url",
    "checked_date",
)


class _Named(Protocol):
    @property
    def provider_name(self) -> str: ...
    @property
    def model_name(self) -> str: ...


NamedT = TypeVar("NamedT", bound=_Named)


@dataclass(frozen=True)
class CandidateRule:
    """Whether a feature (None: all) may use the models of a name or glob."""

    feature: str | None
    provider_name: str
    model_name: str
    is_allowed: bool
    note: str | None


@dataclass(frozen=True)
class ModelLimit:
    """Limits of the models of a name or glob; None: what the price list says, or nothing is known."""

    provider_name: str
    model_name: str
    context_window_tokens: int | None
    min_cached_tokens: int | None
    retired_date: date | None


@dataclass(frozen=True)
class Tokenizer:
    """How many tokens the models of a name or glob make of a text, relative to the reference, and how sure that is."""

    provider_name: str
    model_name: str
    tokenizer_name: str
    tokens_per_reference: Decimal
    uncertainty_ratio: Decimal
    source_url: str


@dataclass(frozen=True)
class ModelFacts:
    """The rows of the three files."""

    rules: tuple[CandidateRule, ...] = ()
    limits: tuple[ModelLimit, ...] = ()
    tokenizers: tuple[Tokenizer, ...] = ()

    @property
    def features(self) -> list[str]:
        """Features that have rules of their own."""
        return sorted({rule.feature for rule in self.rules if rule.feature is not None})

    def rule(self, feature: str | None, provider_name: str, model_id: str) -> CandidateRule | None:
        """The closest rule: one for the feature before one for all, then the closest name. None: no rule fits."""
        for scope in dict.fromkeys((feature, None)):
            found = closest((rule for rule in self.rules if rule.feature == scope), provider_name, model_id)
            if found is not None:
                return found
        return None


def closest(rows: Iterable[NamedT], provider_name: str, model_id: str) -> NamedT | None:
    """The row that names a model most closely: by its very name, else by the glob with the most letters."""
    fitting = [row for row in rows if row.provider_name == provider_name and fnmatchcase(model_id, row.model_name)]
    return max(
        fitting, key=lambda row: (row.model_name == model_id, len(re.sub(r"[*?]", "", row.model_name))), default=None
    )


def read_model_facts(folder: Path) -> ModelFacts:
    """The rows of ``model_candidates.csv``, ``model_limits.csv`` and ``tokenizer_ratios.csv``; each file is optional.

    Raises:
        ConfigError: a column or cell cannot be used, a source is missing, or a model is named twice. Names file and
            line.
    """
    return ModelFacts(
        rules=_distinct(folder / "model_candidates.csv", CANDIDATE_COLUMNS, _rule),
        limits=_distinct(folder / "model_limits.csv", LIMIT_COLUMNS, _limit),
        tokenizers=_distinct(folder / "tokenizer_ratios.csv", TOKENIZER_COLUMNS, _tokenizer),
    )


RowT = TypeVar("RowT", CandidateRule, ModelLimit, Tokenizer)


def _distinct(path: Path, columns: tuple[str, ...], parse: Callable[[dict[str, str], str], RowT]) -> tuple[RowT, ...]:
    rows: dict[tuple[str | None, str, str], tuple[RowT, str]] = {}
    for where, cells in strict_rows(path, columns):
        for column in ("provider_name", "model_name"):
            if not cells[column]:
                raise ConfigError(f"A row has no {column}", where=where, mend=f"Fill in {column}.")
            cells[column] = cells[column].lower()
        row = parse(cells, where)
        key = (cells.get("feature") or None, row.provider_name, row.model_name)
        if key in rows:
            raise ConfigError(
                f"{row.provider_name} {row.model_name} comes twice",
                where=f"{rows[key][1]} and {where}",
                mend="Keep one.",
            )
        rows[key] = row, where
    return tuple(row for row, _ in rows.values())


def _rule(cells: dict[str, str], where: str) -> CandidateRule:
    if cells["decision"] not in ("allow", "deny"):
        raise ConfigError(f"{cells['decision'] or 'A blank'} is no decision", where=where, mend="Write allow or deny.")
    return CandidateRule(
        feature=cells["feature"] or None,
        provider_name=cells["provider_name"],
        model_name=cells["model_name"],
        is_allowed=cells["decision"] == "allow",
        note=cells["note"] or None,
    )


def _limit(cells: dict[str, str], where: str) -> ModelLimit:
    _check_source(cells, where)
    return ModelLimit(
        provider_name=cells["provider_name"],
        model_name=cells["model_name"],
        context_window_tokens=_count(cells, "context_window_tokens", where),
        min_cached_tokens=_count(cells, "min_cached_tokens", where),
        retired_date=_day(cells, "retired_date", where) if cells["retired_date"] else None,
    )


def _tokenizer(cells: dict[str, str], where: str) -> Tokenizer:
    _check_source(cells, where)
    if not cells["tokenizer_name"]:
        raise ConfigError("A tokenizer has no name", where=where, mend="Models that count alike share one name.")
    ratio, uncertainty = _ratio(cells, "tokens_per_reference", where), _ratio(cells, "uncertainty_ratio", where)
    if not Decimal("0.1") <= ratio <= 10:
        raise ConfigError(
            f"{ratio} tokens for one of the reference cannot be", where=where, mend="Such as 1.2: 20 % more tokens."
        )
    if uncertainty >= 1:
        raise ConfigError(f"{uncertainty} is no share", where=where, mend="Such as 0.1: ten per cent up or down.")
    return Tokenizer(
        provider_name=cells["provider_name"],
        model_name=cells["model_name"],
        tokenizer_name=cells["tokenizer_name"],
        tokens_per_reference=ratio,
        uncertainty_ratio=uncertainty,
        source_url=cells["source_url"],
    )


def _check_source(cells: dict[str, str], where: str) -> None:
    if not cells["source_url"]:
        raise ConfigError("A row has no source", where=where, mend="Give the page that states it in source_url.")
    _day(cells, "checked_date", where)


def _day(cells: dict[str, str], column: str, where: str) -> date:
    try:
        return date.fromisoformat(cells[column])
    except ValueError:
        raise ConfigError(
            f"{column} {cells[column] or '(blank)'} is not a date", where=where, mend="Write dates as 2026-11-23."
        ) from None


def _count(cells: dict[str, str], column: str, where: str) -> int | None:
    if not cells[column]:
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,9}", cells[column]):
        raise ConfigError(
            f"{column} {cells[column]} is not a number of tokens",
            where=where,
            mend="Write it whole, or leave it blank.",
        )
    return int(cells[column])


def _ratio(cells: dict[str, str], column: str, where: str) -> Decimal:
    if not re.fullmatch(r"[0-9]{1,3}([.][0-9]{1,9})?", cells[column]):
        raise ConfigError(
            f"{column} {cells[column] or '(blank)'} is not a number", where=where, mend="A plain number such as 1.15."
        )
    return Decimal(cells[column])
