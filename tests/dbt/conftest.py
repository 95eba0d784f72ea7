"""The dbt project, parsed once, and a small company built with it once."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.lake import Lake
from tests.dbt.company import land_company

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Project:
    """One home and one target folder of the dbt project."""

    repository: Path
    home: Path
    target: Path

    def dbt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run dbt from the root of the checkout, as a user does."""
        command = [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", *arguments]
        environment = os.environ | {
            "TOKENATLAS_HOME": str(self.home),
            "DBT_TARGET_PATH": str(self.target),
            "DBT_LOG_PATH": str(self.target),
        }
        return subprocess.run(  # noqa: S603 (our own command)
            command, cwd=self.repository, env=environment, capture_output=True, text=True, check=False
        )

    @property
    def manifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads((self.target / "manifest.json").read_text())
        return manifest

    def warehouse(self) -> duckdb.DuckDBPyConnection:
        """The built tables, to read and to break inside of a transaction."""
        connection = duckdb.connect(str(self.home / "warehouse.duckdb"))
        connection.execute("set timezone = 'UTC'")
        return connection


def new_project(repository: Path, folder: Path) -> Project:
    """A home with an empty lake."""
    project = Project(repository, folder / "home", folder / "target")
    project.home.mkdir()
    lake = Lake(project.home / "lake", clock=lambda: datetime(2026, 11, 23, tzinfo=UTC))
    lake.write_index(project.home / "lake_index.parquet")
    return project


@pytest.fixture(scope="session")
def parsed(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """What `dbt parse` said; see ``manifest``."""
    folder = tmp_path_factory.getbasetemp() / "parsed"
    folder.mkdir()
    return Project(repository, folder, folder / "target").dbt("--show-all-deprecations", "parse")


@pytest.fixture(scope="session")
def manifest(parsed: subprocess.CompletedProcess[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The parsed project."""
    assert parsed.returncode == 0, parsed.stdout
    path = tmp_path_factory.getbasetemp() / "parsed" / "target" / "manifest.json"
    manifest: dict[str, Any] = json.loads(path.read_text())
    return manifest


@pytest.fixture(scope="session")
def models(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Model nodes by name."""
    return {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}


@pytest.fixture(scope="session")
def excepted() -> Callable[[str], set[str]]:
    """The listed exceptions to a house rule."""
    with (HERE / "exceptions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert all(row["comment"] for row in rows), "an exception needs a reason"
    return lambda rule: {row["subject"] for row in rows if row["rule"] == rule}


@pytest.fixture(scope="session")
def company(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A small company with every kind of trouble, built and tested by dbt."""
    project = new_project(repository, tmp_path_factory.mktemp("company"))
    land_company(project.home)
    result = project.dbt("build", "--exclude-resource-type", "unit_test")
    assert result.returncode == 0, result.stdout[-5000:]
    return project


@pytest.fixture
def warehouse(company: Project) -> Iterator[duckdb.DuckDBPyConnection]:
    """The built tables of the company; whatever a test changes is rolled back."""
    connection = company.warehouse()
    connection.begin()
    yield connection
    connection.rollback()
    connection.close()
