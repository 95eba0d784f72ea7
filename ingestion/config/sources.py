"""``sources.yml``: where raw rows come from."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ingestion.config.problems import Problem
from ingestion.errors import ConfigError

FILE_NAME = "sources.yml"
RESERVED_NAMES = ("config", "prices", "forecasting")
"""Sources of the lake that TokenAtlas itself writes."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LOOKS_SECRET = re.compile(r"^sk-|^sess-|[^A-Za-z0-9_]")

ProviderType = Literal["openai_admin", "anthropic_admin"]
LogTable = Literal["requests", "outcomes", "revenue"]


@dataclass(frozen=True)
class ProviderSource:
    """A provider's admin API.

    Attributes:
        api_key_env: Name of the environment variable that holds the key; the key itself is never in the configuration.
        trailing_days: Days before now that every run asks for again: ``costs`` and ``usage``.
        settles_after_hours: Hours after the end of a UTC day until its bill is taken as settled.
    """

    source_name: str
    type: ProviderType
    provider_name: str
    account_id: str
    base_url: str
    api_key_env: str
    start_date: date
    trailing_days: Mapping[str, int]
    bucket_width: Literal["1d", "1h"]
    settles_after_hours: int
    preference: int

    @property
    def name(self) -> str:
        return self.source_name


@dataclass(frozen=True)
class FileSource:
    """Log files of our own. ``mapping`` is as written; ``ingestion.logs`` checks it.

    Attributes:
        account_id: Account of rows whose mapping gives none; None: found from the accounts of the providers.
        path: Absolute path or glob.
        preference: The lower one wins when two sources logged the same request.
    """

    source_name: str
    type: Literal["files"]
    account_id: str | None
    table: LogTable
    path: str
    format: Literal["jsonl", "csv", "parquet"]
    preference: int
    settles_after_hours: int
    mapping: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.source_name


Source = ProviderSource | FileSource


def api_key(source: ProviderSource, environment: Mapping[str, str] | None = None) -> str:
    """The admin key of a source, from the environment.

    Raises:
        ConfigError: the variable is not set; names it.
    """
    key = (os.environ if environment is None else environment).get(source.api_key_env, "").strip()
    if not key:
        raise ConfigError(
            f"there is no key for the source {source.source_name}",
            where=f"environment variable {source.api_key_env}",
            mend=f"create an admin key at the provider and put {source.api_key_env}=... into .env",
        )
    return key


# ---------------------------------------------------------------- what may be written


class _Trailing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    costs: int = Field(35, ge=1, le=366)
    usage: int = Field(7, ge=1, le=366)


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    account_id: str | None = Field(None, min_length=1)
    preference: int = Field(100, ge=0)
    settles_after_hours: int = Field(48, ge=0)


class _ProviderEntry(_Entry):
    type: ProviderType
    base_url: str | None = Field(None, pattern=r"^https?://")
    api_key_env: str | None = None
    start_date: date
    trailing_days: _Trailing = _Trailing(costs=35, usage=7)
    bucket_width: Literal["1d", "1h"] = "1d"

    @field_validator("api_key_env")
    @classmethod
    def _is_a_name(cls, value: str | None) -> str | None:
        if value is not None and (_LOOKS_SECRET.search(value) or not _ENVIRONMENT_NAME.fullmatch(value)):
            raise ValueError("this is not the name of an environment variable; if it is a key, revoke it")
        return value

    def build(self, name: str, _: Path) -> ProviderSource:
        provider_name, base_url, api_key_env = _PROVIDER_DEFAULTS[self.type]
        return ProviderSource(
            source_name=name,
            type=self.type,
            provider_name=provider_name,
            account_id=self.account_id or name,
            base_url=self.base_url or base_url,
            api_key_env=self.api_key_env or api_key_env,
            start_date=self.start_date,
            trailing_days=self.trailing_days.model_dump(),
            bucket_width=self.bucket_width,
            settles_after_hours=self.settles_after_hours,
            preference=self.preference,
        )


class _FileEntry(_Entry):
    type: Literal["files"]
    table: LogTable
    path: str = Field(min_length=1)
    format: Literal["jsonl", "csv", "parquet"]
    mapping: dict[str, Any]

    def build(self, name: str, folder: Path) -> FileSource:
        return FileSource(
            source_name=name,
            type=self.type,
            account_id=self.account_id,
            table=self.table,
            path=str(folder / Path(self.path).expanduser()),
            format=self.format,
            preference=self.preference,
            settles_after_hours=self.settles_after_hours,
            mapping=self.mapping,
        )


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sources: dict[str, Annotated[_ProviderEntry | _FileEntry, Field(discriminator="type")]] | None = None


