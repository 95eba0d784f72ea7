"""One source that fails does not keep the others from landing, and a run says so."""

from __future__ import annotations

from pathlib import Path

from ingestion.lake import Lake
from ingestion.settings import Settings
from orchestration.loading import land_from_providers, land_log_files


def test_a_missing_key_is_a_failure_of_its_source_only(settings: Settings) -> None:
    """No key: the failure names the variable and how to mend it; nothing is raised."""
    landed = land_from_providers(settings, Lake(settings.lake_path, settings.clock), "openai_costs")
    assert landed.loads == []
    assert "A_KEY_THAT_IS_NOT_SET" in str(landed.failures["openai"])


def test_a_table_without_a_source_lands_nothing(settings: Settings) -> None:
    """No Anthropic account is configured: that is no failure."""
    landed = land_from_providers(settings, Lake(settings.lake_path, settings.clock), "anthropic_costs")
    assert (landed.loads, landed.failures) == ([], {})


def test_a_file_that_cannot_be_read_lets_the_others_land(settings: Settings, inbox: Path) -> None:
    """Half a gzip file fails its source; the file beside it has landed."""
    (inbox / "half.jsonl").write_bytes(b"\x1f\x8b\x08\x00 this is no gzip stream")
    landed = land_log_files(settings, Lake(settings.lake_path, settings.clock), "requests")
    assert landed.row_count + sum(load.rows_quarantined for load in landed.loads) >= 2
    assert {file.path.name for file in landed.files if file.load is not None} >= {"one.jsonl"}
