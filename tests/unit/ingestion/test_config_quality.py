"""Scores of models from a file: what can be meant loads, and the rest says where it is and what to write."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.config import Config, load_config
from ingestion.config.quality import QUALITY_COLUMNS
from ingestion.errors import ConfigError
from ingestion.settings import Settings

HEADER = ",".join(QUALITY_COLUMNS)


def load(folder: Path, *lines: str) -> Config:
    (folder / "sources.yml").write_text("sources:\n")
    (folder / "features.csv").write_text("feature,feature_name,team,aliases\nask,Ask,,\n")
    (folder / "model_quality.csv").write_text("\n".join((HEADER, *lines)) + "\n")
    now = datetime(2026, 11, 23, tzinfo=UTC)
    return load_config(Settings(home=folder / "home", config=folder, now=now, is_clock_fixed=True), {})


def test_a_score_holds_for_a_model_or_for_it_in_one_feature(tmp_path: Path) -> None:
    """Exact decimals; a blank feature is any."""
    config = load(tmp_path, "ask,openai,gpt,0.91,eval:1,2026-11-01,", ",openai,gpt,1,eval:1,2026-11-01,all")
    assert [(row.feature, row.quality_score, row.checked_date) for row in config.model_quality] == [
        ("ask", Decimal("0.91"), date(2026, 11, 1)),
        (None, Decimal(1), date(2026, 11, 1)),
    ]
    assert config.warnings == ()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            ",openai,gpt,4.5,stars,2026-11-01,",
            "model_quality.csv:2 quality_score: 4.5 is not between 0 and 1; divide by",
        ),
        (",openai,gpt,-0.1,stars,2026-11-01,", "model_quality.csv:2 quality_score: -0.1 is not between 0 and 1"),
        (",openai,gpt,good,stars,2026-11-01,", "model_quality.csv:2 quality_score: 'good' is not a decimal"),
        (",openai,gpt,0.5,,2026-11-01,", "model_quality.csv:2 source: the cell is blank"),
        (",openai,gpt,0.5,stars,,", "model_quality.csv:2 checked_date: '' is not a date"),
        (
            ",openai,gpt,0.5,a,2026-11-01,\n,openai,gpt,0.6,b,2026-11-02,",
            "model_quality.csv:3 model_id: the same as in line 2",
        ),
    ],
)
def test_what_cannot_be_meant_says_where_and_how_to_mend_it(tmp_path: Path, line: str, message: str) -> None:
    """A score above 1 names the scale; nothing is landed until all is mended."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, line)
    said = f"{caught.value.where}: {caught.value.what}; {caught.value.mend}"
    assert message in said


def test_what_is_probably_not_meant_is_a_warning(tmp_path: Path) -> None:
    """A feature that is not there, a day that has not come."""
    config = load(tmp_path, "asking,openai,gpt,0.5,eval,2026-12-01,")
    assert [warning.where for warning in config.warnings] == [
        "model_quality.csv:2 feature",
        "model_quality.csv:2 checked_date",
    ]


def test_the_shipped_files_have_the_documented_header(repository: Path) -> None:
    """Header rows are what users start from."""
    for folder in ("config", "sandbox/config"):
        assert (repository / folder / "model_quality.csv").read_text().splitlines()[0] == HEADER


def test_the_documented_file_loads(repository: Path, tmp_path: Path) -> None:
    """The block of docs/outcomes.md is a whole file."""
    text = (repository / "docs" / "outcomes.md").read_text()
    block = text.split("```csv model_quality.csv\n")[1].split("```")[0]
    header, *lines = block.splitlines()
    assert header == HEADER
    assert len(load(tmp_path, *lines).model_quality) == 2
