"""docs/configuration.md: every file that a user may edit is in it, and what it shows can be loaded."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from ingestion.config import load_config
from ingestion.settings import Settings

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def test_every_file_of_the_configuration_is_explained(repository: Path) -> None:
    """A stranger finds each shipped file, and where its columns are."""
    page = (repository / "docs" / "configuration.md").read_text()
    shipped = {path.name for path in (repository / "config").iterdir() if path.is_file()}
    assert sorted(name for name in shipped if f"`{name}`" not in page) == []


def test_its_examples_load_together(repository: Path, tmp_path: Path) -> None:
    """As they stand, under the headers of the shipped templates."""
    page = (repository / "docs" / "configuration.md").read_text()
    examples = dict(re.findall(r"```csv (\w+\.csv)\n(.*?)```", page, re.DOTALL))
    assert set(examples) >= {"teams.csv", "features.csv", "attribution_rules.csv", "cost_splits.csv"}
    (tmp_path / "sources.yml").write_text("sources:\n")
    for name, text in examples.items():
        assert text.splitlines()[0] == (repository / "config" / name).read_text().splitlines()[0]
        (tmp_path / name).write_text(text)
    config = load_config(Settings(home=tmp_path / "home", config=tmp_path, now=NOW, is_clock_fixed=True), {})
    assert config.warnings == ()
