"""`tokenatlas recommendations` after a real run: its rows come back from the lake, where amounts are text."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest

from ingestion.settings import Settings
from orchestration.commands.recommendations import list_, show
from orchestration.console import console
from orchestration.recommendations import latest_rows, run
from tests.unit.optimization.recommendations.marts import create_company


@pytest.fixture
def recommended(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home after two runs: in the second one thing has become a tenth dearer, which is no event."""
    settings.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(settings.warehouse_path)) as made:
        create_company(made, "2026-11-22")
    run(settings)
    with duckdb.connect(str(settings.warehouse_path)) as made:
        made.execute("update finops.mart_waste_daily set recoverable_cost_usd = recoverable_cost_usd * 1.1")
    run(settings)
    monkeypatch.setenv("TOKENATLAS_HOME", str(settings.home))
    monkeypatch.setenv("TOKENATLAS_CONFIG", str(settings.config))
    monkeypatch.setenv("TOKENATLAS_NOW", settings.now.isoformat())
    return settings


def test_what_a_run_found_is_listed_with_its_numbers(recommended: Settings) -> None:
    """Ranks, owners and amounts of the last run, and not those of the last event."""
    rows = latest_rows(recommended)
    batch = next(row for row in rows.values() if row["recommendation_kind"] == "batch_eligible")
    assert batch["expected_saving_usd_per_month"] == round(Decimal("0.22") * Decimal("30.4375"), 9)
    with console.capture() as listed:
        list_()
    assert "$6.70" in listed.get()
    assert "buyer@acme.example" in listed.get()
    with console.capture() as shown:
        show(batch["recommendation_id"])
    assert "$6.70 a month" in shown.get()


def test_a_second_run_lands_nothing(recommended: Settings) -> None:
    """Rows equal to those of the last run are skipped, and there is no event."""
    assert all(load.skipped for load in run(recommended).loads)
