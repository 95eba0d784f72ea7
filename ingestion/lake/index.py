"""What is in force, written down for readers that know nothing of manifests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.lake.entries import DataFile, Load, LoadDay
from ingestion.lake.files import replace_parquet
from ingestion.lake.manifest import LiveDay, Standing
from ingestion.lake.rows import LAKE_FIELDS, month_of_day
from ingestion.records import STREAMS

_TEXT, _COUNT, _DAY, _INSTANT = pa.string(), pa.int64(), pa.date32(), pa.timestamp("us", tz="UTC")

INDEX_SCHEMA = pa.schema(
    {
        "table_name": _TEXT,
        "source_name": _TEXT,
        "stream_name": _TEXT,
        "kind": _TEXT,
        "account_id": _TEXT,
        "day": _DAY,
        "load_id": _TEXT,
        "data_load_id": _TEXT,
        "row_count": _COUNT,
        "loaded_at": _INSTANT,
        "content_hash": _TEXT,
    }
)
FILES_SCHEMA = pa.schema(
    {"table_name": _TEXT, "source_name": _TEXT, "file_path": _TEXT, "month": _TEXT, "is_whole": pa.bool_()}
)
LOADS_SCHEMA = pa.schema(
    {
        "load_id": _TEXT,
        "table_name": _TEXT,
        "source_name": _TEXT,
        "stream_name": _TEXT,
        "kind": _TEXT,
        "account_id": _TEXT,
        "file_name": _TEXT,
        "content_sha256": _TEXT,
        "rows_received": _COUNT,
        "rows_admitted": _COUNT,
        "rows_quarantined": _COUNT,
        "rows_duplicate": _COUNT,
        "rows_written": _COUNT,
        "window_start": _DAY,
        "window_end": _DAY,
        "loaded_at": _INSTANT,
    }
)


def write(
    path: Path,
    standing: Standing,
    loads: Iterable[Load],
    files: Iterable[DataFile],
    *,
    root: Path,
    as_of: datetime | None,
    checkpoint: Callable[[str], None],
) -> None:
    """Replace the three index files, beside one empty file for each raw table: one without data has columns too.

    The data files come first: they serve the old index as well as the new one.

    Args:
        loads: Every load of the lake, also those after ``as_of``.
    """
    _write_schemas(path.with_name("lake_schemas"))
    live = sorted(standing.live_days(), key=lambda item: (*item.load.key, item.entry.day, item.load.load_id))
    loads = list(loads)
    replace_parquet(path.with_name("lake_files.parquet"), _files_table(files, live, loads, root))
    checkpoint("files indexed")
    replace_parquet(
        path.with_name("lake_loads.parquet"),
        _loads_table(load for load in loads if as_of is None or load.loaded_at <= as_of),
    )
    checkpoint("loads indexed")
    replace_parquet(path, _index_table(live))
    checkpoint("days indexed")


def _write_schemas(folder: Path) -> None:
    for table, stream in STREAMS.items():
        file = folder / f"{table}.parquet"
        schema = pa.schema([*stream.schema, *LAKE_FIELDS])
        if not file.exists() or pq.read_schema(file) != schema:
            replace_parquet(file, schema.empty_table())


def _index_table(live: Iterable[LiveDay]) -> pa.Table:
    rows = [
        {
            "table_name": load.table,
            "source_name": load.source,
            "stream_name": load.stream,
            "kind": load.kind.value,
            "account_id": load.account_id,
            "day": entry.day,
            "load_id": load.load_id,
            "data_load_id": entry.data_load_id,
            "row_count": entry.row_count,
            "loaded_at": load.loaded_at,
            "content_hash": entry.content_hash,
        }
        for load, entry in live
    ]
    return pa.Table.from_pylist(rows, schema=INDEX_SCHEMA)


def _files_table(files: Iterable[DataFile], live: Iterable[LiveDay], loads: Iterable[Load], root: Path) -> pa.Table:
    """The files with at least one live row."""
    live_rows = _rows_by_load_and_month(entry for _, entry in live)
    all_rows = _rows_by_load_and_month(
        entry for load in loads for entry in load.days if entry.data_load_id == load.load_id
    )
    rows = []
    for file in files:
        wanted = sum(live_rows[load_id, file.month] for load_id in file.load_ids)
        if wanted:
            held = sum(all_rows[load_id, file.month] for load_id in file.load_ids)
            rows.append(
                {
                    "table_name": file.table,
                    "source_name": file.source,
                    "file_path": str(root / file.path),
                    "month": file.month,
                    "is_whole": wanted == held,
                }
            )
    rows.sort(key=lambda row: (row["table_name"], row["source_name"], row["month"], row["file_path"]))
    return pa.Table.from_pylist(rows, schema=FILES_SCHEMA)


def _rows_by_load_and_month(entries: Iterable[LoadDay]) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        counts[entry.data_load_id, month_of_day(entry.day)] += entry.row_count
    return counts


def _loads_table(loads: Iterable[Load]) -> pa.Table:
    rows = [
        {
            "load_id": load.load_id,
            "table_name": load.table,
            "source_name": load.source,
            "stream_name": load.stream,
            "kind": load.kind.value,
            "account_id": load.account_id,
            "file_name": load.file_name,
            "content_sha256": load.content_sha256,
            "rows_received": load.rows_received,
            "rows_admitted": load.rows_admitted,
            "rows_quarantined": load.rows_quarantined,
            "rows_duplicate": load.rows_duplicate,
            "rows_written": load.rows_written,
            "window_start": load.window_start,
            "window_end": load.window_end,
            "loaded_at": load.loaded_at,
        }
        for load in loads
    ]
    return pa.Table.from_pylist(rows, schema=LOADS_SCHEMA)
