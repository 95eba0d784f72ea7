"""Fewer and larger files, the same rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from ingestion.errors import LakeError
from ingestion.lake.entries import Compaction, DataFile
from ingestion.lake.logs import sql_text
from ingestion.records import STREAMS


def plan(files: Iterable[DataFile], root: Path, *, min_files: int, small_bytes: int) -> Iterator[list[DataFile]]:
    """Groups of small files of the same table, source and month that are worth merging."""
    groups: dict[tuple[str, str, str], list[DataFile]] = {}
    for file in files:
        if (root / file.path).stat().st_size < small_bytes:
            groups.setdefault((file.table, file.source, file.month), []).append(file)
    yield from (group for group in groups.values() if len(group) >= max(min_files, 2))


def merge(group: list[DataFile], root: Path, *, load_id: str, loaded_at: datetime) -> Compaction:
    """Write the rows of a group of files into one new file, which nobody reads yet.

    Raises:
        LakeError: the new file does not hold as many rows as the old ones.
    """
    first = group[0]
    path = f"{first.source}/{STREAMS[first.table].name}/month={first.month}/{load_id}.parquet"
    sources = ", ".join(sql_text(str(root / file.path)) for file in group)
    with duckdb.connect() as connection:
        connection.execute(
            # By name, because a record may have gained a column since the first of the files.
            f"COPY (SELECT * FROM read_parquet([{sources}], union_by_name = true, hive_partitioning = false) "
            f"ORDER BY _day, _load_id) TO {sql_text(str(root / path))} (FORMAT parquet, COMPRESSION zstd)"
        )
    expected = sum(_row_count(root / file.path) for file in group)
    found = _row_count(root / path)
    if found != expected:
        raise LakeError(f"compaction gave {found} rows instead of {expected}", where=path, mend="nothing was replaced")
    return Compaction(
        load_id=load_id,
        table=first.table,
        source=first.source,
        month=first.month,
        loaded_at=loaded_at,
        file=path,
        row_count=found,
        load_ids=tuple(sorted({load for file in group for load in file.load_ids})),
        replaced=tuple(file.path for file in group),
    )


def delete_replaced(replaced: Mapping[str, datetime], root: Path, *, before: datetime) -> None:
    """Delete the files whose rows were moved to another file before an instant."""
    for path, replaced_at in replaced.items():
        if replaced_at <= before:
            (root / path).unlink(missing_ok=True)


def _row_count(path: Path) -> int:
    return int(pq.read_metadata(path).num_rows)
