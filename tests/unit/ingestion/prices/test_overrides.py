"""Overrides are read strictly: a price nobody can check is not a price."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.errors import ConfigError
from ingestion.prices import PriceBook
from ingestion.prices.overrides import COLUMNS, read_overrides

GOOD = "openai,gpt-4o,,output,,,,,8,https://example.com/prices,2026-11-01"


def written(folder: Path, *lines: str, header: str = ",".join(COLUMNS)) -> Path:
    path = folder / "price_overrides.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_no_file_means_no_overrides(tmp_path: Path) -> None:
    """The file is optional."""
    assert read_overrides(tmp_path / "price_overrides.csv") == ()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("openai,gpt-4o,,output,,,,,8,,2026-11-01", "no source"),
        ("openai,gpt-4o,,output,,,,,8,see mail,2026-11-01", "no source"),
        ("openai,gpt-4o,,output,,,,,8,https://example.com,", "checked_date"),
        ("openai,gpt-4o,,tokens,,,,,8,https://example.com,2026-11-01", "not a token type"),
        ("openai,gpt-4o,,output,,,,,-8,https://example.com,2026-11-01", "not a price"),
        ("openai,gpt-4o,,output,,,,,cheap,https://example.com,2026-11-01", "not a price"),
        ("openai,gpt-4o,,output,,,,,NaN,https://example.com,2026-11-01", "not a price"),
        ("openai,gpt-4o,,output,,,,,1e30,https://example.com,2026-11-01", "not a price"),
        ("openai,gpt-4o,,output,,,,,0.0000000000001,https://example.com,2026-11-01", "not a price"),
        ("openai,gpt-4o,,output,,,,9999999999999,8,https://example.com,2026-11-01", "number of tokens"),
        ('"openai,gpt-4o', "not CSV"),
        ("openai,gpt-4o,,output,,,,,,https://example.com,2026-11-01", "no usd_per_mtok"),
        ("openai,gpt-4o,,output,1.7.2026,,,,8,https://example.com,2026-11-01", "not a date"),
        ("openai,gpt-4o,,output,2026-02-01,2026-01-01,,,8,https://example.com,2026-11-01", "ends before"),
        ("openai,gpt-4o,,output,,,200,100,8,https://example.com,2026-11-01", "band"),
        ("openai,gpt-4o,,output,,,-1,,8,https://example.com,2026-11-01", "number of tokens"),
        ("openai,gpt-4o,,output,8", "too many or too few"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    """The error says what is wrong and in which line."""
    with pytest.raises(ConfigError, match=message) as error:
        read_overrides(written(tmp_path, GOOD, line))
    assert "price_overrides.csv:3" in str(error.value)


def test_a_wrong_column_is_named(tmp_path: Path) -> None:
    """A misspelled column would otherwise be a blank one."""
    with pytest.raises(ConfigError, match="modelname"):
        read_overrides(written(tmp_path, header=",".join(COLUMNS).replace("model_name", "modelname")))


def test_two_prices_for_one_day_contradict_each_other(tmp_path: Path) -> None:
    """Overlapping days with two prices have no answer."""
    other = "openai,gpt-4o,standard,output,2026-01-01,,,,9,https://example.com,2026-11-01"
    with pytest.raises(ConfigError, match="contradict"):
        read_overrides(written(tmp_path, GOOD, other))


@pytest.mark.parametrize(
    "lines",
    [
        (
            "openai,gpt-4o,,output,,2025-12-31,,,8,https://example.com,2026-11-01",
            "openai,gpt-4o,,output,2026-01-01,,,,9,https://example.com,2026-11-01",
        ),
        (
            "openai,gpt-4o,,output,,,,1000,8,https://example.com,2026-11-01",
            "openai,gpt-4o,,output,,,1000,,9,https://example.com,2026-11-01",
        ),
        (GOOD, GOOD),
        (GOOD, GOOD.replace(",,output", ",batch,output").replace(",8,", ",4,")),
    ],
    ids=["days apart", "bands apart", "said twice", "tiers apart"],
)
def test_what_does_not_meet_does_not_contradict(tmp_path: Path, lines: tuple[str, str]) -> None:
    """Neighbouring days, neighbouring bands, other tiers and mere repetition are fine."""
    assert len(read_overrides(written(tmp_path, *lines))) == 2


def test_the_closest_name_wins(tmp_path: Path) -> None:
    """Raw name before model id before glob before the list, each for the token types that it names."""
    path = written(
        tmp_path,
        "openai,gpt-4o*,,output,,,,,7,https://example.com/glob,2026-11-01",
        "openai,gpt-4o*,,cache_read,,,,,1,https://example.com/glob,2026-11-01",
        "openai,gpt-4o,,output,,,,,8,https://example.com/id,2026-11-02",
        "openai,gpt-4o-2024-08-06,,output,,,,,9,https://example.com/raw,2026-11-03",
    )
    book = PriceBook(read_overrides(path))
    (raw,) = book.resolve("openai", "gpt-4o-2024-08-06")
    (by_id,) = book.resolve("openai", "gpt-4o-2024-11-20")
    (by_glob,) = book.resolve("openai", "gpt-4o-mini")
    assert [row.output_usd_per_mtok for row in (raw, by_id, by_glob)] == [Decimal(9), Decimal(8), Decimal(7)]
    assert raw.price_source.startswith("override (cache_read, output); genai-prices ")
    assert raw.price_source_url == "https://example.com/glob https://example.com/raw"
    assert raw.price_checked_date == date(2026, 11, 1)
    assert raw.uncached_input_usd_per_mtok == Decimal("2.5")


def test_globs_that_fit_equally_well_contradict(tmp_path: Path) -> None:
    """Which of two equally close patterns wins must not depend on the order of lines."""
    path = written(
        tmp_path,
        "openai,gpt-4o*,,output,,,,,7,https://example.com,2026-11-01",
        "openai,*gpt-4o,,output,,,,,8,https://example.com,2026-11-01",
    )
    with pytest.raises(ConfigError, match="gpt-4o"):
        PriceBook(read_overrides(path)).resolve("openai", "gpt-4o")


def test_the_overrides_of_the_repository_can_be_used(repository: Path) -> None:
    """Every override that is shipped changes a price of the list that it names."""
    overrides = read_overrides(repository / "config/price_overrides.csv")
    book, bare = PriceBook(overrides), PriceBook()
    for override in overrides:
        names = (override.provider_name, override.model_name, override.service_tier)
        assert bare.find(*names[:2]).model is not None
        assert book.resolve(*names) != bare.resolve(*names)
