"""Recorded payloads, and sources that point at a local server."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingestion.config import ProviderSource

Payload = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="session")
def payload() -> Payload:
    """Read a recorded answer by its name, with exact numbers as the client gives them."""

    def read(name: str) -> dict[str, Any]:
        text = (Path(__file__).parent / "payloads" / f"{name}.json").read_text(encoding="utf-8")
        body: dict[str, Any] = json.loads(text, parse_float=Decimal)
        return body

    return read


@pytest.fixture
def openai_source() -> ProviderSource:
    """A source of OpenAI's type whose server is not there."""
    return ProviderSource(
        source_name="openai",
        type="openai_admin",
        provider_name="openai",
        account_id="acme",
        base_url="http://127.0.0.1:1/v1",
        api_key_env="OPENAI_ADMIN_KEY",
        start_date=date(2026, 11, 1),
        trailing_days={"costs": 5, "usage": 2},
        bucket_width="1d",
        settles_after_hours=48,
        preference=100,
    )


@pytest.fixture
def anthropic_source(openai_source: ProviderSource) -> ProviderSource:
    """A source of Anthropic's type whose server is not there."""
    return replace(
        openai_source,
        source_name="anthropic",
        type="anthropic_admin",
        provider_name="anthropic",
        base_url="http://127.0.0.1:1",
        api_key_env="ANTHROPIC_ADMIN_KEY",
    )
