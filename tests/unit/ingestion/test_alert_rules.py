"""alert_rules.csv: what a user wants otherwise, line by line, with the line of every mistake."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.config.alert_rules import AlertRule, read_alert_rules
from ingestion.config.plans import read_alert_channels

HEADER = "alert_kind,is_enabled,severity,level,hysteresis,renotify_after_hours,resolve_after_hours,comment\n"


def problems(folder: Path, rows: str) -> list[str]:
    (folder / "alert_rules.csv").write_text(HEADER + rows)
    return [str(problem) for problem in read_alert_rules(folder).file.problems]


def test_a_blank_cell_keeps_what_is_shipped(tmp_path: Path) -> None:
    """Only what is filled in differs; a file that is not there changes nothing."""
    assert read_alert_rules(tmp_path).records == ()
    assert problems(tmp_path, "data_late,,critical,1.5,,0,,Nights too\n") == []
    (rule,) = read_alert_rules(tmp_path).records
    assert rule == AlertRule("data_late", True, "critical", Decimal("1.5"), None, 0, None, "Nights too")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("late,,,,,,,", "alert_rules.csv:2 alert_kind: 'late' is not allowed"),
        ("data_late,,grave,,,,,", "alert_rules.csv:2 severity: 'grave' is not allowed"),
        ("data_late,,,-1,,,,", "alert_rules.csv:2 level: -1 is below zero"),
        ("data_late,,,,,1.5,,", "alert_rules.csv:2 renotify_after_hours: '1.5' is not a whole number"),
        ("data_late,,,,,,-2,", "alert_rules.csv:2 resolve_after_hours: -2 is below zero"),
        ("data_late,maybe,,,,,,", "alert_rules.csv:2 is_enabled: 'maybe' is neither true nor false"),
        ("data_late,,,,,,,\ndata_late,,,,,,,", "alert_rules.csv:3 alert_kind: the same as in line 2"),
    ],
)
def test_every_mistake_has_its_line(tmp_path: Path, row: str, problem: str) -> None:
    """And says what is wrong with which cell."""
    (found,) = problems(tmp_path, f"{row}\n")
    assert found.startswith(problem)


def test_the_examples_of_the_guide_are_right(tmp_path: Path, repository: Path) -> None:
    """Each block of docs/alerts.md is a whole file that loads."""
    text = (repository / "docs" / "alerts.md").read_text()
    blocks: dict[str, str] = dict(re.findall(r"```csv (\S+)\n(.*?)```", text, re.DOTALL))
    assert set(blocks) == {"alert_channels.csv", "alert_rules.csv"}
    for name, content in blocks.items():
        (tmp_path / name).write_text(content)
    assert len(read_alert_rules(tmp_path).records) == 3
    assert len(read_alert_channels(tmp_path).records) == 3
    assert not read_alert_rules(tmp_path).file.problems
    assert not read_alert_channels(tmp_path).file.problems


def test_the_shipped_files_are_right(repository: Path) -> None:
    """Those of the repository and of the demo."""
    for folder in ("config", "sandbox/config"):
        assert read_alert_rules(repository / folder).file.problems == []
