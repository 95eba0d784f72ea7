"""One way to land a load. How a load stays whole whatever happens is told in ``journal``."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.errors import LakeError
from ingestion.lake import compaction, index, logs
from ingestion.lake.entries import Compaction, Load, LoadDay, Window, skipped
from ingestion.lake.files import fsync_files, make_folder
from ingestion.lake.journal import Journal, ignore_step, quarantine_path
from ingestion.lake.manifest import LiveDay, Manifest
from ingestion.lake.rows import EMPTY_HASH, NO_DAY, conform, day_column, day_hashes, month_of_day, split_by_day, stamp
from ingestion.records import STREAMS, Stream, StreamKind

_SOURCE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class Lake:
    """The raw rows of one home.

    Args:
        root: Folder of the lake; made when first written to.
        clock: The present, with an offset.
        lock_timeout_seconds: How long to wait for another writer.
        checkpoint: Called with the name of each step of a write, before the next one. Made for tests that stop there.
    """

    def __init__(
        self,
        root: Path,
        clock: Callable[[], datetime],
        *,
        lock_timeout_seconds: float = 600,
        checkpoint: Callable[[str], None] = ignore_step,
    ) -> None:
        self.root = root.absolute()
        self._clock = clock
        self._checkpoint = checkpoint
        self._manifest = Manifest(self.root / "_manifest")
        self._journal = Journal(
            self.root, self._manifest, clock, lock_timeout_seconds=lock_timeout_seconds, checkpoint=checkpoint
        )

    # ------------------------------------------------------------ landing

    def land(self, table: str, source: str, rows: pa.Table, *, account_id: str, window: Window | None = None) -> Load:
        """Land the rows of one answer: a window of a provider stream, a listing, or a snapshot.

        Windowed streams: each day of ``window`` becomes exactly these rows, also if there are none. Days whose content
        is what the lake already has are not written again. Listings and snapshots are skipped whole if unchanged.

        Args:
            table: A raw table of ``ingestion.records.STREAMS``.
            source: Name of the source; the folder below the lake.
            rows: In the schema of the table's record.
            account_id: The account that the window belongs to; for others what tells their loads apart, or empty.
            window: Days that the rows answer for; needed by windowed streams and refused by others.
        Raises:
            LakeError: the rows do not fit the record, lie outside of the window or belong to another account or source;
                or another writer holds the lock.
        """
        stream = _stream(table, source)
        if stream.kind is StreamKind.APPEND and stream.day_column:
            raise LakeError("log rows are landed by file", where=table, mend="use land_file_load")
        if (stream.kind is StreamKind.WINDOWED) != (window is not None):
            raise LakeError("windowed streams, and only they, are landed with a window", where=table)
        rows = conform(stream, rows)
        days = day_column(stream, rows)
        if window is not None:
            _check_belongs(stream, rows, days, source=source, account_id=account_id, window=window)
        by_day = dict(split_by_day(rows, days))
        hashes = day_hashes(rows, days)
        with self._journal.writing():
            key = (table, source, account_id)
            if window is None:
                whole = hashes.get(NO_DAY, EMPTY_HASH)
                latest = self._manifest.standing.latest.get(key)
                if latest is not None and latest.content_sha256 == whole:
                    return skipped(latest)
            covered = window.days if window is not None else [NO_DAY]
            load_id, loaded_at = self._journal.next_id(key, *(hashes.get(day, "") for day in covered))
            present = self._manifest.standing.windows.get(key, {})
            entries = [
                _day_entry(day, by_day.get(day), hashes.get(day, EMPTY_HASH), present.get(day), load_id)
                for day in covered
            ]
            changed = [by_day[entry.day] for entry in entries if entry.data_load_id == load_id and entry.row_count]
            with self._journal.pending(load_id, source, stream):
                files = []
                if changed:
                    written = pa.concat_tables(changed)
                    written = stamp(written, day_column(stream, written), load_id=load_id, loaded_at=loaded_at)
                    files = self._write_months(written, load_id, source, stream)
                load = Load(
                    load_id=load_id,
                    source=source,
                    stream=stream.name,
                    table=table,
                    kind=stream.kind,
                    account_id=account_id,
                    window_start=window.start if window else None,
                    window_end=window.end if window else None,
                    loaded_at=loaded_at,
                    row_count=rows.num_rows,
                    rows_received=rows.num_rows,
                    rows_admitted=rows.num_rows,
                    rows_quarantined=0,
                    rows_duplicate=0,
                    content_sha256="" if window is not None else whole,
                    file_name="",
                    days=tuple(entries),
                    files=tuple(files),
                )
                self._journal.complete(load)
            return load

    def land_file_load(
        self,
        table: str,
        source: str,
        *,
        account_id: str,
        content_sha256: str,
        file_name: str,
        connection: duckdb.DuckDBPyConnection,
        admitted_sql: str,
        quarantine_sql: str,
        rows_received: int,
        rows_duplicate: int = 0,
        replace: bool = False,
        is_cheap: bool = False,
    ) -> Load:
        """Land one log file, once.

        The same content under the same table and source is landed once, whatever the file is called: the second time
        the first load is returned, ``skipped``.

        Args:
            content_sha256: Hash of the decompressed content, in hex.
            file_name: Shown with quarantined rows and in the manifest; no part of the identity.
            connection: Where both queries run; it does the writing, under its own memory limit.
            admitted_sql: A query that gives the columns of the table's record, by name. Read once, unless ``is_cheap``.
            quarantine_sql: A query that gives ``file_line, reason, raw_text`` (texts of prompts and secrets removed).
            rows_received: Lines or rows that the file held; must be admitted + quarantined + duplicate.
            rows_duplicate: Rows that the caller left out because the file holds them twice.
            replace: Land it although its content was landed before, and put the earlier load out of force: for a file
                that was read with a wrong mapping.
            is_cheap: ``admitted_sql`` only reads a table or a Parquet file, so that reading it once for each month is
                cheaper than keeping a copy in between.
        Raises:
            LakeError: the counts do not add up, a row lacks what its record requires, or the lock is held.
        """
        stream = _stream(table, source)
        if not (stream.kind is StreamKind.APPEND and stream.day_column):
            raise LakeError("only log streams are landed by file", where=table, mend="use land")
        with self._journal.writing():
            earlier = self._manifest.standing.contents.get((table, source, content_sha256))
            if earlier is not None and not replace:
                return skipped(earlier)
            load_id, loaded_at = self._journal.next_id((table, source, account_id), content_sha256)
            with self._journal.pending(load_id, source, stream) as scratch:
                stamped = logs.Stamp(load_id, loaded_at, file_name)
                folder = self.root / source / stream.name
                counts = logs.write_admitted(
                    connection, stream, admitted_sql, stamped, folder=folder, scratch=None if is_cheap else scratch
                )
                self._checkpoint("data written")
                quarantine = quarantine_path(self.root, source, load_id)
                rows_quarantined = logs.write_quarantine(connection, quarantine_sql, stamped, path=quarantine)
                admitted = sum(counts.values())
                logs.check_counts(
                    table,
                    file_name,
                    rows_received,
                    admitted=admitted,
                    quarantined=rows_quarantined,
                    duplicate=rows_duplicate,
                )
                paths = [
                    folder / f"month={month}" / f"{load_id}.parquet"
                    for month in sorted({month_of_day(day) for day in counts})
                ]
                if rows_quarantined:
                    paths.append(quarantine)
                fsync_files(paths)
                self._checkpoint("data durable")
                load = Load(
                    load_id=load_id,
                    source=source,
                    stream=stream.name,
                    table=table,
                    kind=stream.kind,
                    account_id=account_id,
                    window_start=None,
                    window_end=None,
                    loaded_at=loaded_at,
                    row_count=admitted,
                    rows_received=rows_received,
                    rows_admitted=admitted,
                    rows_quarantined=rows_quarantined,
                    rows_duplicate=rows_duplicate,
                    content_sha256=content_sha256,
                    file_name=file_name,
                    days=tuple(LoadDay(day, count, content_sha256, load_id) for day, count in sorted(counts.items())),
                    files=tuple(str(path.relative_to(self.root)) for path in paths),
                    replaces=(earlier.load_id,) if earlier is not None else (),
                )
                self._journal.complete(load)
            return load

    # ------------------------------------------------------------ reading

    def loads(self) -> list[Load]:
        """Every completed load, in the order in which they were landed."""
        return list(self._journal.current().loads.values())

    def data_files(self, table: str, *, since: date) -> list[Path]:
        """Files with all rows of a table from a day on, those of superseded loads included (and some of earlier days).

        Which load stands for what is in ``loads``: the rows of a day are those with ``_load_id = data_load_id``.
        """
        files = self._journal.current().files.values()
        return sorted(
            self.root / file.path for file in files if file.table == table and file.month >= month_of_day(since)
        )

    def has_content(self, content_sha256: str, *, table: str | None = None, source: str | None = None) -> bool:
        """Whether a file of this content was landed (for this table and source, where they are given)."""
        return any(
            found == content_sha256 and table in (None, of_table) and source in (None, of_source)
            for of_table, of_source, found in self._journal.current().standing.contents
        )

    def quarantine(self) -> pa.Table:
        """All quarantined rows: ``_load_id, file_name, file_line, reason, raw_text, quarantined_at``."""
        files = self._journal.current().quarantine_files()
        return pa.concat_tables(
            [logs.QUARANTINE_SCHEMA.empty_table(), *(pq.read_table(self.root / f, partitioning=None) for f in files)]
        )

    def write_index(self, path: Path, as_of: datetime | None = None) -> None:
        """Write what is in force, for readers of the lake: three Parquet files in the folder of ``path``.

        ``path`` itself has one row per live (table, source, account, day), and for append streams per load as well:
        the rows of that day are those with ``_load_id = data_load_id and _day = day`` (of this table and source).
        ``lake_files.parquet`` lists the files that hold them; where ``is_whole``, all rows of the file are live and
        need no such filter. ``lake_loads.parquet`` has every load with its counts. They are replaced one by one, files
        first, so a reader of the old index finds its rows in the new files.

        Args:
            path: ``lake_index.parquet`` of the home.
            as_of: Show the lake as it was known then, instead of as it is.
        Raises:
            LakeError: ``as_of`` has no offset, or the lock is held.
        """
        if as_of is not None and as_of.tzinfo is None:
            raise LakeError(
                "the instant has no offset from UTC", where=f"as_of {as_of}", mend="such as 2026-11-23T06:00Z"
            )
        with self._journal.writing():
            standing = self._manifest.standing if as_of is None else self._manifest.as_of(as_of)
            index.write(
                path,
                standing,
                self._manifest.loads.values(),
                self._manifest.files.values(),
                root=self.root,
                as_of=as_of,
                checkpoint=self._checkpoint,
            )

    # ------------------------------------------------------------ upkeep

    def compact(
        self,
        *,
        min_files: int = 8,
        small_bytes: int = 64 * 1024 * 1024,
        grace: timedelta = timedelta(hours=24),
    ) -> list[Compaction]:
        """Merge small files, delete merged ones after a grace period, and fold the manifest.

        Every row is kept, also of loads that are no longer in force. Answers before and after are the same, and a
        reader that holds an older index still finds its files until ``grace`` has passed.

        Args:
            min_files: Months with fewer small files are left alone.
            small_bytes: Files of this size and more are left alone.
        """
        with self._journal.writing():
            done = []
            for group in compaction.plan(
                self._manifest.files.values(), self.root, min_files=min_files, small_bytes=small_bytes
            ):
                first = group[0]
                load_id, loaded_at = self._journal.next_id(*(file.path for file in group))
                stream = STREAMS[first.table]
                with self._journal.pending(load_id, first.source, stream):
                    entry = compaction.merge(group, self.root, load_id=load_id, loaded_at=loaded_at)
                    self._checkpoint("data written")
                    fsync_files([self.root / entry.file])
                    self._checkpoint("data durable")
                    self._journal.complete(entry)
                done.append(entry)
            compaction.delete_replaced(self._manifest.replaced, self.root, before=self._clock() - grace)
            self._checkpoint("replaced deleted")
            self._journal.fold()
            return done

    def _write_months(self, rows: pa.Table, load_id: str, source: str, stream: Stream) -> list[str]:
        folder = self.root / source / stream.name
        months: dict[str, list[pa.Table]] = {}
        for day, part in split_by_day(rows, rows.column("_day").combine_chunks()):
            months.setdefault(month_of_day(day), []).append(part)
        paths = []
        for month, parts in months.items():
            path = folder / f"month={month}" / f"{load_id}.parquet"
            make_folder(path.parent)
            pq.write_table(pa.concat_tables(parts), path, compression="zstd")
            paths.append(path)
            self._checkpoint("data written")
        fsync_files(paths)
        self._checkpoint("data durable")
        return [str(path.relative_to(self.root)) for path in paths]


def _stream(table: str, source: str) -> Stream:
    if table not in STREAMS:
        raise LakeError("no such raw table", where=table, mend=f"one of: {', '.join(STREAMS)}")
    if not _SOURCE_NAME.fullmatch(source):
        raise LakeError(
            f"{source!r} cannot be the name of a source", where=table, mend="use letters, digits, '_', '-' and '.'"
        )
    return STREAMS[table]


def _day_entry(day: date, rows: pa.Table | None, found: str, winner: LiveDay | None, load_id: str) -> LoadDay:
    """What a load says of a day; its rows are where they were if they have not changed."""
    is_unchanged = winner is not None and winner.entry.content_hash == found
    data_load_id = winner.entry.data_load_id if winner is not None and is_unchanged else load_id
    return LoadDay(day, rows.num_rows if rows is not None else 0, found, data_load_id)


def _check_belongs(
    stream: Stream, rows: pa.Table, days: pa.Array, *, source: str, account_id: str, window: Window
) -> None:
    """Rows that belong to another window or account would never be replaced by the loads of their own."""
    strays = sorted({day for day in days.unique().to_pylist() if day not in window})
    if strays:
        where = f"{stream.table}, window {window.start} to {window.end}"
        raise LakeError(f"rows lie on days outside of the window: {_some(strays)}", where=where)
    for name, expected in (("source_name", source), ("account_id", account_id)):
        others = sorted(set(rows.column(name).unique().to_pylist()) - {expected})
        if others:
            raise LakeError(f"rows carry another {name} than {expected!r}: {_some(others)}", where=stream.table)


def _some(values: list[str] | list[date]) -> str:
    return ", ".join(map(str, values[:5])) + (" and more" if len(values) > 5 else "")
