"""New log files start a run, once for each set of files."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from ingestion.lake import Lake
from ingestion.settings import Settings
from orchestration.defs.ingestion.sensors import new_log_files
from orchestration.loading import land_log_files


class Atlas:
    """A stand-in for the resource, with fixed settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def settings(self) -> Settings:
        return self._settings

    def lake(self) -> Lake:
        return Lake(self._settings.lake_path, self._settings.clock)


def tick(settings: Settings) -> dg.RunRequest | dg.SkipReason:
    with dg.build_sensor_context(resources={"atlas": Atlas(settings)}) as context:
        result = new_log_files(context)
    assert isinstance(result, dg.RunRequest | dg.SkipReason)
    return result


def test_a_new_file_asks_for_one_run(settings: Settings, inbox: Path) -> None:
    """Two looks at the same files give one run key, a further file another."""
    first, again = tick(settings), tick(settings)
    assert isinstance(first, dg.RunRequest)
    assert isinstance(again, dg.RunRequest)
    assert first.run_key == again.run_key
    (inbox / "two.jsonl").write_text((inbox / "one.jsonl").read_text().replace("r1", "r3"))
    later = tick(settings)
    assert isinstance(later, dg.RunRequest)
    assert later.run_key != first.run_key


@pytest.mark.filterwarnings("ignore")
def test_landed_files_ask_for_nothing(settings: Settings, inbox: Path) -> None:
    """Once the content is in the lake, there is no run to start."""
    landed = land_log_files(settings, Lake(settings.lake_path, settings.clock), "requests")
    assert (landed.row_count, landed.failures) == (2, {})
    assert isinstance(tick(settings), dg.SkipReason)
