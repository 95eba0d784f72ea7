"""Builds the pretend company below a home folder, lets its days go by, and serves its providers.

``<home>/sandbox/truth/`` holds what is true, ``<home>/inbox/`` what the company logs, ``<home>/sandbox/providers/``
what the providers metered and billed. The rest of TokenAtlas sees the inbox and the servers only.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sandbox import billing
from sandbox.logs import write_logs
from sandbox.metering import metered_hours
from sandbox.outcomes import outcome_table, write_effects, write_outcomes, write_revenue
from sandbox.requests import draw, expected_requests
from sandbox.spec import SandboxSpec
from sandbox.troubles import plant
from sandbox.truth import request_table

MONTHLY_FILES_BELOW = 20_000
"""With fewer requests a day than this, the logs of a month share one file; above it, each day has its own."""

CHUNK_REQUESTS = 250_000

_INBOX_FOLDERS = ("gateway", "sdk", "outcomes", "revenue")


@dataclass(frozen=True)
class World:
    """A company that has been written to disk."""

    home: Path
    spec: SandboxSpec

    @property
    def inbox(self) -> Path:
        return self.home / "inbox"

    @property
    def truth(self) -> Path:
        return self.home / "sandbox" / "truth"

    @property
    def providers(self) -> Path:
        return self.home / "sandbox" / "providers"

    @property
    def default_clock(self) -> datetime:
        """The morning after the last day: yesterday's bill is not complete yet."""
        return datetime.combine(self.spec.end_date + timedelta(days=1), time(6), tzinfo=UTC)

    @property
    def final_clock(self) -> datetime:
        """When no bill of the company changes any more."""
        return datetime.combine(self.spec.end_date + timedelta(days=1 + billing.FINAL_AFTER_DAYS), time(), tzinfo=UTC)

    def charges_at(self, now: datetime) -> pa.Table:
        """Every billed line as the providers serve it at ``now``: the columns of ``charges.parquet``."""
        with duckdb.connect() as connection:
            return connection.execute(
                """
                select * from read_parquet(?)
                where served_from_at <= ? and (served_until_at is null or served_until_at > ?)
                order by provider_name, usage_date, charge_id
                """,
                [str(self.providers / "charge_versions.parquet"), now, now],
            ).to_arrow_table()


def build(home: Path, spec: SandboxSpec) -> World:
    """Writes the company below ``home``.

    A company that is already there is kept if it is the same; only the days that it lacks are added, in new log
    files. Any other company is replaced, its logs included.
    """
    world = World(home, spec)
    earlier = _built(home)
    if earlier is not None and earlier.is_continued_by(spec):
        first_day = earlier.end_date + timedelta(days=1)
        is_new = False
    else:
        _remove(world)
        first_day, is_new = spec.start_date, True
    if first_day <= spec.end_date:
        _write_days(world, [day for day in spec.dates() if day >= first_day], is_new=is_new)
    _write_hash_key(home, spec.seed)
    _write_atomically(
        home / "sandbox" / "world.json", json.dumps(dataclasses.asdict(spec), default=str, indent=2) + "\n"
    )
    return world


def _write_hash_key(home: Path, seed: int) -> None:
    """The home's key for hashes of prompts: nothing here is a secret, and two homes of one company shall agree."""
    path = home / "hash_key"
    if not path.exists():
        path.touch(0o600)
        path.write_text(hashlib.sha256(f"sandbox {seed}".encode()).hexdigest() + "\n")


def advance(world: World, days: int = 1) -> World:
    """Lets days go by: the same company with ``days`` more, whose logs are new files."""
    return build(world.home, world.spec.advanced(days))


def load(home: Path) -> World | None:
    """The company that was built below ``home``, if there is one."""
    spec = _built(home)
    return None if spec is None else World(home, spec)


def _built(home: Path) -> SandboxSpec | None:
    path = home / "sandbox" / "world.json"
    if not path.is_file():
        return None
    values = json.loads(path.read_text())
    for name in ("end_date", "story_date"):
        values[name] = date.fromisoformat(values[name])
    return SandboxSpec(**values)


