"""Declared experiments: what can be meant loads, and the rest says where it is and what to write instead."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.config import Config, load_config
from ingestion.config.experiments import EXPERIMENT_COLUMNS
from ingestion.errors import ConfigError
from ingestion.settings import Settings

EXPERIMENT = {
    "experiment_id": "exp",
    "hypothesis": "Shorter is as good",
    "feature": "triage",
    "arms": "control=0.5;treatment=0.5",
    "control_variant": "control",
    "randomization_unit": "session",
    "first_date": "2026-11-01",
}

Write = Callable[..., None]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "sources.yml").write_text("sources:\n")
    (tmp_path / "features.csv").write_text("feature,feature_name,team,aliases\ntriage,Triage,,\n")
    now = datetime(2026, 11, 23, tzinfo=UTC)
    return Settings(home=tmp_path / "home", config=tmp_path, now=now, is_clock_fixed=True)


@pytest.fixture
def write(settings: Settings) -> Write:
    """Write experiments, given by the cells that differ from a usual one."""

    def write(*rows: dict[str, str]) -> None:
        with (settings.config / "experiments.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(EXPERIMENT_COLUMNS), restval="")
            writer.writeheader()
            writer.writerows(EXPERIMENT | row for row in rows)

    return write


def load(settings: Settings) -> Config:
    return load_config(settings, {})


@pytest.mark.parametrize("folder", ["config", "sandbox/config"])
def test_the_shipped_files_have_the_documented_header(repository: Path, folder: str) -> None:
    """Header rows are what users start from, in the order of the documentation."""
    header = (repository / folder / "experiments.csv").read_text().splitlines()[0]
    assert header == ",".join(EXPERIMENT_COLUMNS)


def test_blank_cells_have_their_meaning(settings: Settings, write: Write) -> None:
    """Cost per outcome, a tenth of it, 5 %, 80 %, watched until somebody decides, anywhere."""
    write({})
    (experiment,) = load(settings).experiments
    assert experiment.primary_metric == "cost_per_successful_outcome"
    assert (experiment.minimum_effect_ratio, experiment.alpha) == (Decimal("0.10"), Decimal("0.05"))
    assert (experiment.power, experiment.stop_rule) == (Decimal("0.8"), "sequential")
    assert (experiment.last_date, experiment.environment) == (date(9999, 12, 31), None)


def test_arms_keep_their_order_and_lose_their_blanks(settings: Settings, write: Write) -> None:
    """A person writes them as they come to mind."""
    write({"arms": " b = 0.2 ; a=0.30; control=0.5;"})
    assert load(settings).experiments[0].arms == "b=0.2;a=0.30;control=0.5"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([{}, {}], "experiments.csv:3 experiment_id: the same as in line 2; keep one of the two"),
        ([{"arms": "a=0.5;a=0.5"}], "arms: the arm 'a' is declared twice"),
        ([{"arms": "control=0.5;treatment=0.4"}], "arms: the shares of the arms sum to 0.9, not to 1"),
        ([{"arms": "control=1"}], "arms: an experiment needs two arms or more"),
        ([{"arms": "control;treatment"}], "arms: 'control' has no share; write arms as control=0.5;treatment=0.5"),
        ([{"arms": "control=1.5;treatment=-0.5"}], "arms: -0.5 is not above zero"),
        ([{"control_variant": ""}], "control_variant: the experiment has no control; write one of: control, treatment"),
        ([{"control_variant": "old"}], "control_variant: the control 'old' is none of the arms"),
        ([{"feature": "triag"}], "feature: there is no feature 'triag', so no request can take part"),
        (
            [{"randomization_unit": "user"}],
            "randomization_unit: 'user' is not allowed; one of: request, trace, session",
        ),
        ([{"minimum_effect_ratio": "10"}], "minimum_effect_ratio: 10 is not between 0 and 1; such as 0.10"),
        ([{"stop_rule": "fixed_date"}], "last_date: an experiment that ends on a fixed date needs one"),
        ([{"stop_rule": "max_units"}], "max_units: an experiment that ends after so many units needs their number"),
        ([{"max_units": "100"}], "max_units: max_units has no effect with the stop rule sequential"),
        ([{"stop_rule": "max_units", "max_units": "0"}], "max_units: 0 is not above zero"),
        ([{"last_date": "2026-10-01"}], "last_date: the span ends before it begins"),
        ([{"decision": "ship it"}], "decision_date: a decision needs both what was decided and the day of it"),
        ([{"decision_date": "2026-11-09"}], "decision: a decision needs both what was decided and the day of it"),
        ([{"decision": "no", "decision_date": "2026-10-01"}], "decision_date: the decision is older than the"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    settings: Settings, write: Write, rows: list[dict[str, str]], expected: str
) -> None:
    """The file, the line, the column, what is wrong there and how to mend it."""
    write(*rows)
    with pytest.raises(ConfigError) as caught:
        load(settings)
    problem = f"{Path(caught.value.where).name}: {caught.value.what}; {caught.value.mend}"
    assert problem.startswith("experiments.csv:")
    assert expected in problem


def test_without_features_an_experiment_may_name_any(settings: Settings, write: Write) -> None:
    """A company that declares no features may still run experiments."""
    (settings.config / "features.csv").unlink()
    write({"feature": "anything"})
    assert load(settings).experiments[0].feature == "anything"
