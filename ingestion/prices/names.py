"""From the raw names in logs and bills to models of the price list: lookup, canonical names, families, tiers."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from genai_prices.data_snapshot import find_provider_by_id
from genai_prices.types import ModelInfo, Provider

from ingestion.errors import ConfigError

STANDARD = "standard"

_TIERS = {
    **dict.fromkeys(("", "default", "auto", "standard", "on_demand"), STANDARD),
    **dict.fromkeys(("flex", "flex_discount"), "flex"),
    **dict.fromkeys(("priority", "priority_on_demand", "fast"), "priority"),
}

KNOWN_TIERS = (*dict.fromkeys(_TIERS.values()), "batch", "scale")

ALIAS_COLUMNS = ("provider_name", "model_name", "priced_as_provider", "priced_as_model")

_REGION = re.compile(r"^(?:global|regional|us-gov|us|eu|apac|ap|jp|au|ca|sa|me|af)\.")
_VENDOR = re.compile(
    r"^(?:ai21|amazon|anthropic|cohere|deepseek|google|meta|minimax|mistral|moonshotai|nvidia|openai|qwen|stability|writer|zai)\."
)
_BEDROCK_VERSION = re.compile(r"(?:-v?\d+)?(?::\d+)+k?$")
_DATE = re.compile(r"(?:[-@_]20\d{2}-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01]))$")


def normalize_tier(raw: str | None, is_batch: bool | None = None) -> str:
    """The canonical service tier, by the same rule as the ``service_tier`` macro of the dbt project."""
    if is_batch:
        return "batch"
    text = (raw or "").lower()
    return _TIERS.get(text, text)


@dataclass(frozen=True)
class Found:
    """What the price list knows under a raw name.

    Attributes:
        model_id: Canonical name, equal for the same model at every provider; the raw name in lower case if unknown.
        provider: Whose price list the model was found in; None if unknown.
        model: The entry of the price list; None if unknown.
        is_borrowed: The entry belongs to another provider (Azure sells OpenAI's models): its batch, flex and priority
            prices are then not those of the provider that was asked for.
    """

    model_id: str
    provider: Provider | None = None
    model: ModelInfo | None = None
    is_borrowed: bool = False


@dataclass(frozen=True)
class Alias:
    """A name of the user's own (an Azure deployment, a gateway's route) and the model that it stands for."""

    provider_name: str
    model_name: str
    priced_as_provider: str
    priced_as_model: str

    def matches(self, provider_name: str, model_name: str) -> bool:
        return self.provider_name.lower() == provider_name.lower() and fnmatchcase(
            model_name.lower(), self.model_name.lower()
        )


def read_aliases(path: Path) -> tuple[Alias, ...]:
    """Aliases of ``model_aliases.csv``; the file is optional.

    Raises:
        ConfigError: a column is wrong, a cell is blank, or a line has too many; names the line.
    """
    aliases = []
    for where, row in strict_rows(path, ALIAS_COLUMNS):
        if not all(row.values()):
            raise ConfigError("An alias has a blank cell", where=where, mend="Fill in all four columns.")
        aliases.append(Alias(*(row[column] for column in ALIAS_COLUMNS)))
    return tuple(aliases)


def strict_rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of an optional CSV with exactly these columns, each with its place; cells without blanks around them.

    Raises:
        ConfigError: the file is no UTF-8 text, has other columns, or a line with too many or too few cells.
    """
    if not path.exists():
        return
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError("The file is not UTF-8", where=str(path), mend="Save it as UTF-8 text.") from None
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        if tuple(reader.fieldnames or ()) != columns:
            raise ConfigError(
                f"{path.name} has the columns {', '.join(reader.fieldnames or ()) or '(none)'}",
                where=str(path),
                mend=f"Use exactly: {','.join(columns)}",
            )
        for row in reader:
            where = f"{path}:{reader.line_num}"
            if None in row or any(cell is None for cell in row.values()):
                raise ConfigError("The line has too many or too few cells", where=where, mend=",".join(columns))
            yield where, {column: cell.strip() for column, cell in row.items()}
    except csv.Error as error:
        raise ConfigError(
            f"The line is not CSV: {error}", where=f"{path}:{reader.line_num + 1}", mend="Close the quotes."
        ) from error


