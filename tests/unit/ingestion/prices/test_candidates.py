"""Models that could do the work instead: who may use them, what they cost, and what is known of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ingestion.config import load_config
from ingestion.errors import ConfigError
from ingestion.lake import Lake, Load, Window
from ingestion.prices import PriceBook, land_candidates, land_prices
from ingestion.prices.candidates import candidate_prices, describe
from ingestion.prices.model_facts import (
    CANDIDATE_COLUMNS,
    LIMIT_COLUMNS,
    TOKENIZER_COLUMNS,
    ModelFacts,
    read_model_facts,
)
from ingestion.records import AnthropicUsage, to_arrow
from ingestion.settings import Settings

FILES = {
    "model_candidates.csv": CANDIDATE_COLUMNS,
    "model_limits.csv": LIMIT_COLUMNS,
    "tokenizer_ratios.csv": TOKENIZER_COLUMNS,
}
HAIKU = ("anthropic", "claude-haiku-4-5")


def written(folder: Path, name: str, *lines: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("\n".join([",".join(FILES[name]), *lines]) + "\n")
    return folder


def allowed(facts: ModelFacts, feature: str | None, model_id: str, *, is_in_use: bool = False) -> bool:
    row = describe(PriceBook(), facts, feature, ("anthropic", model_id), model_id, is_in_use=is_in_use)
    return row.is_allowed


def test_without_files_what_is_in_use_is_allowed(tmp_path: Path) -> None:
    """The three files are optional; nothing is known of tokens then, and the window comes from the price list."""
    facts = read_model_facts(tmp_path)
    assert facts == ModelFacts()
    assert allowed(facts, None, "claude-haiku-4-5", is_in_use=True)
    assert not allowed(facts, None, "claude-haiku-4-5")
    row = describe(PriceBook(), facts, None, HAIKU, "claude-haiku-4-5-20251001", is_in_use=True)
    assert (row.context_window_tokens, row.tokens_per_reference, row.min_cached_tokens) == (200_000, None, None)


def test_the_closest_rule_decides(tmp_path: Path) -> None:
    """One for the feature before one for all, then the name before the glob, then the longer glob."""
    lines = (
        ",anthropic,*,deny,not approved",
        ",anthropic,claude-haiku-*,allow,",
        ",anthropic,claude-haiku-3,deny,",
        "chat,Anthropic,Claude-Opus-*,allow,chat may",
    )
    facts = read_model_facts(written(tmp_path, "model_candidates.csv", *lines))
    assert [
        allowed(facts, None, model, is_in_use=True)
        for model in ("claude-sonnet-5", "claude-haiku-4-5", "claude-haiku-3", "claude-opus-5")
    ] == [False, True, False, False]
    assert allowed(facts, "chat", "claude-opus-5")
    assert allowed(facts, "chat", "claude-haiku-4-5")
    assert not allowed(facts, "search", "claude-opus-5")


def test_limits_and_tokenizers_are_those_of_the_closest_name(tmp_path: Path) -> None:
    """What the file leaves blank comes from the price list."""
    written(
        tmp_path,
        "model_limits.csv",
        "anthropic,claude-*,,1024,,https://example.com,2026-11-01",
        "anthropic,claude-haiku-4-5,100000,4096,2027-01-01,https://example.com,2026-11-01",
    )
    written(tmp_path, "tokenizer_ratios.csv", "anthropic,claude-*,claude,1.22,0.12,https://example.com,2026-11-01")
    facts = read_model_facts(tmp_path)
    haiku = describe(PriceBook(), facts, None, HAIKU, HAIKU[1], is_in_use=True)
    assert (haiku.context_window_tokens, haiku.min_cached_tokens) == (100_000, 4096)
    assert haiku.retired_date == date(2027, 1, 1)
    assert (haiku.tokenizer_name, haiku.tokens_per_reference) == ("claude", Decimal("1.22"))
    opus = describe(PriceBook(), facts, None, ("anthropic", "claude-opus-4-6"), "claude-opus-4-6", is_in_use=True)
    assert (opus.context_window_tokens, opus.min_cached_tokens, opus.retired_date) == (1_000_000, 1024, None)


@pytest.mark.parametrize(
    ("name", "line", "what"),
    [
        ("model_candidates.csv", ",anthropic,claude-opus-5,perhaps,", "perhaps is no decision"),
        ("model_candidates.csv", ",,claude-opus-5,allow,", "no provider_name"),
        ("model_limits.csv", "anthropic,claude-opus-5,many,,,https://example.com,2026-11-01", "not a number of tokens"),
        ("model_limits.csv", "anthropic,claude-opus-5,1000,,,,2026-11-01", "no source"),
        ("model_limits.csv", "anthropic,claude-opus-5,,,soon,https://example.com,2026-11-01", "soon is not a date"),
        ("tokenizer_ratios.csv", "anthropic,claude-*,,1.2,0.1,https://example.com,2026-11-01", "no name"),
        ("tokenizer_ratios.csv", "anthropic,claude-*,c,120 %,0.1,https://example.com,2026-11-01", "not a number"),
        ("tokenizer_ratios.csv", "anthropic,claude-*,c,120,0.1,https://example.com,2026-11-01", "cannot be"),
        ("tokenizer_ratios.csv", "anthropic,claude-*,c,1.2,12,https://example.com,2026-11-01", "12 is no share"),
        ("tokenizer_ratios.csv", "anthropic,claude-*,c,1.2,0.1,https://example.com,", "not a date"),
    ],
)
def test_a_cell_that_cannot_be_used_is_named(tmp_path: Path, name: str, line: str, what: str) -> None:
    """With file and line, when the configuration is read and not first when prices are landed."""
    config = written(tmp_path / "config", name, line)
    (config / "sources.yml").write_text("sources:\n")
    settings = Settings(home=tmp_path / "home", config=config, now=datetime(2026, 11, 20, tzinfo=UTC))
    with pytest.raises(ConfigError, match=what) as caught:
        load_config(settings)
    assert caught.value.where.endswith(f"{name}:2")
    assert caught.value.mend


def test_a_model_named_twice_is_refused(tmp_path: Path) -> None:
    """Both lines are named."""
    line = "chat,openai,gpt-5,allow,"
    with pytest.raises(ConfigError, match="comes twice") as caught:
        read_model_facts(written(tmp_path, "model_candidates.csv", line, ",openai,gpt-5,deny,", line))
    assert caught.value.where.endswith("model_candidates.csv:4")
    assert "model_candidates.csv:2" in caught.value.where


def test_a_candidate_has_prices_in_the_tiers_that_it_has() -> None:
    """Under its canonical name, whatever raw name it was found by; never the price of another tier."""
    rows = list(candidate_prices(PriceBook(), HAIKU, "claude-haiku-4-5-20251001"))
    assert {row.model_name for row in rows} == {"claude-haiku-4-5"}
    assert {row.service_tier for row in rows} == {"standard", "batch"}
    assert {row.output_usd_per_mtok for row in rows} == {Decimal(5), Decimal("2.5")}


def test_what_is_in_use_and_what_is_allowed_is_landed_once(tmp_path: Path) -> None:
    """Models of providers without an account are no candidates; a second run lands nothing."""
    config = written(
        tmp_path / "config",
        "model_candidates.csv",
        ",anthropic,claude-opus-5,allow,",
        ",openai,gpt-5,allow,no account",
        "chat,anthropic,claude-haiku-4-5,deny,",
    )
    settings = Settings(home=tmp_path / "home", config=config, now=datetime(2026, 11, 20, tzinfo=UTC))
    settings.home.mkdir()
    ticks = (datetime(2026, 11, 20, tzinfo=UTC) + timedelta(seconds=second) for second in count())
    lake = Lake(settings.lake_path, lambda: next(ticks))
    day = datetime(2026, 11, 1, tzinfo=UTC)
    usage = AnthropicUsage(
        **dict.fromkeys(AnthropicUsage.__dataclass_fields__)  # type: ignore[arg-type]
        | {"source_name": "anthropic", "account_id": "acme", "model_name": "claude-haiku-4-5-20251001"}
        | {"bucket_start_at": day, "bucket_end_at": day + timedelta(days=1), "uncached_input_tokens": 1}
        | {"cache_read_input_tokens": 0, "cache_creation_5m_input_tokens": 0, "cache_creation_1h_input_tokens": 0}
        | {"output_tokens": 1, "web_search_requests": 0}
    )
    window = Window(day.date(), day.date() + timedelta(days=1))
    lake.land("anthropic_usage", "anthropic", to_arrow(AnthropicUsage, [usage]), account_id="acme", window=window)
    land_prices(settings, lake)
    prices, candidates = land_candidates(settings, lake)
    assert {row["model_id"] for row in _rows(settings, prices)} == {"claude-haiku-4-5", "claude-opus-5"}
    assert [(row["feature"], row["model_id"], row["is_allowed"]) for row in _rows(settings, candidates)] == [
        (None, "claude-haiku-4-5", True),
        (None, "claude-opus-5", True),
        ("chat", "claude-haiku-4-5", False),
        ("chat", "claude-opus-5", True),
    ]
    assert all(load.skipped for load in land_candidates(settings, lake))


def test_the_shipped_files_can_be_read(repository: Path) -> None:
    """Those of a new company and those of the sandbox."""
    for folder in ("config", "sandbox/config"):
        facts = read_model_facts(repository / folder)
        assert facts.rules
        assert facts.limits
        assert facts.tokenizers


def _rows(settings: Settings, load: Load) -> list[dict[str, object]]:
    folder = settings.lake_path / "prices" / load.table
    return [row for file in sorted(folder.rglob("*.parquet")) for row in pq.read_table(file).to_pylist()]
