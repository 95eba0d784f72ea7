"""Settings come from the environment, and the clock can be fixed."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingestion.errors import ConfigError
from ingestion.settings import Settings

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_defaults_lie_in_the_working_folder() -> None:
    """Without any variable, the state is in .tokenatlas and the configuration in config."""
    settings = Settings.from_environment({}, system_clock=lambda: NOON)
    assert settings.home == Path.cwd() / ".tokenatlas"
    assert settings.config == Path.cwd() / "config"
    assert settings.now == NOON
    assert settings.index_path == Path.cwd() / ".tokenatlas" / "lake_index.parquet"


def test_the_clock_is_fixed_by_the_environment() -> None:
    """TOKENATLAS_NOW wins over the system clock, is read in its own offset, and does not move."""
    settings = Settings.from_environment({"TOKENATLAS_NOW": "2026-06-01T02:00:00+02:00"}, system_clock=lambda: NOON)
    assert settings.now == datetime(2026, 6, 1, tzinfo=UTC)
    assert settings.clock() == settings.clock() == settings.now


@pytest.mark.parametrize("text", ["yesterday", "2026-06-01T00:00:00"])
def test_an_instant_without_a_meaning_is_refused(text: str) -> None:
    """An instant that is none, or has no offset, is an error that shows how to write it."""
    with pytest.raises(ConfigError, match="2026-11-23T06:00:00Z"):
        Settings.from_environment({"TOKENATLAS_NOW": text})


def test_the_environment_wins_over_the_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """.env fills what is not set, and overrides nothing."""
    (tmp_path / ".env").write_text("TOKENATLAS_HOME=from_file\nTOKENATLAS_CONFIG=from_file\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOKENATLAS_HOME", "from_environment")
    monkeypatch.delenv("TOKENATLAS_NOW", raising=False)
    # Set and deleted, so that what the file puts into the environment is taken out again after the test.
    monkeypatch.setenv("TOKENATLAS_CONFIG", "")
    monkeypatch.delenv("TOKENATLAS_CONFIG")
    settings = Settings.from_environment()
    assert settings.home == tmp_path / "from_environment"
    assert settings.config == tmp_path / "from_file"
    assert os.environ["TOKENATLAS_CONFIG"] == "from_file"
