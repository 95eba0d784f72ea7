"""Rows of the lake that are in force, read through its index."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb


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
