"""Budgets as data: files of every age load, and what makes no sense together is refused with its line."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.config import Config, land_config, load_config
from ingestion.config.budgets import BUDGET_COLUMNS
from ingestion.config.plans import CUSTOMER_COLUMNS
from ingestion.errors import ConfigError
from ingestion.lake import Lake
from ingestion.settings import Settings

NOW = datetime(2026, 11, 23, tzinfo=UTC)
USUAL = {"budget_name": "B", "period": "month", "amount": "100", "currency": "USD"}

Write = Callable[..., None]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "sources.yml").write_text("sources:\n")
    return Settings(home=tmp_path / "home", config=tmp_path, now=NOW, is_clock_fixed=True)


@pytest.fixture
def write(settings: Settings) -> Write:
    """Write budgets given by their cells; every other cell is blank, or as usual."""

    def write(*budgets: dict[str, str], columns: list[str] | None = None) -> None:
        with (settings.config / "budgets.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, columns or list(BUDGET_COLUMNS), restval="")
            writer.writeheader()
            writer.writerows({**USUAL, **budget} for budget in budgets)

    return write


def load(settings: Settings) -> Config:
    return load_config(settings, {})


def problems(settings: Settings) -> str:
    with pytest.raises(ConfigError) as caught:
        load(settings)
    return str(caught.value)


def test_the_shipped_template_has_the_documented_header(repository: Path) -> None:
    """The header row is what users start from."""
    assert (repository / "config" / "budgets.csv").read_text().splitlines()[0] == ",".join(BUDGET_COLUMNS)


def test_a_file_from_before_kinds_and_parents_still_loads(settings: Settings, write: Write) -> None:
    """Columns that did not exist are blank, and blank is a calendar-year budget that alerts at 0.8."""
    new = {"budget_kind", "parent_budget_id", "model_family", "customer_segment"}
    new |= {"fiscal_year_start_month", "alert_probability"}
    write({"budget_id": "b"}, columns=[name for name in BUDGET_COLUMNS if name not in new])
    (budget,) = load(settings).budgets
    assert (budget.budget_kind, budget.parent_budget_id, budget.fiscal_year_start_month) == ("budget", None, 1)
    assert (budget.alert_probability, budget.customer_segment) == (Decimal("0.85"), None)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"budget_kind": "cap"}, "budgets.csv:2 budget_kind: 'cap' is not allowed; one of: budget, provider_limit"),
        ({"fiscal_year_start_month": "13"}, "fiscal_year_start_month: 13 is not the number of a month"),
        ({"fiscal_year_start_month": "April"}, "'April' is not a whole number"),
        (
            {"alert_probability": "80"},
            "alert_probability: 80 is no level of an alert; write a decimal",
        ),
        ({"parent_budget_id": "org"}, "parent_budget_id: there is no budget 'org'"),
        ({"parent_budget_id": "b"}, "parent_budget_id: b is under b; leave the parent of the topmost"),
    ],
)
def test_a_cell_that_makes_no_sense_is_refused(
    settings: Settings, write: Write, cells: dict[str, str], expected: str
) -> None:
    """Every refusal says the line, the column, and what to write instead."""
    write({"budget_id": "b", **cells}, {"budget_id": "twin-of-two-problems", "period": "week"})
    assert expected in problems(settings)


def test_a_cycle_of_parents_is_told_at_each_of_its_lines(settings: Settings, write: Write) -> None:
    """Who is under whom is said in full; a budget that only hangs below the cycle is not accused."""
    write(
        {"budget_id": "a", "parent_budget_id": "b"},
        {"budget_id": "b", "parent_budget_id": "a"},
        {"budget_id": "c", "parent_budget_id": "a"},
    )
    told = problems(settings)
    assert "budgets.csv:2 parent_budget_id: a is under b is under a" in told
    assert "budgets.csv:3 parent_budget_id: b is under a is under b" in told
    assert "budgets.csv:4" not in told


def test_the_cost_of_a_child_is_part_of_its_parents(settings: Settings, write: Write) -> None:
    """A child names everything that its parent names; narrower is welcome, wider is not."""
    write(
        {"budget_id": "team", "team": "search", "environment": "prod"},
        {"budget_id": "inside", "parent_budget_id": "team", "team": "search", "environment": "prod", "feature": "f"},
        {"budget_id": "elsewhere", "parent_budget_id": "team", "team": "growth", "environment": "prod"},
        {"budget_id": "wider", "parent_budget_id": "team", "team": "search"},
    )
    told = problems(settings)
    assert "budgets.csv:4 team: its parent team (line 2) is only for team search; write search" in told
    assert "budgets.csv:5 environment: its parent team (line 2) is only for environment prod" in told
    assert "budgets.csv:3" not in told


def test_a_child_is_compared_with_the_parent_of_its_own_days(settings: Settings, write: Write) -> None:
    """A parent that was for another team before the child began does not matter."""
    write(
        {"budget_id": "p", "team": "growth", "valid_to_date": "2026-06-30"},
        {"budget_id": "p", "team": "search", "valid_from_date": "2026-07-01"},
        {"budget_id": "c", "parent_budget_id": "p", "team": "search", "valid_from_date": "2026-07-01"},
    )
    assert len(load(settings).budgets) == 3


def test_a_customer_is_inside_of_its_segment(settings: Settings, write: Write) -> None:
    """The segment of a customer is in customers.csv and need not be repeated."""
    (settings.config / "customers.csv").write_text(",".join(CUSTOMER_COLUMNS) + "\nc1,,enterprise\nc2,,small\n")
    parent = {"budget_id": "p", "customer_segment": "enterprise"}
    write(parent, {"budget_id": "c", "parent_budget_id": "p", "customer_id": "c1"})
    assert len(load(settings).budgets) == 2
    write(parent, {"budget_id": "c", "parent_budget_id": "p", "customer_id": "c2"})
    assert "its parent p (line 2) is only for customer_segment enterprise" in problems(settings)


def test_channels_are_those_of_their_file(settings: Settings, write: Write) -> None:
    """An unknown channel beside known ones is a slip; without any channel, a budget still loads and says so."""
    write({"budget_id": "b", "channel": "slack; e-mail"})
    assert [str(warning) for warning in load(settings).warnings] == [
        "budgets.csv:2 channel: nobody is told: there is no alert channel 'slack'; add it to alert_channels.csv",
        "budgets.csv:2 channel: nobody is told: there is no alert channel 'e-mail'; add it to alert_channels.csv",
    ]
    (settings.config / "alert_channels.csv").write_text("channel,url_env,min_severity,comment\nslack,SLACK_URL,,\n")
    told = problems(settings)
    assert "there is no alert channel 'e-mail'" in told
    assert "'slack'" not in told


def test_a_budget_in_the_past_is_accepted_and_told(settings: Settings, write: Write) -> None:
    """Its periods are history; only the last line of a budget decides whether it is over."""
    write(
        {"budget_id": "over", "valid_to_date": "2026-10-31"},
        {"budget_id": "goes-on", "valid_to_date": "2026-10-31"},
        {"budget_id": "goes-on", "valid_from_date": "2026-11-01", "amount": "200"},
        {"budget_id": "soon", "team": "t", "valid_from_date": "2027-01-01"},
    )
    config = load(settings)
    assert len(config.budgets) == 4
    assert "budgets.csv:2 valid_to_date: over ended on 2026-10-31" in "\n".join(map(str, config.warnings))
    assert "goes-on ended" not in "\n".join(map(str, config.warnings))


def test_each_kind_may_cap_the_same_spend(settings: Settings, write: Write) -> None:
    """A limit of the provider beside a budget is no repetition; a second budget of the same scope is."""
    write({"budget_id": "b"}, {"budget_id": "l", "budget_kind": "provider_limit"})
    assert load(settings).warnings == ()
    write({"budget_id": "b"}, {"budget_id": "c"})
    assert "c and b (line 2) cap the same spend" in str(load(settings).warnings[0])


def test_every_file_of_budgets_stays_readable(settings: Settings, write: Write) -> None:
    """Each changed file is a load of its own, also the empty one; the same file again is none."""
    lake = Lake(settings.lake_path, settings.clock)
    for amount in ("100", "100", "200"):
        write({"budget_id": "b", "amount": amount})
        land_config(settings, lake, {})
    write()
    land_config(settings, lake, {})
    counts = [load.row_count for load in lake.loads() if load.table == "config_budgets"]
    assert counts == [1, 1, 0]
