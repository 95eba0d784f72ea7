"""Publishing: the finished tables, copied to where readers are never blocked and never see half a run.

Readers open ``published/tokenatlas.duckdb``, or the Parquet files that ``published/parquet/current.json`` lists. A
Parquet file is never changed after it appears: its name holds the fingerprint of its content, so an unchanged table or
month is not written again. ADR 10 says how a reader finds a complete set, and how long a replaced one stays readable.
"""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from ingestion.errors import TokenAtlasError
from orchestration.warehouse import reading

PUBLISHED_SCHEMAS = ("core", "finops")

DAY_FINGERPRINTS = {"core.fct_llm_requests": "int_request_cost_ratios", "core.fct_cost_ledger": "fct_cost_ledger"}
"""Tables that are published by month, each with the model whose fingerprints in ``intermediate.built_days`` say which
days changed."""

INLINE_ROW_LIMIT = 1_000_000
"""Above this many rows a monthly table is a view over its Parquet files in the published DuckDB file, else a copy."""

GRACE = timedelta(hours=24)


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    comment: str | None

    @property
    def expression(self) -> str:
        # Parquet has no 128-bit whole numbers, and DuckDB would write them as doubles. Sums of counts are such numbers.
        name = _quoted(self.name)
        return f"cast({name} as bigint) as {name}" if self.type == "HUGEINT" else name


@dataclass(frozen=True)
class PublishedTable:
    """One table of a publication.

    Attributes:
        files: Paths relative to ``published/parquet``, months in order. Together they are the table.
        fingerprint: Changes when the rows, the columns or the comments do.
    """

    name: str
    comment: str | None
    row_count: int
    fingerprint: str
    columns: tuple[Column, ...]
    files: tuple[str, ...]


@dataclass(frozen=True)
class Publication:
    """What is published now.

    Attributes:
        version: Sorts by time; also in the table ``publication`` of the DuckDB file.
        written_files: Parquet files that were not there before.
        deleted_files: Parquet files that no version within the grace period lists any more.
        is_new: False when nothing had changed, so that everything stayed as it was.
    """

    version: str
    published_at: datetime
    tables: tuple[PublishedTable, ...]
    written_files: tuple[str, ...]
    deleted_files: tuple[str, ...]
    is_new: bool


def publish(
    warehouse: Path,
    published: Path,
    now: datetime,
    *,
    code_version: str = "",
    grace: timedelta = GRACE,
    inline_row_limit: int = INLINE_ROW_LIMIT,
) -> Publication:
    """Publishes the schemas ``core`` and ``finops`` of a warehouse.

    Killed at any point, it leaves the last complete publication in place; the next call finishes the work.

    Args:
        warehouse: The DuckDB file that dbt builds. Nothing may write it meanwhile.
        published: Folder of ``tokenatlas.duckdb`` and ``parquet/``.
        now: Time of the publication, UTC.
        code_version: Of the models that built the warehouse. Another one publishes every month anew: the fingerprints
            of days tell which input they were built from, and not by which code.
        grace: How long the files of a replaced version stay.
    Raises:
        TokenAtlasError: there is no warehouse, it is being written, or it holds no public table.
    """
    parquet = published / "parquet"
    parquet.mkdir(parents=True, exist_ok=True)
    with _one_publisher(published), reading(warehouse) as connection:
        _remove_leftovers(published)
        written: list[str] = []
        tables = tuple(
            _publish_parquet(connection, name, parquet, code_version, written) for name in _relations(connection)
        )
        if not tables:
            raise TokenAtlasError(
                "The warehouse holds no public table",
                where=str(warehouse),
                mend="Run `tokenatlas run`, which builds them.",
            )
        file = published / "tokenatlas.duckdb"
        # Views name absolute paths, so a folder that was moved is published anew.
        digest = _digest([str(parquet.absolute()), str(inline_row_limit), *(table.fingerprint for table in tables)])
        version = f"{now:%Y%m%dT%H%M%S%f}Z-{digest}"
        published_at = now
        current = read_current(published)
        is_new = current is None or not current["version"].endswith(digest) or current["duckdb_file"] != _stamp(file)
        if current is None or is_new:
            _replace_duckdb(file, parquet.absolute(), tables, version, now, inline_row_limit)
            _replace_manifest(parquet, file, tables, version, now)
        else:
            version, published_at = current["version"], datetime.fromisoformat(current["published_at"])
        deleted = _delete_expired(parquet, now, grace)
    return Publication(version, published_at, tables, tuple(written), deleted, is_new)