def _remove(world: World) -> None:
    (world.home / "sandbox" / "world.json").unlink(missing_ok=True)
    for folder in (world.truth, world.providers, *(world.inbox / name for name in _INBOX_FOLDERS)):
        if folder.exists():
            shutil.rmtree(folder)


def _write_days(world: World, days: list[date], *, is_new: bool) -> None:
    spec = world.spec
    by_day = not is_new or spec.requests_per_day >= MONTHLY_FILES_BELOW
    waived = billing.waived_days(spec)
    with (
        _Appender(world.truth / "requests.parquet") as truths,
        _Appender(world.truth / "log_lines.parquet") as lines,
        _Appender(world.truth / "outcomes.parquet") as outcomes,
        _Appender(world.providers / "metered_hours.parquet") as metered,
        ThreadPoolExecutor(max_workers=1) as packer,
    ):
        writing: Future[pa.Table] | None = None
        for label, chunk in _chunks(spec, days, by_day=by_day):
            requests = draw(spec, chunk)
            troubles = plant(requests)
            truth = request_table(spec, requests, troubles, waived)
            came_of_it = outcome_table(requests, troubles, truth)
            if writing is not None:
                lines.write(writing.result())
            # Logs are packed while the next days are drawn; one at a time, so that memory stays bounded.
            writing = packer.submit(write_logs, world.inbox, label, truth, troubles)
            truths.write(truth)
            metered.write(metered_hours(requests))
            outcomes.write(came_of_it)
            write_outcomes(world.inbox, label, came_of_it)
        if writing is not None:
            lines.write(writing.result())
    write_revenue(world.inbox, spec, spec.start_date if is_new else days[0], days[-1])
    write_effects(world.truth / "effects.json")
    versions = billing.charge_table(billing.charge_versions(spec, world.providers / "metered_hours.parquet"))
    _write_parquet(world.providers / "charge_versions.parquet", versions)
    _write_parquet(world.truth / "charges.parquet", versions.filter(pc.is_null(versions["served_until_at"])))


def _chunks(spec: SandboxSpec, days: list[date], *, by_day: bool) -> Iterator[tuple[str, list[date]]]:
    """Days that share log files, each with the label of its files."""
    if by_day:
        yield from ((f"{day:%Y-%m-%d}", [day]) for day in days)
        return
    chunk: list[date] = []
    size = 0.0
    for day in days:
        expected = float(expected_requests(spec, day).sum())
        if chunk and (day.month != chunk[-1].month or size + expected > CHUNK_REQUESTS):
            yield _label(chunk), chunk
            chunk, size = [], 0.0
        chunk.append(day)
        size += expected
    yield _label(chunk), chunk


def _label(chunk: list[date]) -> str:
    return f"{chunk[0]:%Y-%m-%d}--{chunk[-1]:%Y-%m-%d}"


class _Appender:
    """Writes a Parquet file whole: what was there before, then what is added, and the name only at the end.

    Columns that a file of before does not know are null in its rows.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_suffix(".part")
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> _Appender:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return self

    def write(self, rows: pa.Table) -> None:
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._part, rows.schema, compression="zstd", compression_level=1)
            if self._path.exists():
                earlier = pq.ParquetFile(self._path)
                for index in range(earlier.num_row_groups):
                    self._writer.write_table(_in_schema(earlier.read_row_group(index), rows.schema))
        self._writer.write_table(rows.cast(self._writer.schema))

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()
            if failure is None:
                self._part.replace(self._path)
            else:
                self._part.unlink()


def _in_schema(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows in the columns of a schema, null where they have none."""
    known = set(rows.column_names)
    columns = [rows[name] if name in known else pa.nulls(len(rows), schema.field(name).type) for name in schema.names]
    return pa.table(columns, names=schema.names).cast(schema)


def _write_parquet(path: Path, rows: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    pq.write_table(rows, part, compression="zstd")
    part.replace(path)


def _write_atomically(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.write_text(text)
    part.replace(path)
