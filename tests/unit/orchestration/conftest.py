"""A home and a configuration of a test's own."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingestion.settings import Settings

with warnings.catch_warnings():
    # Their libraries warn on import; warnings are errors in tests.
    warnings.simplefilter("ignore")
    import dagster_dbt  # noqa: F401
    import great_expectations  # noqa: F401

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)

SOURCES = """\
sources:
  openai:
    type: openai_admin
    base_url: http://127.0.0.1:9
    api_key_env: A_KEY_THAT_IS_NOT_SET
    start_date: 2026-11-01
  app:
    type: files
    table: requests
    path: ${TOKENATLAS_HOME}/inbox/*.jsonl
    format: jsonl
    mapping:
      request_id: id
      started_at: at
      provider_name: {constant: openai}
      model_name: model
      uncached_input_tokens: input
      output_tokens: output
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """One provider without a key and one folder of logs, at a fixed time."""
    config = tmp_path / "config"
    config.mkdir()
    (config / "sources.yml").write_text(SOURCES)
    return Settings(home=tmp_path / "home", config=config, now=NOW, is_clock_fixed=True)


@pytest.fixture
def inbox(settings: Settings) -> Path:
    """The folder of logs, with one file of two requests."""
    folder = settings.home / "inbox"
    folder.mkdir(parents=True)
    line = '{"id": "%s", "at": "2026-11-22T10:00:00Z", "model": "gpt-4o-mini", "input": 1000, "output": 100}\n'
    (folder / "one.jsonl").write_text(line % "r1" + line % "r2")
    return folder