class ModelNames:
    """Finds models of the price list by raw names.

    Args:
        providers: The price list, as ``genai_prices`` ships it.
        aliases: Tried before the price list's own names; the first that matches wins.
    """

    def __init__(self, providers: list[Provider], aliases: tuple[Alias, ...] = ()) -> None:
        self._providers = providers
        self._aliases = aliases
        self.find = lru_cache(maxsize=None)(self._find)

    def listed(self, provider_name: str) -> list[str]:
        """Names of the models of a provider in the price list; none if it has no list."""
        provider = find_provider_by_id(self._providers, provider_name)
        return [model.id for model in provider.models] if provider else []

    def _find(self, provider_name: str, model_name: str) -> Found:
        for alias in self._aliases:
            if alias.matches(provider_name, model_name):
                provider_name, model_name = alias.priced_as_provider, alias.priced_as_model
                break
        provider = find_provider_by_id(self._providers, provider_name)
        names = _spellings(model_name)
        if provider is None:
            provider, names = self._routed(model_name)
        if provider is not None:
            for name in names:
                model = provider.find_model(name, all_providers=self._providers)
                if model is not None:
                    is_borrowed = not any(model is own for own in provider.models)
                    return Found(self._canonical_id(model, provider), provider, model, is_borrowed)
        return Found(model_name.lower())

    def _routed(self, model_name: str) -> tuple[Provider | None, list[str]]:
        """A router that has no price list of its own writes the provider in front: ``azure/gpt-4o``."""
        prefix, slash, rest = model_name.partition("/")
        if not slash:
            return None, []
        return find_provider_by_id(self._providers, prefix), _spellings(rest)

    def _canonical_id(self, model: ModelInfo, provider: Provider) -> str:
        """The name that the model's maker gives it, so that it is one model at every provider that sells it."""
        name = _bare(model.id)
        maker = next(
            (each for each in self._providers if each.model_match is not None and each.model_match.is_match(name)), None
        )
        if maker is None or maker is provider:
            return name
        for spelling in _spellings(name):
            made = maker.find_model(spelling)
            if made is not None:
                return _bare(made.id)
        return name


def _bare(name: str) -> str:
    """A name without router, region and vendor prefixes and without Bedrock's version suffix."""
    name = name.lower().strip().lstrip("~")
    name = name.rsplit("/", 1)[-1]
    name = _VENDOR.sub("", _REGION.sub("", name))
    return _BEDROCK_VERSION.sub("", name)


def _spellings(model_name: str) -> list[str]:
    """The names to try, from what was written to what it may mean; a date is given up last."""
    raw = model_name.lower().strip()
    without_router = raw.rsplit("/", 1)[-1]
    bare = _bare(raw)
    candidates = [raw]
    parts = raw.split("/")
    candidates += ["/".join(parts[start:]) for start in range(1, len(parts))]
    candidates += [without_router, bare, _DATE.sub("", bare)]
    return list(dict.fromkeys(name for name in candidates if name))


_FAMILIES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), family)
    for pattern, family in (
        (r"^claude-(?:[\d.-]+-)?(opus|sonnet|haiku|fable|mythos|instant)", r"claude-\1"),
        (r"^claude", "claude"),
        (r"^gemini-(?:[\d.]+-)?(flash-lite|flash|pro|ultra|embedding)", r"gemini-\1"),
        (r"^gemini-([a-z]+)", r"gemini-\1"),
        (r"^(?:ft:)?(gpt-\d+(?:\.\d+)?o?)(?![\d.])", r"\1"),
        (r"^(?:ft:)?(o\d)(?:[-:]|$)", r"\1"),
        (r"^(gpt-(?:audio|realtime|image))", r"\1"),
    )
)
_WORDS = re.compile(r"^[a-z]+(?:-[a-z]+)*")
_NOT_A_FAMILY = re.compile(r"-(?:latest|preview|instruct|it|exp|experimental|v|chat-latest)$")


def model_family(model_id: str) -> str | None:
    """A coarse name for charts: ``gpt-4o``, ``claude-sonnet``; else the words before the first number."""
    for pattern, family in _FAMILIES:
        match = pattern.search(model_id)
        if match:
            return match.expand(family)
    match = _WORDS.search(model_id)
    return _NOT_A_FAMILY.sub("", match.group()) if match else None
