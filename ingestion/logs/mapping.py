"""The mapping of a log file: which value of a row becomes which column of the landing record.

The syntax is described for users in ``docs/request-logs.md``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from collections.abc import Mapping as Dict
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Annotated, Any, ClassVar, Literal, Protocol, Self
from zoneinfo import available_timezones

import duckdb
import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from ingestion.errors import ConfigError
from ingestion.logs.paths import Path, parse_path


class FileSource(Protocol):
    """A source of ``type: files`` in ``sources.yml``."""

    @property
    def name(self) -> str: ...
    @property
    def account_id(self) -> str | None: ...
    @property
    def table(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def format(self) -> str: ...
    @property
    def mapping(self) -> Dict[str, Any]: ...


def _as_text(value: object) -> object:
    """YAML reads ``true`` and ``200`` as a boolean and a number; rows are compared as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


Text = Annotated[str, BeforeValidator(_as_text)]
ORIGINS = ("column", "constant", "first_of", "join", "sum_of")
Part = Literal["cache_read", "cache_write", "audio", "image", "reasoning"]


class Value(BaseModel):
    """A text found in, or made for, a row."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str | None = None
    constant: Text | None = None
    first_of: tuple[Value, ...] | None = None
    join: tuple[Value, ...] | None = None
    sum_of: tuple[Value, ...] | None = None
    default: Text | None = None
    pattern: str | None = None
    url_decoded: bool = False
    map: dict[Text, Text] | None = None

    shape: ClassVar[str] = "text"

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value

    @field_validator("column")
    @classmethod
    def _readable(cls, column: str | None) -> str | None:
        if column is not None:
            parse_path(column)
        return column

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            _check_regex(pattern)
        return pattern

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        origins = [key for key in ORIGINS if getattr(self, key) is not None]
        if len(origins) != 1:
            found = " and ".join(origins) or "none"
            raise ValueError(f"needs exactly one of {', '.join(ORIGINS)}; found {found}")
        return self

    def paths(self) -> Iterator[Path]:
        """Every path that the value may be read from."""
        if self.column is not None:
            yield parse_path(self.column)
        for part in (*(self.first_of or ()), *(self.join or ()), *(self.sum_of or ())):
            yield from part.paths()


class Number(Value):
    shape: ClassVar[str] = "whole"


class Boolean(Value):
    shape: ClassVar[str] = "boolean"


class Hashed(Value):
    """A text, or a hash of one, that is hashed with the home's own key before anything is written."""

    shape: ClassVar[str] = "hash"


class Money(Value):
    """An amount of money; negative ones only where refunds make sense."""

    unit: Literal["dollars", "cents"] = "dollars"
    shape: ClassVar[str] = "money"


class Duration(Value):
    unit: Literal["seconds", "milliseconds", "microseconds", "nanoseconds"] = "seconds"
    shape: ClassVar[str] = "duration"


class Total(Value):
    """A token total and which parts the vendor's number contains; null: not said."""

    includes: tuple[Part, ...] | None = None
    shape: ClassVar[str] = "whole"


class Score(Value):
    range: tuple[float, float] = (0.0, 1.0)
    shape: ClassVar[str] = "score"

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.range[0] >= self.range[1]:
            raise ValueError("range must be [lowest, highest]")
        return self


class Instant(Value):
    format: str = "rfc3339"
    assume_timezone: str | None = None
    offset_from: datetime | None = None
    unit: Literal["seconds", "milliseconds", "microseconds"] = "seconds"
    shape: ClassVar[str] = "instant"

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        _check_format(self.format, ("rfc3339", *EPOCHS))
        if self.assume_timezone is not None and self.assume_timezone not in available_timezones():
            raise ValueError(f"assume_timezone {self.assume_timezone!r} is not an IANA zone, such as UTC")
        if "%" in self.format and "%z" not in self.format and self.assume_timezone is None:
            raise ValueError("the format has no %z, so assume_timezone is needed, such as UTC")
        if self.offset_from is not None and self.offset_from.tzinfo is None:
            raise ValueError("offset_from needs a time zone, such as 2024-05-01T00:00:00Z")
        return self


class Day(Value):
    format: str = "iso"
    month_end: bool = False
    shape: ClassVar[str] = "day"

    @field_validator("format")
    @classmethod
    def _known(cls, value: str) -> str:
        _check_format(value, ("iso",))
        return value


EPOCHS = ("epoch_seconds", "epoch_milliseconds", "epoch_microseconds", "epoch_nanoseconds")