def read_current(published: Path) -> dict[str, Any] | None:
    """The manifest of the current Parquet set (``parquet/current.json``), or None before the first publication."""
    path = published / "parquet" / "current.json"
    if not path.exists():
        return None
    manifest: dict[str, Any] = json.loads(path.read_text())
    return manifest


@contextmanager
def _one_publisher(published: Path) -> Iterator[None]:
    with (published / "_lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TokenAtlasError(
                "Another process is publishing", where=str(published), mend="Wait for it to end, then run this again."
            ) from None
        yield


def _remove_leftovers(published: Path) -> None:
    """Removes what a killed publisher left unfinished. Finished files that no version lists expire like any other."""
    for leftover in (*published.glob(".*.tmp*"), *published.glob("parquet/**/.*.tmp")):
        leftover.unlink()


def _relations(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute(
        """
        select table_schema || '.' || table_name from information_schema.tables
        where table_catalog = current_database() and table_schema in (select unnest(?)) order by 1
        """,
        [list(PUBLISHED_SCHEMAS)],
    ).fetchall()
    return [row[0] for row in rows]


def _publish_parquet(
    connection: duckdb.DuckDBPyConnection, name: str, parquet: Path, code_version: str, written: list[str]
) -> PublishedTable:
    schema, table = name.split(".")
    comment, definition = connection.execute(
        """
        select comment, '' as definition from duckdb_tables()
        where (database_name, schema_name, table_name) = (current_database(), ?, ?)
        union all
        select comment, sql from duckdb_views()
        where (database_name, schema_name, view_name) = (current_database(), ?, ?)
        """,
        [schema, table, schema, table],
    ).fetchall()[0]
    columns = tuple(
        Column(*row)
        for row in connection.execute(
            """
            select column_name, data_type, comment from duckdb_columns()
            where (database_name, schema_name, table_name) = (current_database(), ?, ?) order by column_index
            """,
            [schema, table],
        ).fetchall()
    )
    shape = _digest([definition, *(repr(column) for column in columns)])
    files = []
    for month, content in _parts(connection, name, code_version):
        file = f"{schema}/{table}/" + (f"month={month}/" if month else "") + f"{_digest([shape, content])}.parquet"
        if not (parquet / file).exists():
            _write_parquet(connection, name, columns, month, parquet / file)
            written.append(file)
        files.append(file)
    row_count = sum(pq.read_metadata(parquet / file).num_rows for file in files)
    return PublishedTable(name, comment, row_count, _digest([shape, comment or "", *files]), columns, tuple(files))


def _parts(connection: duckdb.DuckDBPyConnection, name: str, code_version: str) -> list[tuple[str | None, str]]:
    """The month and the fingerprint of each part of a table; a table published whole is one part without a month."""
    parts: list[tuple[str | None, str]] = []
    if name in DAY_FINGERPRINTS and _has_built_days(connection):
        parts = connection.execute(
            """
            select strftime(usage_date, '%Y-%m'), md5(string_agg(usage_date || fingerprint, ',' order by usage_date))
            from intermediate.built_days where model_name = ? group by 1 order by 1
            """,
            [DAY_FINGERPRINTS[name]],
        ).fetchall()
    return [(month, days + code_version) for month, days in parts] or [(None, _content(connection, name))]


def _has_built_days(connection: duckdb.DuckDBPyConnection) -> bool:
    rows = connection.execute(
        "from duckdb_tables() where schema_name = 'intermediate' and table_name = 'built_days'"
    ).fetchall()
    return bool(rows)


def _content(connection: duckdb.DuckDBPyConnection, name: str) -> str:
    rows = connection.execute(f"select count(*), coalesce(sum(hash(content)), 0) from {name} as content").fetchall()
    return repr(rows[0])


def _write_parquet(
    connection: duckdb.DuckDBPyConnection, name: str, columns: tuple[Column, ...], month: str | None, path: Path
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.tmp")
    where = f"where date_trunc('month', usage_date) = date '{month}-01'" if month else ""
    connection.execute(
        f"copy (select {', '.join(column.expression for column in columns)} from {name} {where}) "
        f"to {_text(unfinished)} (format parquet, compression zstd)"
    )
    _settle(unfinished, path)


def _replace_duckdb(
    file: Path, parquet: Path, tables: tuple[PublishedTable, ...], version: str, now: datetime, inline_row_limit: int
) -> None:
    """Writes a new DuckDB file and renames it over the old one; a reader that has the old one open keeps reading it."""
    unfinished = file.with_name(f".{file.name}.tmp")
    with duckdb.connect(str(unfinished)) as connection:
        # Hundreds of comments: one transaction writes them to disk once.
        connection.execute("begin")
        for schema in PUBLISHED_SCHEMAS:
            connection.execute(f"create schema {schema}")
        for table in tables:
            kind = "view" if table.name in DAY_FINGERPRINTS and table.row_count > inline_row_limit else "table"
            paths = ", ".join(_text(parquet / path) for path in table.files)
            connection.execute(
                f"create {kind} {table.name} as select * from read_parquet([{paths}], hive_partitioning = false)"
            )
            if table.comment:
                connection.execute(f"comment on {kind} {table.name} is {_text(table.comment)}")
            for column in table.columns:
                if column.comment:
                    target = f"{table.name}.{_quoted(column.name)}"
                    connection.execute(f"comment on column {target} is {_text(column.comment)}")
        connection.execute(
            "create table publication (version varchar, published_at timestamptz, table_name varchar, row_count bigint)"
        )
        connection.executemany(
            "insert into publication values (?, ?, ?, ?)",
            [(version, now, table.name, table.row_count) for table in tables],
        )
        connection.execute("comment on table publication is 'What was published and when: one row per table.'")
        connection.execute("commit")
    _settle(unfinished, file)


def _replace_manifest(
    parquet: Path, file: Path, tables: tuple[PublishedTable, ...], version: str, now: datetime
) -> None:
    contents = {table.name: {key: value for key, value in asdict(table).items() if key != "name"} for table in tables}
    head = {"version": version, "published_at": now.isoformat(), "duckdb_file": _stamp(file)}
    manifest = json.dumps({**head, "tables": contents}, indent=1)
    versions = parquet / "versions"
    versions.mkdir(exist_ok=True)
    for path in (versions / f"{version}.json", parquet / "current.json"):
        unfinished = path.with_name(f".{path.name}.tmp")
        unfinished.write_text(manifest)
        _settle(unfinished, path)


def _delete_expired(parquet: Path, now: datetime, grace: timedelta) -> tuple[str, ...]:
    """Deletes the versions that were replaced longer than the grace period ago, and the files that only they list."""
    manifests = {path: json.loads(path.read_text()) for path in sorted((parquet / "versions").glob("*.json"))}
    paths = list(manifests)
    for path, successor in itertools.pairwise(paths):
        if datetime.fromisoformat(manifests[successor]["published_at"]) + grace < now:
            path.unlink()
            del manifests[path]
    listed = {
        file for manifest in manifests.values() for table in manifest["tables"].values() for file in table["files"]
    }
    deleted = []
    for file in sorted(parquet.glob("*/*/**/*.parquet")):
        if str(file.relative_to(parquet)) not in listed:
            file.unlink()
            deleted.append(str(file.relative_to(parquet)))
    return tuple(deleted)


def _stamp(file: Path) -> list[int] | None:
    """Tells whether the DuckDB file is the one of a manifest, without opening it: a reader may hold a lock."""
    if not file.exists():
        return None
    status = file.stat()
    return [status.st_ino, status.st_mtime_ns]


def _settle(unfinished: Path, path: Path) -> None:
    """Makes a finished file appear under its name at once, and on disk before its name is."""
    _sync(unfinished)
    unfinished.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _text(value: str | Path) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
