"""Bad input in the files of pages: each mistake is named with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboards.description import read_datasets, read_pages
from ingestion.errors import ConfigError

DATASETS = """
finops.mart_spend_daily:
  date: usage_date
  metrics: {cost: [Cost, sum(effective_cost_usd), usd]}
"""
PAGE = """
title: A page
question: What?
filters: [date]
days: 30
teams: false
sections:
  - title: First
    rows:
      - height: 20
        charts:
          - {name: one, title: T, kind: number, dataset: finops.mart_spend_daily, width: 6, metrics: [cost], empty: N.}
"""


def folder_with(tmp_path: Path, datasets: str = DATASETS, page: str = PAGE) -> Path:
    (tmp_path / "pages").mkdir()
    (tmp_path / "datasets.yml").write_text(datasets)
    (tmp_path / "pages" / "1_page.yml").write_text(page)
    return tmp_path


def test_a_page_is_read(tmp_path: Path) -> None:
    """The pattern that the bad cases below depart from."""
    folder = folder_with(tmp_path)
    (page,) = read_pages(read_datasets(folder), folder)
    assert (page.name, [chart.name for chart in page.charts]) == ("page", ["one"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("usd]", "euro]"), "No number format is called 'euro'"),
        (("date: usage_date", "day: usage_date"), "The key 'day' means nothing"),
        (("sum(effective_cost_usd)", "round(sum(effective_cost_usd), 2)"), "A metric is not"),
        (("date: usage_date", "date: [usage_date"), "not YAML"),
    ],
)
def test_a_wrong_dataset_is_named(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    """Formats, keys, commas in SQL that is not quoted, and YAML itself."""
    folder = folder_with(tmp_path, datasets=DATASETS.replace(*change))
    with pytest.raises(ConfigError, match=message) as raised:
        read_datasets(folder)
    assert "datasets.yml" in raised.value.where


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("dataset: finops.mart_spend_daily", "dataset: finops.mart_spent"), "There is no dataset 'finops.mart_spent'"),
        (("width: 6", "width: 14"), "A row is 14 columns wide"),
        ((", empty: N.", ""), "A chart has no 'empty'"),
        (("question:", "answer:"), "The key 'answer' means nothing"),
    ],
)
def test_a_wrong_page_is_named(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    """Unknown datasets and keys, rows that are too wide, charts that would be silent when empty."""
    folder = folder_with(tmp_path, page=PAGE.replace(*change))
    with pytest.raises(ConfigError, match=message) as raised:
        read_pages(read_datasets(folder), folder)
    assert "1_page.yml" in raised.value.where


def test_two_charts_of_one_name_are_refused(tmp_path: Path) -> None:
    """The name is the chart's identity: the second would replace the first."""
    line = PAGE.splitlines()[-1]
    folder = folder_with(tmp_path, page=PAGE + line + "\n")
    with pytest.raises(ConfigError, match="Two charts of a page have one name"):
        read_pages(read_datasets(folder), folder)