def _check_format(value: str, words: tuple[str, ...]) -> None:
    if value not in words and "%" not in value:
        raise ValueError(f"format {value!r} is none of {', '.join(words)} and no strptime pattern")
    if "%" in value:
        with duckdb.connect() as connection:
            try:
                connection.execute("select try_strptime('', $1::varchar)", [value])
            except duckdb.Error as error:
                raise ValueError(f"format {value!r} is not a strptime pattern: {_first_line(error)}") from error


def _check_regex(pattern: str) -> None:
    with duckdb.connect() as connection:
        try:
            connection.execute("select regexp_matches('', $1::varchar)", [pattern])
        except duckdb.Error as error:
            raise ValueError(f"pattern {pattern!r} is not a regular expression: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


class Test(BaseModel):
    """A condition on one path."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    equals: tuple[Text, ...] | None = None
    exists: bool | None = None
    pattern: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return {"equals": tuple(value)}
        return value if isinstance(value, dict) else {"equals": (value,)}

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            _check_regex(pattern)
        return pattern

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(part is not None for part in (self.equals, self.exists, self.pattern)) != 1:
            raise ValueError("needs a value, a list of values, or exactly one of exists, pattern")
        return self


class Conditions(BaseModel):
    """Any of the groups must hold; a group holds if all of its tests do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    groups: tuple[dict[str, Test], ...]

    @model_validator(mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return {"groups": value if isinstance(value, list) else [value]}

    @field_validator("groups")
    @classmethod
    def _paths(cls, groups: tuple[dict[str, Test], ...]) -> tuple[dict[str, Test], ...]:
        if not groups or not all(groups):
            raise ValueError("needs at least one condition")
        for group in groups:
            for path in group:
                parse_path(path)
        return groups

    def paths(self) -> Iterator[Path]:
        for group in self.groups:
            yield from (parse_path(path) for path in group)


class Tags(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    from_map: str | None = None
    from_list: str | None = None
    keep: tuple[str, ...] = ()
    columns: dict[str, Value] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for path in (self.from_map, self.from_list):
            if path is not None:
                parse_path(path.rstrip().removesuffix("=>"))
        has_origin = self.from_map is not None or self.from_list is not None
        if has_origin != bool(self.keep):
            raise ValueError("from_map and from_list need keep, the list of tags to keep, and keep needs one of them")
        return self


class Unpack(BaseModel):
    """One row for every element of an array; ``otlp``: for every span."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["each", "otlp"] = "each"
    each: str | None = None
    document: bool = False

    @model_validator(mode="before")
    @classmethod
    def _word(cls, value: Any) -> Any:
        return {"kind": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "each" and self.each is None and not self.document:
            raise ValueError("needs each (the path of an array), document: true, or the word otlp")
        if self.each is not None and len(parse_path(self.each).hops) != 1:
            raise ValueError("each cannot use =>")
        return self


class Csv(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    quote: Annotated[str, Field(min_length=1, max_length=1)] = '"'
    header: tuple[str, ...] | None = None


_TEXT_REQUEST = [
    "request_id",
    "response_id",
    "trace_id",
    "span_id",
    "session_id",
    "provider_name",
    "account_id",
    "project_id",
    "api_key_id",
    "model_name",
    "operation_name",
    "service_tier",
    "service_name",
    "error_type",
    "team",
    "feature",
    "environment",
    "customer_id",
    "prompt_name",
    "prompt_version",
    "experiment_id",
    "variant",
    "finish_reason",
]
TOKEN_PARTS = [
    "uncached_input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
    "image_input_tokens",
    "image_output_tokens",
    "of_which_reasoning_tokens",
]

COLUMNS: dict[str, dict[str, type[Value]]] = {
    "requests": {
        **dict.fromkeys(_TEXT_REQUEST, Value),
        "started_at": Instant,
        "ended_at": Instant,
        "duration_seconds": Duration,
        "status_code": Number,
        "is_success": Boolean,
        "is_billable": Boolean,
        **dict.fromkeys(TOKEN_PARTS, Number),
        "input_tokens": Total,
        "output_tokens": Total,
        "cache_write_tokens": Number,
        "reported_total_tokens": Number,
        "web_search_requests": Number,
        "reported_cost_usd": Money,
        "prompt_hash": Hashed,
        "prefix_hash": Hashed,
        "prefix_tokens": Number,
        "attempt_number": Number,
        "is_streaming": Boolean,
    },
    "outcomes": {
        **dict.fromkeys(("outcome_id", "request_id", "session_id", "trace_id", "outcome_name", "score_source"), Value),
        "is_success": Boolean,
        "quality_score": Score,
        "value_usd": Money,
        "occurred_at": Instant,
    },
    "revenue": {
        **dict.fromkeys(("revenue_id", "customer_id", "feature", "currency"), Value),
        "period_start_date": Day,
        "period_end_date": Day,
        "revenue_amount": Money,
    },
}
"""What may be mapped, by table, and how it is read."""

REQUIRED: dict[str, tuple[str, ...]] = {
    "requests": ("started_at", "provider_name", "model_name"),
    "outcomes": ("occurred_at", "outcome_name"),
    "revenue": ("customer_id", "period_start_date", "period_end_date", "revenue_amount"),
}
ID_COLUMN = {"requests": "request_id", "outcomes": "outcome_id", "revenue": "revenue_id"}
_OPTIONS: dict[str, type[BaseModel]] = {
    "tags": Tags,
    "keep_rows_where": Conditions,
    "drop_rows_where": Conditions,
    "unpack": Unpack,
    "csv": Csv,
}
_OTHER_OPTIONS = ("preset", "usage_missing", "null_values", "prepare", "variants")
USAGE_MISSING = ("unknown", "zero", "quarantine")


@dataclass(frozen=True)
class Variant:
    """Columns that replace those of the mapping in the rows for which ``when`` holds."""

    when: Conditions
    columns: dict[str, Value]


@dataclass(frozen=True)
class Mapping:
    """A checked mapping.

    Attributes:
        prepare: One SQL select over the Parquet rows ``file_rows``, which keeps their ``file_line``.
        written: Columns that the user mapped (not a preset): each must exist in a CSV or Parquet file.
    """

    table: str
    columns: dict[str, Value]
    variants: tuple[Variant, ...]
    tags: Tags
    keep: Conditions | None
    drop: Conditions | None
    usage_missing: str
    null_values: tuple[str, ...]
    unpack: Unpack | None
    csv: Csv
    prepare: str | None
    written: frozenset[str]

    def layouts(self) -> list[dict[str, Value]]:
        """The columns of the mapping itself, then those of each variant, complete."""
        return [self.columns, *({**self.columns, **variant.columns} for variant in self.variants)]

    def mapped(self) -> list[str]:
        """Every column that some layout maps, in the order of the table."""
        return [name for name in COLUMNS[self.table] if any(name in layout for layout in self.layouts())]


def preset_names() -> list[str]:
    """Names that ``preset:`` understands."""
    folder = resources.files("ingestion.logs") / "presets"
    return sorted(entry.name.removesuffix(".yml") for entry in folder.iterdir() if entry.name.endswith(".yml"))


def parse_mapping(source: FileSource) -> Mapping:
    """Check the mapping of a source.

    Raises:
        ConfigError: a key that does not exist, a value that cannot be, or a required column that is not mapped; it
            names the key and lists what is possible.
    """
    where = f"sources.yml, source {source.name}, mapping"
    if source.table not in COLUMNS:
        raise ConfigError(
            f"Log files cannot be read into the table {source.table!r}",
            where=f"sources.yml, source {source.name}, table",
            mend=f"Use one of {', '.join(COLUMNS)}.",
        )
    written = dict(source.mapping)
    raw = {**_load_preset(written.pop("preset", None), source.table, where), **written}
    columns = _parse_columns(raw, source.table, where, (*_OPTIONS, *_OTHER_OPTIONS))
    options = {key: _validate(_OPTIONS[key], raw[key], f"{where}.{key}") for key in _OPTIONS if key in raw}
    mapping = Mapping(
        table=source.table,
        columns=columns,
        variants=_parse_variants(raw.get("variants", []), source.table, where),
        tags=options.get("tags", Tags()),
        keep=options.get("keep_rows_where"),
        drop=options.get("drop_rows_where"),
        usage_missing=_one_of(raw.get("usage_missing", "unknown"), USAGE_MISSING, f"{where}.usage_missing"),
        null_values=tuple(str(value) for value in raw.get("null_values", ())),
        unpack=options.get("unpack"),
        csv=options.get("csv", Csv()),
        prepare=raw.get("prepare"),
        written=frozenset(written),
    )
    _check_format_of_options(mapping, source.format, where)
    for layout in mapping.layouts():
        _check_layout(layout, mapping.table, where)
    return mapping


FORMATS = ("jsonl", "csv", "parquet")


def _check_format_of_options(mapping: Mapping, format_: str, where: str) -> None:
    _one_of(format_, FORMATS, where.replace("mapping", "format"))
    for option, value, only in (("unpack", mapping.unpack, "jsonl"), ("prepare", mapping.prepare, "parquet")):
        if value is not None and format_ != only:
            raise ConfigError(f"{option} works on {only} files only", where=f"{where}.{option}", mend="Leave it out.")


def _load_preset(name: Any, table: str, where: str) -> dict[str, Any]:
    if name is None:
        return {}
    _one_of(name, preset_names(), f"{where}.preset")
    text = (resources.files("ingestion.logs") / "presets" / f"{name}.yml").read_text("utf-8")
    preset: dict[str, Any] = yaml.safe_load(text)
    if table != "requests":
        raise ConfigError(f"The preset {name} is one of requests, not of {table}", where=f"{where}.preset")
    return preset


def _one_of(value: Any, words: tuple[str, ...] | list[str], where: str) -> str:
    if value not in words:
        raise ConfigError(f"{value!r} is not possible here", where=where, mend=f"Use one of {', '.join(words)}.")
    return str(value)


def _parse_columns(raw: Dict[str, Any], table: str, where: str, options: tuple[str, ...]) -> dict[str, Value]:
    columns: dict[str, Value] = {}
    for key, value in raw.items():
        if key in options:
            continue
        if key not in COLUMNS[table]:
            raise _unknown_key(str(key), where, [*COLUMNS[table], *options])
        if value is not None:
            columns[key] = _validate(COLUMNS[table][key], value, f"{where}.{key}")
    return columns


def _unknown_key(key: str, where: str, possible: list[str]) -> ConfigError:
    near = difflib.get_close_matches(key, possible, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    return ConfigError(f"The key {key!r} does not exist", where=where, mend=f"{hint}Possible: {', '.join(possible)}.")


def _parse_variants(raw: Any, table: str, where: str) -> tuple[Variant, ...]:
    variants = []
    for number, item in enumerate(raw):
        at = f"{where}.variants[{number}]"
        if not isinstance(item, dict) or "when" not in item:
            raise ConfigError("A variant needs when, its condition", where=at, mend="Write when: {path: value}.")
        when = _validate(Conditions, item["when"], f"{at}.when")
        variants.append(Variant(when, _parse_columns(item, table, at, ("when",))))
    return tuple(variants)


def _validate(model: type[BaseModel], value: Any, where: str) -> Any:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join([where, *(str(part) for part in first["loc"])])
        if first["type"] == "extra_forbidden":
            key = str(first["loc"][-1])
            raise _unknown_key(key, at.rsplit(".", 1)[0], list(model.model_fields)) from error
        message = re.sub(r"^(Value|Assertion) error, ", "", first["msg"])
        raise ConfigError(message, where=at, mend="The syntax is in docs/request-logs.md.") from error


def _check_layout(layout: dict[str, Value], table: str, where: str) -> None:
    missing = [name for name in REQUIRED[table] if name not in layout]
    if missing:
        raise ConfigError(
            f"{', '.join(missing)} must be mapped",
            where=where,
            mend="Name the path, or write {constant: …} where every row has the same value.",
        )
    if table == "requests":
        _check_tokens(layout, where)


def _check_tokens(layout: dict[str, Value], where: str) -> None:
    if "input_tokens" in layout and "uncached_input_tokens" in layout:
        raise ConfigError(
            "input_tokens and uncached_input_tokens cannot both be mapped", where=where, mend="Keep one of them."
        )
    for name, parts, default in (
        ("input_tokens", INPUT_PARTS, None),
        ("output_tokens", OUTPUT_PARTS, ("reasoning",)),
    ):
        total = layout.get(name)
        if not isinstance(total, Total):
            continue
        wrong = [part for part in total.includes or () if part not in parts]
        if wrong:
            raise ConfigError(
                f"{', '.join(wrong)} cannot be a part of {name}",
                where=f"{where}.{name}.includes",
                mend=f"Possible: {', '.join(parts)}.",
            )
        mapped = [part for part, columns in parts.items() if any(column in layout for column in columns)]
        unsaid = [part for part in mapped if part not in (default or ())]
        if total.includes is None and unsaid:
            raise ConfigError(
                f"{name} does not say whether it contains {', '.join(unsaid)}",
                where=f"{where}.{name}",
                mend=f"Write includes: [{', '.join(mapped)}] beside its column, or includes: [] if it contains none.",
            )


INPUT_PARTS: dict[str, tuple[str, ...]] = {
    "cache_read": ("cache_read_tokens",),
    "cache_write": ("cache_write_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens"),
    "audio": ("audio_input_tokens",),
    "image": ("image_input_tokens",),
}
OUTPUT_PARTS: dict[str, tuple[str, ...]] = {
    "reasoning": ("of_which_reasoning_tokens",),
    "audio": ("audio_output_tokens",),
    "image": ("image_output_tokens",),
}
