"""Planned changes, scenarios, customers and channels: what can be meant loads, and the rest says why not."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.config import Config, load_config, plans
from ingestion.config.csv_files import Parser
from ingestion.errors import ConfigError
from ingestion.settings import Settings

NOW = datetime(2026, 11, 23, tzinfo=UTC)
FILES: dict[str, Mapping[str, Parser]] = {
    "planned_changes.csv": plans.CHANGE_COLUMNS,
    "forecast_scenarios.csv": plans.SCENARIO_COLUMNS,
    "customers.csv": plans.CUSTOMER_COLUMNS,
    "alert_channels.csv": plans.CHANNEL_COLUMNS,
}
CHANGE = {"change_id": "c", "change_name": "C", "change_kind": "price", "start_date": "2027-01-01"}
PRICE_CUT = {**CHANGE, "driver": "price", "factor": "0.8"}
SCENARIO = {"scenario": "slow", "monthly_growth_ratio": "-0.02"}

Write = Callable[..., None]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "sources.yml").write_text("sources:\n")
    return Settings(home=tmp_path / "home", config=tmp_path, now=NOW, is_clock_fixed=True)


@pytest.fixture
def write(settings: Settings) -> Write:
    """Write rows of one file, given by their cells; every other cell is blank."""

    def write(name: str, *rows: dict[str, str]) -> None:
        with (settings.config / name).open("w", newline="") as file:
            writer = csv.DictWriter(file, list(FILES[name]), restval="")
            writer.writeheader()
            writer.writerows(rows)

    return write


def load(settings: Settings) -> Config:
    return load_config(settings, {})


@pytest.mark.parametrize("name", FILES)
def test_the_shipped_templates_have_the_documented_headers(repository: Path, name: str) -> None:
    """Header rows are what users start from, in the order of the documentation."""
    assert (repository / "config" / name).read_text().splitlines()[0] == ",".join(FILES[name])


def test_the_shipped_scenarios_are_the_documented_ones(settings: Settings, repository: Path) -> None:
    """Growth below base, above base, and adoption that saturates."""
    shutil.copy(repository / "config" / "forecast_scenarios.csv", settings.config)
    growths = {each.scenario: each.monthly_growth_ratio for each in load(settings).forecast_scenarios}
    assert list(growths) == ["conservative", "accelerated", "s_curve"]
    assert growths["conservative"] < 0 < growths["accelerated"]


def test_blank_cells_of_a_change_have_their_meaning(settings: Settings, write: Write) -> None:
    """No last day, no ramp, any scope."""
    write("planned_changes.csv", PRICE_CUT)
    (change,) = load(settings).planned_changes
    assert (change.end_date, change.ramp_days, change.team) == (date(9999, 12, 31), 0, None)
    assert (change.driver, change.factor, change.daily_amount_usd) == ("price", Decimal("0.8"), None)


@pytest.mark.parametrize(
    ("name", "row", "expected"),
    [
        (
            "planned_changes.csv",
            {**PRICE_CUT, "end_date": "2026-12-31"},
            "planned_changes.csv:2 end_date: the span ends before it begins",
        ),
        ("planned_changes.csv", CHANGE, "factor: a change needs either a factor or a daily_amount_usd"),
        ("planned_changes.csv", {**PRICE_CUT, "daily_amount_usd": "5"}, "needs either a factor or"),
        (
            "planned_changes.csv",
            {**CHANGE, "factor": "2"},
            "driver: the factor has no driver to act on",
        ),
        (
            "planned_changes.csv",
            {**CHANGE, "driver": "price", "daily_amount_usd": "5"},
            "driver: an amount a day does not act on price; leave it blank",
        ),
        ("planned_changes.csv", {**PRICE_CUT, "factor": "0"}, "factor: 0 is not above zero"),
        ("planned_changes.csv", {**PRICE_CUT, "driver": "cost"}, "driver: 'cost' is not allowed; one of: requests"),
        ("planned_changes.csv", {**PRICE_CUT, "change_kind": "sale"}, "change_kind: 'sale' is not allowed"),
        ("planned_changes.csv", {**PRICE_CUT, "ramp_days": "-1"}, "ramp_days: -1 is below zero"),
        ("planned_changes.csv", {**PRICE_CUT, "start_date": ""}, "start_date: '' is not a date"),
        (
            "forecast_scenarios.csv",
            {**SCENARIO, "scenario": "base"},
            "scenario: 'base' is the name of a forecast of",
        ),
        ("forecast_scenarios.csv", {**SCENARIO, "scenario": "backtest"}, "give the scenario another name"),
        ("forecast_scenarios.csv", {**SCENARIO, "scenario": "Best Case"}, "cannot name a scenario; use small letters"),
        ("forecast_scenarios.csv", {**SCENARIO, "monthly_growth_ratio": "-1"}, "would leave nothing after a month"),
        ("forecast_scenarios.csv", {**SCENARIO, "fade_months": "0"}, "fade_months: 0 is not above zero"),
        (
            "forecast_scenarios.csv",
            {**SCENARIO, "saturation_ratio": "2"},
            "saturation_ratio: growth of -0.02 a month never reaches 2 times base; above 1 for growth",
        ),
        ("customers.csv", {"customer_name": "N"}, "customers.csv:2 customer_id: the cell is blank"),
        ("alert_channels.csv", {"channel": "a;b", "url_env": "A"}, "channel: 'a;b' holds a ;"),
        ("alert_channels.csv", {"channel": "a", "url_env": "A", "min_severity": "high"}, "'high' is not allowed"),
    ],
)
def test_a_row_that_makes_no_sense_is_refused(
    settings: Settings, write: Write, name: str, row: dict[str, str], expected: str
) -> None:
    """Every refusal says the column, what is wrong, and what to write instead."""
    write(name, row)
    with pytest.raises(ConfigError) as caught:
        load(settings)
    problem = str(caught.value)
    assert all(part in problem for part in re.split("[:;] ", expected)), problem


def test_a_secret_in_the_file_of_channels_is_refused_and_not_repeated(settings: Settings, write: Write) -> None:
    """The address of a channel belongs into the environment, and an error is no place for it either."""
    write("alert_channels.csv", {"channel": "slack", "url_env": "https://hooks.slack.example/T0/B0/hunter2"})
    with pytest.raises(ConfigError) as caught:
        load(settings)
    assert "hunter2" not in str(caught.value)
    assert "put the address itself into .env" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("planned_changes.csv", PRICE_CUT),
        ("forecast_scenarios.csv", SCENARIO),
        ("customers.csv", {"customer_id": "c"}),
        ("alert_channels.csv", {"channel": "a", "url_env": "A"}),
    ],
)
def test_a_repeated_row_is_refused(settings: Settings, write: Write, name: str, row: dict[str, str]) -> None:
    """Two rows of one key would have two meanings."""
    write(name, row, row)
    with pytest.raises(ConfigError, match="the same as in line 2"):
        load(settings)


def test_teams_and_features_of_plans_are_those_of_their_files(settings: Settings, write: Write) -> None:
    """An unknown team is refused where teams are listed; an unknown feature is worth a look."""
    (settings.config / "teams.csv").write_text("team,team_name,cost_center,owner_email,aliases\nsearch,Search,,,\n")
    (settings.config / "features.csv").write_text("feature,feature_name,team,aliases\nask,Ask,search,\n")
    write("planned_changes.csv", {**PRICE_CUT, "team": "search", "feature": "asks"})
    write("forecast_scenarios.csv", {**SCENARIO, "feature": "asking"})
    assert [str(warning) for warning in load(settings).warnings] == [
        "planned_changes.csv:2 feature: there is no feature 'asks'; add it to features.csv",
        "forecast_scenarios.csv:2 feature: there is no feature 'asking'; add it to features.csv",
    ]
    write("planned_changes.csv", {**PRICE_CUT, "team": "serach"})
    write("forecast_scenarios.csv", {**SCENARIO, "team": "serach"})
    with pytest.raises(ConfigError, match="2 problems") as caught:
        load(settings)
    assert "planned_changes.csv:2 team: there is no team 'serach'" in str(caught.value)


def test_the_examples_of_the_guide_are_right(settings: Settings, repository: Path) -> None:
    """Each block of docs/budgets.md is a whole file that loads, beside the teams, features and rates that it names."""
    text = (repository / "docs" / "budgets.md").read_text()
    blocks: dict[str, str] = dict(re.findall(r"```csv (\S+)\n(.*?)```", text, re.DOTALL))
    assert set(blocks) == {"budgets.csv", *FILES}
    blocks["teams.csv"] = "team,team_name,cost_center,owner_email,aliases\nsearch,Search,,,\n"
    blocks["features.csv"] = "feature,feature_name,team,aliases\nanswers,A,search,\nassistant,B,search,\n"
    blocks["fx_rates.csv"] = "currency,rate_date,usd_per_unit\nEUR,2026-01-01,1.1\n"
    for name, content in blocks.items():
        (settings.config / name).write_text(content)
    config = load(settings)
    assert config.warnings == ()
    assert len(config.budgets) == 9
