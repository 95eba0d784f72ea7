"""Paths into a row."""

from __future__ import annotations

import pytest

from ingestion.logs.paths import json_path, parse_path


@pytest.mark.parametrize(
    ("text", "hops"),
    [
        ("model", (("model",),)),
        ("usage.prompt_tokens", (("usage", "prompt_tokens"),)),
        ("choices[0].index", (("choices", 0, "index"),)),
        ("events[-1]", (("events", -1),)),
        ('attributes."gen_ai.usage.input_tokens"', (("attributes", "gen_ai.usage.input_tokens"),)),
        ('"Context Tokens"', (("Context Tokens",),)),
        ("Context Tokens", (("Context Tokens",),)),
        ("metadata => team", (("metadata",), ("team",))),
    ],
)
def test_a_path_is_read_as_steps(text: str, hops: tuple[tuple[str | int, ...], ...]) -> None:
    """Dots separate keys unless they are quoted; brackets hold indexes; an arrow parses text."""
    assert parse_path(text).hops == hops


@pytest.mark.parametrize("text", ["", "a.", "a[x]", "a =>", 'a"b"'])
def test_a_path_that_cannot_be_read_is_refused(text: str) -> None:
    """A typing error in a path is told, not ignored."""
    with pytest.raises(ValueError, match="path"):
        parse_path(text)


def test_the_last_element_counts_from_the_end() -> None:
    """DuckDB writes the last element of an array as ``[#-1]``."""
    assert json_path(("events", -1, "a.b")) == '$."events"[#-1]."a.b"'
