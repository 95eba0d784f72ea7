"""A small workshop: write a file, land it by a mapping, look at the rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ingestion.lake import Lake
from ingestion.logs import FileResult, ImportResult, import_files

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)

MAPPING: dict[str, Any] = {
    "request_id": "id",
    "started_at": "at",
    "provider_name": {"constant": "openai"},
    "model_name": "model",
    "input_tokens": {"column": "in", "includes": ["cache_read"]},
    "cache_read_tokens": "cached",
    "output_tokens": "out",
}
LINE: dict[str, Any] = {"id": "r1", "at": "2026-05-01T10:00:00Z", "model": "gpt-5", "in": 100, "cached": 40, "out": 7}


@dataclass(frozen=True)
class Source:
    """A source of type files, as sources.yml gives it."""

    mapping: dict[str, Any]
    table: str = "requests"
    format: str = "jsonl"
    path: str = "in/*"
    name: str = "gateway"
    account_id: str = "acme"


@dataclass
class Workshop:
    """One home with a lake and an inbox."""

    home: Path
    lake: Lake = field(init=False)

    def __post_init__(self) -> None:
        self.inbox = self.home / "in"
        self.inbox.mkdir()
        self.lake = Lake(self.home / "lake", lambda: NOW)

    def write(self, content: str | bytes, name: str = "log.jsonl") -> Path:
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def land_files(self, source: Source, *paths: Path, **options: Any) -> ImportResult:
        return import_files(source, paths, self.lake, NOW, **options)

    def land(
        self, content: str | bytes, mapping: dict[str, Any], *, name: str = "log.jsonl", **source: Any
    ) -> FileResult:
        """Land one file; raise its error if it failed."""
        path = self.write(content, name)
        result = self.land_files(Source(mapping, path=str(self.inbox / "*"), **source), path)
        result.raise_failures()
        return result.files[0]

    def rows(self, table: str = "requests") -> list[dict[str, Any]]:
        """Every landed row, in the order of file and line."""
        files = sorted((self.home / "lake").glob(f"*/{table}/*/*.parquet"))
        rows = [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]
        return sorted(rows, key=lambda row: (row["file_name"], row["file_line"]))

    def row(self, line: dict[str, Any], mapping: dict[str, Any], **source: Any) -> dict[str, Any]:
        """The only row that comes of one JSON line."""
        self.land(json.dumps(line) + "\n", mapping, **source)
        [row] = self.rows(source.get("table", "requests"))
        return row

    def refused(self) -> list[tuple[int, str]]:
        """Line and reason of every quarantined row, by line."""
        return sorted((row["file_line"], row["reason"]) for row in self.lake.quarantine().to_pylist())


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """An empty home."""
    return Workshop(tmp_path)


@pytest.fixture
def reason_of(workshop: Workshop) -> Callable[..., str | None]:
    """The reason for which one line is refused (``LINE`` with changes), or null if it lands."""

    def reason(mapping: dict[str, Any] = MAPPING, **changes: Any) -> str | None:
        line = {key: value for key, value in {**LINE, **changes}.items() if value is not ...}
        result = workshop.land(json.dumps(line) + "\n", mapping)
        assert result.load is not None
        assert result.load.rows_received == result.load.rows_admitted + result.load.rows_quarantined == 1
        return next(iter(result.refusals), None)

    return reason