_PROVIDER_DEFAULTS = {
    "openai_admin": ("openai", "https://api.openai.com/v1", "OPENAI_ADMIN_KEY"),
    "anthropic_admin": ("anthropic", "https://api.anthropic.com", "ANTHROPIC_ADMIN_KEY"),
}

# ---------------------------------------------------------------- reading


def read_sources(folder: Path, environment: Mapping[str, str]) -> tuple[tuple[Source, ...], list[Problem]]:
    """The sources in the order of the file, and everything that is wrong with it.

    ``${VAR}`` and ``${VAR:-default}`` are expanded in every text. A relative ``path`` starts at the folder of the file.
    """
    path = folder / FILE_NAME
    if not path.exists():
        mend = "create it, with `sources:` and one entry for each provider or log; docs/request-logs.md shows both"
        return (), [Problem(FILE_NAME, "the file is missing", mend)]
    try:
        root = yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return (), [
            Problem(f"{FILE_NAME}:{line}", f"this is not YAML: {error.problem}", "mend the indentation or the quotes")
        ]
    except (UnicodeDecodeError, yaml.reader.ReaderError):
        return (), [Problem(FILE_NAME, "the file is not UTF-8 text", "save it as UTF-8 text")]
    if root is None:
        return (), []
    document = _Document(root, environment)
    content = document.value(root, ())
    if document.problems:
        return (), document.problems
    try:
        parsed = _File.model_validate(content)
    except ValidationError as error:
        return (), [document.problem(cast("dict[str, Any]", detail)) for detail in error.errors(include_input=False)]
    entries = parsed.sources or {}
    sources = tuple(entry.build(name, folder) for name, entry in entries.items())
    problems = [
        *_check_names(entries, document),
        *_check_accounts(entries, document),
        *_check_mappings(sources, document),
    ]
    return sources, problems


class _Document:
    """A YAML document as plain values, which still knows the line of each key."""

    def __init__(self, root: yaml.Node, environment: Mapping[str, str]) -> None:
        self.problems: list[Problem] = []
        self._environment = environment
        self._lines: dict[tuple[str, ...], int] = {(): root.start_mark.line + 1}
        self._constructor = yaml.SafeLoader("")
        self._above: list[yaml.Node] = []

    def where(self, keys: tuple[str, ...]) -> str:
        known = keys
        while known not in self._lines:
            known = known[:-1]
        return f"{FILE_NAME}:{self._lines[known]} {'.'.join(keys)}".rstrip()

    def value(self, node: yaml.Node, keys: tuple[str, ...]) -> Any:
        if not isinstance(node, yaml.CollectionNode):
            value = self._scalar(node, keys)
            return self._expand(value, keys) if isinstance(value, str) else value
        if node in self._above:
            self._report(node, keys, "the alias stands for something that it is a part of", "write it out")
            return None
        self._above.append(node)
        value = self._mapping(node, keys) if isinstance(node, yaml.MappingNode) else self._sequence(node, keys)
        self._above.pop()
        return value

    def _report(self, node: yaml.Node, keys: tuple[str, ...], what: str, mend: str) -> None:
        where = f"{FILE_NAME}:{node.start_mark.line + 1} {'.'.join(keys)}".rstrip()
        self.problems.append(Problem(where, what, mend))

    def _scalar(self, node: yaml.Node, keys: tuple[str, ...]) -> Any:
        try:
            return self._constructor.construct_object(node)
        except yaml.constructor.ConstructorError:
            mend = "write plain text; ${NAME} reads an environment variable"
            self._report(node, keys, f"the tag {node.tag} is not known", mend)
        except ValueError:
            # Such as 2026-02-30, which looks like a date to YAML.
            self._report(
                node, keys, "this day or number does not exist", "write days as 2026-01-31, or put text in quotes"
            )
        return None

    def _sequence(self, node: yaml.Node, keys: tuple[str, ...]) -> list[Any]:
        items = [(item, (*keys, str(index))) for index, item in enumerate(node.value)]
        self._lines.update({place: item.start_mark.line + 1 for item, place in items})
        return [self.value(item, place) for item, place in items]

    def _mapping(self, node: yaml.MappingNode, keys: tuple[str, ...]) -> dict[Any, Any]:
        try:
            self._constructor.flatten_mapping(node)
        except yaml.constructor.ConstructorError:
            self._report(node, keys, "<< must name keys with values", "write << : *name of such an entry")
            return {}
        values: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._report(key_node, keys, "a key must be a word", "write `key: value`")
                continue
            key = self._scalar(key_node, keys)
            place = (*keys, str(key))
            self._lines.setdefault(place, key_node.start_mark.line + 1)
            if key in values:
                line = key_node.start_mark.line + 1
                where = f"{FILE_NAME}:{line} {'.'.join(place)}"
                self.problems.append(Problem(where, "the key comes twice", "keep one of the two"))
            values[key] = self.value(value_node, place)
        return values

    def _expand(self, text: str, keys: tuple[str, ...]) -> str:
        def found(match: re.Match[str]) -> str:
            name, default = match["name"], match["default"]
            value = self._environment.get(name, "")
            if value or default is not None:
                return value or default
            what = f"the environment variable {name} is not set"
            self.problems.append(Problem(self.where(keys), what, f"set it, or write ${{{name}:-default}}"))
            return ""

        return _VARIABLE.sub(found, text)

    def problem(self, detail: dict[str, Any]) -> Problem:
        """A message of the validator, without the value that it is about: it may be a secret."""
        keys = tuple(str(part) for part in detail["loc"])
        # Below a source, the validator names the variant that it tried, which is no key of the file.
        keys = (*keys[:2], *keys[3:]) if len(keys) > 2 else keys
        kind = detail["type"]
        if kind == "extra_forbidden":
            if keys[-1] in ("api_key", "key", "token", "secret"):
                mend = "never write a secret into this file: put it into .env and name its variable in api_key_env"
            else:
                mend = "remove it or mend its spelling; docs/request-logs.md and config/sources.yml list the keys"
            return Problem(self.where(keys), f"there is no key {keys[-1]!r} here", mend)
        if kind == "missing":
            return Problem(self.where(keys[:-1]), f"{keys[-1]} is missing", f"add {keys[-1]}")
        if kind in ("union_tag_not_found", "union_tag_invalid"):
            mend = "set type to openai_admin, anthropic_admin or files"
            return Problem(self.where(keys), "the type of the source is missing or unknown", mend)
        if kind in _MESSAGES:
            return Problem(self.where(keys), *_MESSAGES[kind])
        message = detail["msg"].removeprefix("Value error, ")
        return Problem(self.where(keys), message[:1].lower() + message[1:], "write a value of that kind")


