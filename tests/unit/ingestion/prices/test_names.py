"""Raw names become models."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestion.errors import ConfigError
from ingestion.prices import PriceBook
from ingestion.prices.names import model_family, normalize_tier, read_aliases


@pytest.mark.parametrize(
    ("provider_name", "model_name", "model_id"),
    [
        ("openai", "gpt-4o-2024-08-06", "gpt-4o"),
        ("openai", "GPT-4o", "gpt-4o"),
        ("openai", "gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        ("openai", "openai/gpt-4o", "gpt-4o"),
        ("openai", "gpt-5-2031-01-01", "gpt-5"),
        ("anthropic", "anthropic/claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("google", "models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("aws", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
        ("aws", "anthropic.claude-3-5-sonnet-20241022-v2:0", "claude-3-5-sonnet"),
        ("aws", "eu.amazon.nova-lite-v1:0", "nova-lite"),
        ("google", "claude-sonnet-4-6", "claude-sonnet-4-6"),
        ("azure", "gpt-4o", "gpt-4o"),
        ("openrouter", "openai/gpt-4o", "gpt-4o"),
        ("litellm", "azure/gpt-4o", "gpt-4o"),
        ("openai", "GPT-99-Secret", "gpt-99-secret"),
        ("nobody", "gpt-4o", "gpt-4o"),
    ],
)
def test_canonical_name(provider_name: str, model_name: str, model_id: str) -> None:
    """One model has one name, whoever sells it; what is unknown keeps its own in lower case."""
    assert PriceBook().find(provider_name, model_name).model_id == model_id


def test_a_version_in_the_name_is_not_a_bedrock_suffix() -> None:
    """``deepseek-v3`` does not lose its version, which tells it from other models."""
    assert PriceBook().find("deepseek", "deepseek-v3").model_id != "deepseek"


@pytest.mark.parametrize(
    ("model_id", "family"),
    [
        ("gpt-4o", "gpt-4o"),
        ("gpt-4o-mini", "gpt-4o"),
        ("gpt-5.4-nano", "gpt-5.4"),
        ("o3-mini", "o3"),
        ("claude-3-5-sonnet", "claude-sonnet"),
        ("claude-haiku-4-5", "claude-haiku"),
        ("gemini-2.5-flash", "gemini-flash"),
        ("gemini-2.5-flash-lite", "gemini-flash-lite"),
        ("text-embedding-3-small", "text-embedding"),
        ("mistral-large-latest", "mistral-large"),
        ("1234", None),
    ],
)
def test_family(model_id: str, family: str | None) -> None:
    """A family groups sizes and releases."""
    assert model_family(model_id) == family


@pytest.mark.parametrize(
    ("raw", "is_batch", "tier"),
    [
        (None, None, "standard"),
        ("", False, "standard"),
        ("Default", False, "standard"),
        ("auto", False, "standard"),
        ("on_demand", False, "standard"),
        ("batch", False, "batch"),
        ("default", True, "batch"),
        ("flex_discount", False, "flex"),
        ("fast", False, "priority"),
        ("priority_on_demand", False, "priority"),
        ("scale", False, "scale"),
        ("UltraFast", False, "ultrafast"),
    ],
)
def test_tier(raw: str | None, is_batch: bool | None, tier: str) -> None:
    """Tiers of all providers have one spelling, and an unheard-of one stays itself."""
    assert normalize_tier(raw, is_batch) == tier


def test_tiers_are_spelled_as_in_the_dbt_project(repository: Path) -> None:
    """The ``service_tier`` macro names every spelling that is folded here, so that prices join."""
    macro = (repository / "dbt_project/macros/engines.sql").parent
    text = "".join(path.read_text() for path in macro.glob("*.sql"))
    for raw in ("default", "auto", "standard", "on_demand", "flex_discount", "priority_on_demand", "fast"):
        assert f"'{raw}'" in text


def test_an_alias_prices_a_deployment(tmp_path: Path) -> None:
    """A name of the user's own is priced as the model that it stands for."""
    path = tmp_path / "model_aliases.csv"
    path.write_text("provider_name,model_name,priced_as_provider,priced_as_model\nazure,prod-chat-*,azure,gpt-4o\n")
    book = PriceBook(aliases=read_aliases(path))
    (row,) = book.resolve("azure", "Prod-Chat-EU")
    assert (row.model_name, row.model_id, str(row.output_usd_per_mtok)) == ("Prod-Chat-EU", "gpt-4o", "10")


def test_an_alias_with_a_blank_cell_is_refused(tmp_path: Path) -> None:
    """A blank cell would match nothing, silently."""
    path = tmp_path / "model_aliases.csv"
    path.write_text("provider_name,model_name,priced_as_provider,priced_as_model\nazure,prod-chat,,gpt-4o\n")
    with pytest.raises(ConfigError, match=r"model_aliases\.csv:2"):
        read_aliases(path)
