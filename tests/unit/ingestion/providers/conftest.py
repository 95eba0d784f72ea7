"""Recorded payloads, and sources that point at a local server."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

Payload = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="session")
def payload() -> Payload:
    """Read a recorded answer by its name, with exact numbers as the client gives them."""

    def read(name: str) -> dict[str, Any]:
        text = (Path(__file__).parent / "payloads" / f"{name}.json").read_text(encoding="utf-8")
        body: dict[str, Any] = json.loads(text, parse_float=Decimal)
        return body

    return read
