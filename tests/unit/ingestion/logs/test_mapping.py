"""What a mapping may say, and what is told when it says something else."""

from __future__ import annotations

from typing import Any

import pytest

from ingestion.errors import ConfigError
from ingestion.logs import parse_mapping
from ingestion.logs.mapping import preset_names
from tests.unit.ingestion.logs.conftest import MAPPING, Source


def _error(mapping: dict[str, Any], **source: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse_mapping(Source(mapping, **source))
    return caught.value


def test_an_unknown_column_is_named_with_the_possible_ones() -> None:
    """A typing error in a column name gets a suggestion and the list."""
    error = _error({**MAPPING, "modle_name": "x"})
    assert "'modle_name'" in error.what
    assert "Did you mean model_name?" in error.mend
    assert "service_tier" in error.mend
    assert "source gateway" in error.where


def test_an_unknown_option_of_a_column_is_named_with_the_possible_ones() -> None:
    """The same holds inside a column."""
    error = _error({**MAPPING, "model_name": {"colum": "model"}})
    assert "'colum'" in error.what
    assert "column" in error.mend
    assert error.where.endswith("mapping.model_name")


def test_an_option_of_another_kind_of_column_is_refused() -> None:
    """Only durations, money and offsets have a unit."""
    assert "'unit'" in _error({**MAPPING, "model_name": {"column": "model", "unit": "seconds"}}).what


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_name": {"column": "a", "constant": "b"}}, "found column and constant"),
        ({"model_name": {"default": "b"}}, "found none"),
        ({"model_name": None}, "model_name must be mapped"),
        ({"model_name": {"column": "a", "pattern": "("}}, "not a regular expression"),
        ({"model_name": "a["}, "cannot read the path"),
        ({"started_at": {"column": "a", "format": "iso"}}, "none of rfc3339"),
        ({"started_at": {"column": "a", "format": "%Y-%m-%d"}}, "assume_timezone is needed"),
        ({"started_at": {"column": "a", "assume_timezone": "CEST/Berlin"}}, "not an IANA zone"),
        ({"started_at": {"column": "a", "offset_from": "2024-05-01T00:00:00"}}, "needs a time zone"),
        ({"input_tokens": "in"}, "input_tokens does not say whether it contains cache_read"),
        ({"input_tokens": {"column": "in", "includes": ["reasoning"]}}, "reasoning cannot be a part of input_tokens"),
        ({"uncached_input_tokens": "x"}, "cannot both be mapped"),
        ({"tags": {"from_map": "metadata"}}, "need keep"),
        ({"tags": {"keep": ["team"]}}, "need keep"),
        ({"keep_rows_where": {}}, "at least one condition"),
        ({"keep_rows_where": {"a": {"exists": True, "pattern": "x"}}}, "exactly one of exists, pattern"),
        ({"usage_missing": "guess"}, "'guess' is not possible"),
        ({"preset": "langfuze"}, "'langfuze' is not possible"),
        ({"variants": [{"model_name": "x"}]}, "needs when"),
        ({"unpack": {"document": False}}, "needs each"),
        ({"prepare": "select 1"}, "prepare works on parquet files only"),
    ],
)
def test_a_mapping_that_cannot_work_says_why(changes: dict[str, Any], words: str) -> None:
    """Every wrong value is told before a file is opened."""
    assert words in _error({**MAPPING, **changes}).what


def test_a_table_without_mapping_is_refused() -> None:
    """Only requests, outcomes and revenue are read from files."""
    assert "requests, outcomes, revenue" in _error(MAPPING, table="openai_costs").mend


@pytest.mark.parametrize("preset", preset_names())
def test_every_preset_is_a_valid_mapping(preset: str) -> None:
    """A preset needs nothing else to be used."""
    assert parse_mapping(Source({"preset": preset})).columns["provider_name"]


def test_keys_beside_a_preset_replace_its_keys() -> None:
    """A preset is a start, not a cage; null takes a column away."""
    mapping = parse_mapping(Source({"preset": "openai", "model_name": {"constant": "m"}, "service_tier": None}))
    assert mapping.columns["model_name"].constant == "m"
    assert "service_tier" not in mapping.columns