_NO_DAY = ("this is not a day", "write it as 2026-01-31")
_NO_KEYS = ("there must be keys with values here", "write `key: value` lines, indented below it")
_MESSAGES = {
    **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"), _NO_DAY),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), _NO_KEYS),
    "string_type": ("this must be text", "put it in quotes"),
    "string_pattern_mismatch": ("this is not an address", "write it like https://api.openai.com/v1"),
}
"""What is wrong and how to mend it, where the validator would speak of its own types."""


def _check_names(entries: Mapping[str, object], document: _Document) -> Iterator[Problem]:
    for name in entries:
        where = document.where(("sources", name))
        if name in RESERVED_NAMES:
            yield Problem(where, f"the name {name} is taken by TokenAtlas itself", "choose another name")
        elif not _NAME.fullmatch(name):
            yield Problem(where, f"{name!r} cannot be the name of a source", "use letters, digits, '_' and '-'")


def _check_accounts(entries: Mapping[str, _ProviderEntry | _FileEntry], document: _Document) -> Iterator[Problem]:
    """Two sources that pull the same account would count its bill twice."""
    first: dict[tuple[str, str], str] = {}
    for name, entry in entries.items():
        if isinstance(entry, _ProviderEntry):
            other = first.setdefault((entry.type, entry.account_id or name), name)
            if other != name:
                what = f"the source {other} already pulls this account"
                yield Problem(document.where(("sources", name, "account_id")), what, "keep one of the two")


def _check_mappings(sources: Iterable[Source], document: _Document) -> Iterator[Problem]:
    """A mapping that cannot be used, told before a run gets to its files."""
    # Here and not above: most commands read the configuration and no logs.
    from ingestion.logs.mapping import parse_mapping

    for source in sources:
        if isinstance(source, FileSource):
            try:
                parse_mapping(source)
            except ConfigError as error:
                keys = error.where.partition(", mapping")[2].strip(".")
                unknown = re.match(r"The key '(?P<name>[^']*)' does not exist", error.what)
                steps = [*filter(None, keys.split(".")), *([unknown["name"]] if unknown else [])]
                place = document.where(("sources", source.source_name, "mapping", *steps))
                yield Problem(place, error.what[:1].lower() + error.what[1:], error.mend or "docs/request-logs.md")
