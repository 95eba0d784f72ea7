"""``run`` and ``backfill``: the daily job, followed in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import typer

from ingestion.errors import ConfigError
from ingestion.settings import Settings
from orchestration.console import StepPrinter, console, print_failure
from orchestration.runs import FULL_REFRESH_TAG, RunOutcome, as_partition_range, run_job

DAILY_JOB = "daily"


def run_everything(*, full_refresh: bool) -> None:
    """The daily job, up to now; with ``full_refresh`` no table is taken over from an earlier run."""
    settings = Settings.from_environment()
    _end(follow(DAILY_JOB, settings, {FULL_REFRESH_TAG: "true"} if full_refresh else None), settings)


def run_backfill(first: date, last: date) -> None:
    """The daily job over given days of the providers."""
    settings = Settings.from_environment()
    if last < first:
        raise ConfigError("There is no day to backfill", where=f"{first} to {last}", mend="Give the first day first.")
    if last > settings.now.date():
        raise ConfigError("The last day has not begun", where=str(last), mend=f"Today is {settings.now.date()} UTC.")
    console.print(f"Days {first} to {last}, {(last - first) // timedelta(days=1) + 1} in all")
    _end(follow(DAILY_JOB, settings, as_partition_range(str(first), str(last))), settings)


def follow(job: str, settings: Settings, tags: Mapping[str, str] | None = None) -> RunOutcome:
    """Runs a job, printing its steps."""
    with StepPrinter().showing() as printer:
        return run_job(job, settings, tags=tags, on_change=printer)


def _end(outcome: RunOutcome, settings: Settings) -> None:
    if not outcome.is_success:
        print_failure(outcome)
        raise typer.Exit(1)
    console.print(f"Done in {outcome.seconds:.0f} s. Published: {settings.published_path}")
    console.print("Next: [bold]tokenatlas status[/], or [bold]dagster dev[/] for the graph")
