"""Rows of the lake that are in force, read through its index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from ingestion.lake import Lake
from ingestion.settings import Settings


@contextmanager
def live_rows(index: Path, table: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in which the view ``live`` has the rows of one raw table that are in force.

    Args:
        index: ``lake_index.parquet`` of a home, with its companions beside it.
    """
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        files = connection.execute(
            "select file_path from read_parquet(?) where table_name = ? order by 1",
            [str(index.with_name("lake_files.parquet")), table],
        ).fetchall()
        paths = [str(index.with_name("lake_schemas") / f"{table}.parquet"), *(row[0] for row in files)]
        connection.execute(
            "create table days as select * from read_parquet(?) where table_name = ?", [str(index), table]
        )
        listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
        connection.execute(
            f"create view live as select raw_rows.* from read_parquet([{listed}], union_by_name = true) as raw_rows "
            "where exists (select 1 from days where days.data_load_id = raw_rows._load_id and days.day = raw_rows._day)"
        )
        yield connection


def landed_rows(settings: Settings, table: str, columns: Sequence[str], *, order_by: str) -> list[dict[str, object]]:
    """Rows of a raw table as they are in the lake now, without touching the index that a run is reading."""
    lake = Lake(settings.lake_path, settings.clock)
    if not any(load.table == table for load in lake.loads()):
        return []
    with TemporaryDirectory() as folder:
        index = Path(folder) / "lake_index.parquet"
        lake.write_index(index)
        with live_rows(index, table) as connection:
            rows = connection.execute(f"select {', '.join(columns)} from live order by {order_by}").fetchall()
    return [dict(zip(columns, row, strict=True)) for row in rows]
