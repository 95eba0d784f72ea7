"""One small published file for all tests of digests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.unit.digest.published import open_published, write_published


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file."""
    return write_published(tmp_path_factory.mktemp("digest") / "tokenatlas.duckdb")


@pytest.fixture
def connection(published: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The file, opened for reading."""
    opened = open_published(published)
    yield opened
    opened.close()
