"""Running a Dagster job in this process, so that it is in the UI like any other run, and following it as it goes."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy.event
from sqlalchemy.engine import Engine

from ingestion.errors import TokenAtlasError
from ingestion.settings import Settings

_DAGSTER_YAML = """\
# Made by `tokenatlas`; yours to edit.
telemetry:
  enabled: false
nux:
  enabled: false
# DuckDB and the lake have one writer each: runs wait for each other.
concurrency:
  runs:
    max_concurrent_runs: 1
"""

_POLL_SECONDS = 0.25

FULL_REFRESH_TAG = "tokenatlas/full_refresh"
"""Tag of a run that builds every table anew; its value is ``true``."""


@dataclass
class Step:
    """One step of a run, so far.

    Attributes:
        details: Metadata of the assets that it materialized, by asset key.
        failed_checks: Asset checks that did not pass, as ``asset key: check``.
        error: Why it failed; empty while it has not.
    """

    key: str
    started_at: float
    ended_at: float | None = None
    details: dict[str, dict[str, Any]] = field(default_factory=dict)
    passed_checks: int = 0
    failed_checks: list[str] = field(default_factory=list)
    warned_checks: list[str] = field(default_factory=list)
    message: str = ""
    error: str = ""

    @property
    def seconds(self) -> float:
        return (self.ended_at or time.time()) - self.started_at


@dataclass(frozen=True)
class RunOutcome:
    run_id: str
    is_success: bool
    seconds: float
    steps: list[Step]
    log_path: Path

    @property
    def errors(self) -> list[str]:
        """Why the run failed, one text for each step that did."""
        return [step.error for step in self.steps if step.error]


def dagster_home(settings: Settings) -> Path:
    """Folder of Dagster's own state: ``DAGSTER_HOME``, or ``dagster/`` under the home. Made if it is not there."""
    home = Path(os.environ.get("DAGSTER_HOME") or settings.home / "dagster").absolute()
    home.mkdir(parents=True, exist_ok=True)
    file = home / "dagster.yaml"
    if not file.exists():
        file.write_text(_DAGSTER_YAML)
    return home


def run_job(
    name: str,
    settings: Settings,
    *,
    tags: Mapping[str, str] | None = None,
    on_change: Callable[[Step], None] = lambda _step: None,
) -> RunOutcome:
    """Runs a job of ``orchestration/defs`` to its end.

    Whatever the steps print goes into a log file of the run, under ``logs/`` of the home.

    Args:
        tags: Run tags; a range of partitions is given by Dagster's own.
        on_change: Called from another thread whenever a step begins, reports something, or ends.
    Raises:
        TokenAtlasError: the definitions cannot be loaded.
    """
    os.environ["DAGSTER_HOME"] = str(dagster_home(settings))
    run_id = str(uuid.uuid4())
    log_path = settings.home / "logs" / f"{run_id}.log"
    log_path.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with output_into(log_path), _unsynced_history(), dg.DagsterInstance.get() as instance:
        job = _load_job(name)
        follower = _Follower(instance, run_id, on_change)
        with follower.following():
            result = job.execute_in_process(
                instance=instance, run_id=run_id, tags=dict(tags or {}), raise_on_error=False
            )
    return RunOutcome(run_id, result.success, time.monotonic() - started, list(follower.steps.values()), log_path)


def _load_job(name: str) -> dg.JobDefinition:
    from orchestration.definitions import definitions

    return definitions().resolve_job_def(name)


@contextmanager
def output_into(path: Path) -> Iterator[None]:
    """Sends what this process and its children print into a file; a console opened before keeps the terminal."""
    kept = {number: os.dup(number) for number in (1, 2)}
    with path.open("ab") as log:
        try:
            for number in kept:
                os.dup2(log.fileno(), number)
            yield
        finally:
            for number, copy in kept.items():
                os.dup2(copy, number)
                os.close(copy)


