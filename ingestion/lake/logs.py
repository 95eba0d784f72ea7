"""Log rows by the million: DuckDB sorts them and writes them by month."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa

from ingestion.errors import LakeError
from ingestion.lake.files import make_folder
from ingestion.lake.rows import month_of_day
from ingestion.records import Stream

QUARANTINE_SCHEMA = pa.schema(
    [
        pa.field("_load_id", pa.string()),
        pa.field("file_name", pa.string()),
        pa.field("file_line", pa.int64()),
        pa.field("reason", pa.string()),
        pa.field("raw_text", pa.string()),
        pa.field("quarantined_at", pa.timestamp("us", tz="UTC")),
    ]
)

_SQL_TYPES = {
    pa.string(): "VARCHAR",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    pa.date32(): "DATE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
}


class Stamp(NamedTuple):
    """What a load writes on each of its rows."""

    load_id: str
    loaded_at: datetime
    file_name: str


def sql_text(value: str) -> str:
    """A text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def write_admitted(
    connection: duckdb.DuckDBPyConnection,
    stream: Stream,
    query: str,
    stamp: Stamp,
    *,
    folder: Path,
    scratch: Path | None,
) -> dict[date, int]:
    """Write the rows of a query as one file a month, each in the order of its days.

    Sorting holds no more than one month at a time.

    Args:
        scratch: Where to keep a copy of the rows, so that the query is read once; None reads it once for each month.
    Returns:
        Number of rows of each UTC day.
    Raises:
        LakeError: a row lacks what its record requires.
    """
    columns = ", ".join(
        f'CAST("{field.name}" AS {_SQL_TYPES[field.type]}) AS "{field.name}"' for field in stream.schema
    )
    typed = f"SELECT {columns}, {_day_sql(stream)} AS _day FROM ({query})"
    if scratch is not None:
        staged = sql_text(str(scratch / "staged.parquet"))
        connection.execute(f"COPY ({typed}) TO {staged} (FORMAT parquet, COMPRESSION lz4_raw)")
        typed = f"SELECT * FROM read_parquet({staged})"
    _check_complete(connection, stream, typed, stamp)
    counts = dict(connection.execute(f"SELECT _day, count(*) FROM ({typed}) GROUP BY _day").fetchall())
    for month in sorted({day.replace(day=1) for day in counts}):
        path = folder / f"month={month_of_day(month)}" / f"{stamp.load_id}.parquet"
        make_folder(path.parent)
        connection.execute(
            f"COPY (SELECT * EXCLUDE _day, {sql_text(stamp.load_id)} AS _load_id, "
            f"TIMESTAMPTZ {sql_text(stamp.loaded_at.isoformat())} AS _loaded_at, _day FROM ({typed}) "
            f"WHERE _day >= DATE '{month}' AND _day < DATE '{month}' + INTERVAL 1 MONTH ORDER BY _day) "
            f"TO {sql_text(str(path))} (FORMAT parquet, COMPRESSION zstd)"
        )
    return counts


def write_quarantine(connection: duckdb.DuckDBPyConnection, query: str, stamp: Stamp, *, path: Path) -> int:
    """Write the rows that could not be understood, and count them. Without any, there is no file."""
    make_folder(path.parent)
    connection.execute(
        f"COPY (SELECT {sql_text(stamp.load_id)} AS _load_id, {sql_text(stamp.file_name)} AS file_name, "
        f"CAST(file_line AS BIGINT) AS file_line, CAST(reason AS VARCHAR) AS reason, "
        f"CAST(raw_text AS VARCHAR) AS raw_text, "
        f"TIMESTAMPTZ {sql_text(stamp.loaded_at.isoformat())} AS quarantined_at FROM ({query})) "
        f"TO {sql_text(str(path))} (FORMAT parquet, COMPRESSION zstd)"
    )
    count = _one(connection, f"SELECT count(*) FROM read_parquet({sql_text(str(path))})")
    if not count:
        path.unlink()
    return count


def check_counts(table: str, file_name: str, received: int, *, admitted: int, quarantined: int, duplicate: int) -> None:
    """Every row that was received is in exactly one of three places.

    Raises:
        LakeError: one was lost or counted twice.
    """
    if received != admitted + quarantined + duplicate:
        raise LakeError(
            f"the counts do not add up: {received} received, but {admitted} admitted + {quarantined} quarantined "
            f"+ {duplicate} duplicate",
            where=f"{table}, {file_name}",
            mend="nothing was landed; report the file and its mapping",
        )


def _day_sql(stream: Stream) -> str:
    column = f'"{stream.day_column}"'
    if pa.types.is_timestamp(stream.schema.field(stream.day_column).type):
        # Through the epoch: a cast of TIMESTAMPTZ to DATE would take the session's time zone.
        return f"CAST(make_timestamp(epoch_us(CAST({column} AS TIMESTAMPTZ))) AS DATE)"
    return f"CAST({column} AS DATE)"


def _check_complete(connection: duckdb.DuckDBPyConnection, stream: Stream, query: str, stamp: Stamp) -> None:
    required = [field.name for field in stream.schema if not field.nullable]
    counts = ", ".join(f'count(*) - count("{name}")' for name in required)
    found = connection.execute(f"SELECT {counts} FROM ({query})").fetchone()
    lacking = [f"{count} rows lack {name}" for name, count in zip(required, found or (), strict=True) if count]
    if lacking:
        raise LakeError("; ".join(lacking), where=f"{stream.table}, {stamp.file_name}")


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0
