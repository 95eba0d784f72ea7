"""From the files of `dashboards/` to what Superset imports."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml

from dashboards.bundle import Bundle, build_bundle
from dashboards.charts import KINDS
from dashboards.description import read_datasets, read_pages
from dashboards.filters import CHOICES, date_range
from dashboards.labels import column_format, column_label
from ingestion.errors import ConfigError
from tests.unit.dashboards.made import MARGIN, RECONCILIATION, SPEND, published

FILE = Path("/home/of/tokenatlas.duckdb")


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """The shipped pages over three tables."""
    datasets = read_datasets()
    return build_bundle(datasets, read_pages(datasets), published(SPEND, MARGIN, RECONCILIATION), FILE, None)


def page_of(bundle: Bundle, slug: str) -> dict[str, object]:
    content: dict[str, object] = yaml.safe_load(bundle.files[f"dashboards/{slug}.yaml"])
    return content


def charts_of(bundle: Bundle, slug: str) -> list[dict[str, object]]:
    return [yaml.safe_load(text) for name, text in bundle.files.items() if re.match(rf"charts/{slug}_(?!team)", name)]


def test_the_same_files_give_the_same_import(bundle: Bundle) -> None:
    """A second import finds every identity again and changes nothing."""
    datasets = read_datasets()
    again = build_bundle(datasets, read_pages(datasets), published(SPEND, MARGIN, RECONCILIATION), FILE, None)
    assert again == bundle


def test_every_identity_stands_once(bundle: Bundle) -> None:
    """Two charts with one uuid would be one chart."""
    uuids = [yaml.safe_load(text)["uuid"] for name, text in bundle.files.items() if name != "metadata.yaml"]
    assert len(uuids) == len(set(uuids))


def test_a_table_that_is_not_published_leaves_a_note_in_place_of_its_charts(bundle: Bundle) -> None:
    """The page says which table is missing, and the set-up lists what waits for it."""
    assert any("Engineering" in chart for chart in bundle.missing["finops.mart_model_swaps"])
    position = page_of(bundle, "engineering")["position"]
    assert isinstance(position, dict)
    note = position["MARKDOWN-swaps"]["meta"]["code"]
    assert "finops.mart_model_swaps" in note
    assert "is not published" in note
    assert "CHART-swaps" not in position


def test_pages_of_teams_hold_no_chart_on_rows_of_nobody(bundle: Bundle) -> None:
    """A team member's page reads only datasets that have a rule for the rows of a team."""
    charts = charts_of(bundle, "product-team") + charts_of(bundle, "overview-team")
    assert charts
    assert {chart["dataset_uuid"] for chart in charts} <= set(bundle.team_datasets)
    assert "CHART-margins" not in page_of(bundle, "product-team")["position"]  # type: ignore[operator]
    assert "dashboards/finance-team.yaml" not in bundle.files


def test_pages_are_for_one_audience(bundle: Bundle) -> None:
    """Pages of teams are not finance's, and the other way round."""
    audiences = {name: bundle.page_audiences[page_of(bundle, name)["uuid"]] for name in ("finance", "product-team")}  # type: ignore[index]
    assert audiences == {"finance": "finance", "product-team": "team"}


def test_a_filter_leaves_alone_what_lacks_its_column(bundle: Bundle) -> None:
    """The customer filter acts on margins, and the team filter does not."""
    page = page_of(bundle, "product")
    filters = {entry["name"]: entry for entry in page["metadata"]["native_filter_configuration"]}  # type: ignore[index]
    position = page["position"]
    numbers = {
        box["meta"]["sliceName"]: box["meta"]["chartId"]
        for box in position.values()  # type: ignore[attr-defined]
        if isinstance(box, dict) and box["type"] == "CHART"
    }
    margins = numbers["Which customers have the thinnest margin?"]
    assert margins not in filters["Customer"]["scope"]["excluded"]
    assert "Team" not in filters or margins in filters["Team"]["scope"]["excluded"]


def test_each_empty_chart_says_why(bundle: Bundle) -> None:
    """The style sheet holds a reason for every chart of a page, under the chart's uuid until it has a number."""
    css = str(page_of(bundle, "finance")["css"])
    for chart in charts_of(bundle, "finance"):
        assert "{{" + str(chart["uuid"]) + "}} .ant-empty-description::after" in css


def test_the_database_opens_its_file_and_nothing_else(bundle: Bundle) -> None:
    """Read-only, no other file, and no statement that could change that."""
    arguments = yaml.safe_load(bundle.files["databases/tokenatlas.yaml"])["extra"]["engine_params"]["connect_args"]
    assert arguments["read_only"] is True
    assert arguments["config"]["enable_external_access"] == "false"
    assert arguments["config"]["lock_configuration"] == "true"
    assert "allowed_directories" not in arguments["config"]


def test_a_column_that_its_table_lacks_is_named() -> None:
    """A renamed column stops the set-up with the chart that asks for it, not a reader with an error in a box."""
    datasets = read_datasets()
    tables = published(SPEND).tables
    without = replace(
        tables[SPEND], columns=tuple(column for column in tables[SPEND].columns if column.name != "feature")
    )
    lacking = replace(published(SPEND), tables={SPEND: without})
    with pytest.raises(ConfigError, match=r"finops\.mart_spend_daily has no column 'feature'") as raised:
        build_bundle(datasets, read_pages(datasets), lacking, FILE, None)
    assert "chart top_features" in raised.value.where


def test_every_chart_of_the_files_can_be_made() -> None:
    """Kinds, metrics and dates that the pages name exist; nothing waits for the day its table is published."""
    datasets = read_datasets()
    for page in read_pages(datasets):
        assert set(page.filters) <= {"date", *CHOICES}
        for chart in page.charts:
            dataset = datasets[chart.dataset]
            assert chart.kind in KINDS, chart.name
            metrics = chart.options.get("metrics", [])
            assert set(metrics) <= set(dataset.metrics), chart.name
            assert chart.title, chart.name
            assert chart.empty.endswith("."), chart.name
            if chart.kind in ("bars", "lines"):
                assert dataset.date, chart.name
                assert chart.options["unit"], chart.name


@pytest.mark.parametrize(
    ("name", "label", "format_"),
    [
        ("billed_cost_usd", "Billed cost ($)", "$,.2f"),
        ("saving_usd_per_month", "Saving ($ a month)", "$,.2f"),
        ("cost_per_request_usd", "Cost per request ($)", "$,.4f"),
        ("success_rate", "Success rate", ".1%"),
        ("outcome_count", "Outcomes", ",d"),
        ("model_id", "Model", ""),
    ],
)
def test_a_column_s_ending_says_its_unit(name: str, label: str, format_: str) -> None:
    """Labels and number formats follow from the naming rule of columns."""
    assert (column_label(name), column_format(name)) == (label, format_)


def test_default_dates_move_only_where_data_does() -> None:
    """A live home shows the days up to today, a stopped one or one with a fixed clock those up to its last."""
    last = date(2026, 11, 22)
    assert "today" in date_range(90, last, date(2026, 11, 23))
    stopped = date_range(90, last, date(2027, 3, 1))
    assert stopped == date_range(90, last, None) == "2026-08-24 : 2026-11-23"
    assert date_range(90, None, date(2026, 11, 23)) == "No filter"