@contextmanager
def _unsynced_history() -> Iterator[None]:
    """Lets SQLite leave the writing of Dagster's history to the operating system.

    Dagster commits each event by itself, and waiting for the disk each time takes longer than the run. Only its history
    can suffer from a power cut: the lake and the published files are synced by those who write them.
    """

    def unsync(connection: Any, _record: object) -> None:
        connection.execute("pragma synchronous = off")

    sqlalchemy.event.listen(Engine, "connect", unsync)
    try:
        yield
    finally:
        sqlalchemy.event.remove(Engine, "connect", unsync)


class _Follower:
    """Turns the event log of a run into steps."""

    def __init__(self, instance: dg.DagsterInstance, run_id: str, on_change: Callable[[Step], None]) -> None:
        self.steps: dict[str, Step] = {}
        self._instance, self._run_id, self._on_change = instance, run_id, on_change
        self._cursor: str | None = None
        self._ended = threading.Event()

    @contextmanager
    def following(self) -> Iterator[None]:
        thread = threading.Thread(target=self._follow, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()
            self._read()

    def _follow(self) -> None:
        while not self._ended.wait(_POLL_SECONDS):
            self._read()

    def _read(self) -> None:
        has_more = True
        while has_more:
            found = self._instance.get_records_for_run(self._run_id, cursor=self._cursor)
            self._cursor, has_more = found.cursor, found.has_more
            for record in found.records:
                step = self._note(record.event_log_entry)
                if step is not None:
                    self._on_change(step)

    def _note(self, entry: dg.EventLogEntry) -> Step | None:
        event = entry.dagster_event
        if entry.step_key is None:
            if event is not None and event.is_failure and not any(step.error for step in self.steps.values()):
                step = self.steps.setdefault("run", Step("run", entry.timestamp, entry.timestamp))
                step.error = _cause(event.job_failure_data.error) if event.is_job_failure else event.message or ""
                return step
            return None
        step = self.steps.setdefault(entry.step_key, Step(entry.step_key, entry.timestamp))
        if event is None:
            step.message = entry.user_message
        else:
            _note_event(step, entry, event)
        return step


def _note_event(step: Step, entry: dg.EventLogEntry, event: dg.DagsterEvent) -> None:
    kind = event.event_type
    if kind == dg.DagsterEventType.STEP_START:
        step.started_at = entry.timestamp
    elif kind == dg.DagsterEventType.ASSET_MATERIALIZATION:
        materialization = event.step_materialization_data.materialization
        # Days that are marked one by one say nothing of the load; a backfill has no event without a day.
        if materialization.partition is None or "rows landed" in materialization.metadata:
            step.details[materialization.asset_key.to_user_string()] = {
                name: value.value for name, value in materialization.metadata.items()
            }
    elif kind == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
        check = event.asset_check_evaluation_data
        name = f"{check.asset_key.to_user_string()}: {check.check_name}"
        if check.description and not check.passed:
            name += f" ({check.description})"
        if check.passed:
            step.passed_checks += 1
        elif check.severity == dg.AssetCheckSeverity.WARN:
            step.warned_checks.append(name)
        else:
            step.failed_checks.append(name)
    elif kind == dg.DagsterEventType.STEP_SUCCESS:
        step.ended_at = entry.timestamp
    elif kind == dg.DagsterEventType.STEP_FAILURE:
        step.ended_at = entry.timestamp
        step.error = _cause(event.step_failure_data.error)


def _cause(error: Any) -> str:
    """The innermost error of a chain of Dagster's: the one that says what is wrong."""
    while error is not None and error.cause is not None:
        error = error.cause
    if error is None:
        return "The step failed without saying why."
    text = str(error.message).strip()
    name, _, message = text.partition(": ")
    return message if name.rpartition(".")[2] == error.cls_name else text


def as_partition_range(first: str, last: str) -> dict[str, str]:
    """Tags of a run over the days from ``first`` to ``last``, both included."""
    return {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}


def require(outcome: RunOutcome) -> None:
    """Raises what made a run fail.

    Raises:
        TokenAtlasError: the run failed; says at which steps.
    """
    if not outcome.is_success:
        failed = ", ".join(step.key for step in outcome.steps if step.error) or "before its first step"
        raise TokenAtlasError(
            f"The run failed at {failed}",
            where=str(outcome.log_path),
            mend="Mend what the steps say, and run it again.",
        )
