"""A lake as one would write it on paper, and the views that readers build from the real one's index."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from ingestion.lake import Lake, Load, Window
from ingestion.records import LoggedOutcome, OpenAICost, OpenAIProject, to_arrow

START = date(2026, 5, 30)
"""Two days before the end of a month, so that small windows span two months."""


class TickingClock:
    """A clock that moves one second each time it is read."""

    def __init__(self, start: datetime = datetime(2026, 6, 10, tzinfo=UTC)) -> None:
        self.now = start

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


class KilledError(BaseException):
    """The process ends here. Not an ``Exception``: a killed process cleans nothing up."""


class KillSwitch:
    """Ends the process at the n-th step of a write, counted from one; never, if n is zero."""

    def __init__(self) -> None:
        self.countdown = 0
        self.steps: list[str] = []

    def __call__(self, step: str) -> None:
        self.steps.append(step)
        self.countdown -= 1
        if self.countdown == 0:
            raise KilledError(step)


def cost(day: date, amount: int | str, *, account_id: str = "acme", project_id: str = "p") -> OpenAICost:
    return OpenAICost("openai", account_id, day, project_id, None, "gpt-5, input", Decimal(amount), "usd", None, None)


def land_costs(lake: Lake, rows: Iterable[OpenAICost], window: Window, account_id: str = "acme") -> Load:
    return lake.land("openai_costs", "openai", to_arrow(OpenAICost, rows), account_id=account_id, window=window)


def project(name: str) -> OpenAIProject:
    return OpenAIProject("openai", "acme", name, name.upper(), "active", None, None)


def land_projects(lake: Lake, names: Iterable[str]) -> Load:
    rows = to_arrow(OpenAIProject, map(project, names))
    return lake.land("openai_projects", "openai", rows, account_id="acme")


def outcomes_sql(days: Iterable[int], *, prefix: str) -> str:
    """A query of outcomes, one on each of some days after ``START``."""
    values = ", ".join(f"({day}, {line})" for line, day in enumerate(days)) or "(NULL, NULL)"
    constants = {
        "source_name": "'crm'",
        "outcome_id": f"'{prefix}-' || line",
        "outcome_name": "'resolved'",
        "occurred_at": f"TIMESTAMPTZ '{START} 23:59:59+00' + INTERVAL 1 DAY * day",
        "file_name": "'log.jsonl'",
        "file_line": "line",
    }
    columns = ", ".join(f"{constants.get(field.name, 'NULL')} AS {field.name}" for field in fields(LoggedOutcome))
    return f"SELECT {columns} FROM (VALUES {values}) AS t(day, line) WHERE day IS NOT NULL"


def quarantine_sql(count: int) -> str:
    return f"SELECT i AS file_line, 'not JSON' AS reason, 'x' AS raw_text FROM range({count}) AS t(i)"


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def land_outcomes(
    lake: Lake, content: str, days: Iterable[int], *, quarantined: int = 0, duplicate: int = 0, replace: bool = False
) -> Load:
    days = list(days)
    return lake.land_file_load(
        "outcomes",
        "crm",
        account_id="crm",
        content_sha256=hashlib.sha256(content.encode()).hexdigest(),
        file_name="log.jsonl",
        connection=_connection(),
        admitted_sql=outcomes_sql(days, prefix=content),
        quarantine_sql=quarantine_sql(quarantined),
        rows_received=len(days) + quarantined + duplicate,
        rows_duplicate=duplicate,
        replace=replace,
    )


def live_rows(home: Path, table: str, columns: str) -> Counter[tuple[object, ...]]:
    """The rows of a table as a reader sees them through the index files of ``home``, as a multiset."""
    index = pq.read_table(home / "lake_index.parquet").to_pylist()
    live = {(row["data_load_id"], row["day"]) for row in index if row["table_name"] == table}
    names = columns.split(", ")
    counts: Counter[tuple[object, ...]] = Counter()
    for file in pq.read_table(home / "lake_files.parquet").to_pylist():
        if file["table_name"] == table:
            rows = pq.read_table(file["file_path"], partitioning=None).to_pylist()
            kept = [row for row in rows if file["is_whole"] or (row["_load_id"], row["_day"]) in live]
            counts.update(tuple(row[name] for name in names) for row in kept)
    return counts


def indexed(lake: Lake, home: Path, as_of: datetime | None = None) -> Path:
    lake.write_index(home / "lake_index.parquet", as_of)
    return home


def all_files(lake: Lake) -> set[str]:
    """Data and quarantine files on disk, relative to the lake."""
    found = lake.root.glob("*/*/**/*.parquet")
    return {
        str(path.relative_to(lake.root)) for path in found if not path.relative_to(lake.root).parts[0].startswith("_")
    }


def known_files(lake: Lake) -> set[str]:
    return {path for load in lake.loads() for path in load.files}
