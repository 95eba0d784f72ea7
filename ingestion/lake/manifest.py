"""What the lake knows about its loads: one small file for each completed load, folded into one state."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.errors import LakeError
from ingestion.lake.entries import Compaction, DataFile, Load, LoadDay, from_json, kind_of, month_of_path
from ingestion.lake.files import fsync_files, rename_durable
from ingestion.records import StreamKind

_COMPACT_NAME = re.compile(r"compact-(?P<load_id>.+)")
_READ_ATTEMPTS = 20


class LiveDay(NamedTuple):
    """A day in force: the load that won it, and what that load says about it."""

    load: Load
    entry: LoadDay


@dataclass
class Standing:
    """Which loads are in force, after a number of loads in the order of their ids."""

    windows: dict[tuple[str, str, str], dict[date, LiveDay]] = field(default_factory=dict)
    latest: dict[tuple[str, str, str], Load] = field(default_factory=dict)
    appended: dict[str, Load] = field(default_factory=dict)
    contents: dict[tuple[str, str, str], Load] = field(default_factory=dict)

    def add(self, load: Load) -> None:
        self.latest[load.key] = load
        if load.kind is StreamKind.WINDOWED:
            self.windows.setdefault(load.key, {}).update((entry.day, LiveDay(load, entry)) for entry in load.days)
        elif load.kind is StreamKind.APPEND:
            for load_id in load.replaces:
                self.appended.pop(load_id, None)
            self.appended[load.load_id] = load
            self.contents[load.table, load.source, load.content_sha256] = load

    def live_days(self) -> Iterator[LiveDay]:
        """Every day in force. Append streams have an entry for each (day, load)."""
        for days in self.windows.values():
            yield from days.values()
        for load in self.latest.values():
            if load.kind is StreamKind.SNAPSHOT:
                yield from (LiveDay(load, entry) for entry in load.days)
        for load in self.appended.values():
            yield from (LiveDay(load, entry) for entry in load.days)

    @classmethod
    def of(cls, loads: Iterable[Load]) -> Standing:
        standing = cls()
        for load in loads:
            standing.add(load)
        return standing


class Manifest:
    """The state of the manifest folder, read once and then kept up to date with what is new in it.

    The folder holds ``<load_id>.json`` (a load or a compaction) and at most one current ``compact-<load_id>/``, which
    stands for every entry up to that id.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._forget()

    def _forget(self) -> None:
        self._compact_name = ""
        self._seen: set[str] = set()
        self.loads: dict[str, Load] = {}
        self.files: dict[str, DataFile] = {}
        self.replaced: dict[str, datetime] = {}
        self.standing = Standing()
        self.last_id = ""

    def refresh(self) -> None:
        """Take in what other processes have recorded since.

        Raises:
            LakeError: an entry cannot be read.
        """
        for _ in range(_READ_ATTEMPTS):
            try:
                self._read_new()
            except FileNotFoundError:
                # The writer has just folded the entries that were listed here into a compact manifest.
                self._forget()
            else:
                return
        raise LakeError("the manifest changes faster than it can be read", where=str(self.folder))

    def _read_new(self) -> None:
        names = sorted(path.name for path in self.folder.iterdir()) if self.folder.is_dir() else []
        compact = max((name for name in names if _COMPACT_NAME.fullmatch(name)), default="")
        if compact != self._compact_name:
            self._forget()
            self._compact_name = compact
            self._read_compact(self.folder / compact)
        folded_until = compact.removeprefix("compact-")
        for name in names:
            load_id, is_entry = name.removesuffix(".json"), name.endswith(".json")
            if is_entry and load_id > folded_until and load_id not in self._seen:
                self.record(from_json(self.folder / name))

    @property
    def loose_count(self) -> int:
        """Entries that no compact manifest holds yet."""
        return len(self._seen)

    def record(self, entry: Load | Compaction) -> None:
        """Fold one entry into the state. Entries come in the order of their ids."""
        self._seen.add(entry.load_id)
        self.last_id = max(self.last_id, entry.load_id)
        if isinstance(entry, Compaction):
            for path in entry.replaced:
                del self.files[path]
                self.replaced[path] = entry.loaded_at
            self.files[entry.file] = DataFile(entry.file, entry.table, entry.source, entry.month, entry.load_ids)
            return
        self.loads[entry.load_id] = entry
        self.standing.add(entry)
        for path in entry.files:
            month = month_of_path(path)
            if month:
                self.files[path] = DataFile(path, entry.table, entry.source, month, (entry.load_id,))

    def as_of(self, instant: datetime) -> Standing:
        """The standing as it was known at ``instant``."""
        return Standing.of(load for load in self.loads.values() if load.loaded_at <= instant)

    def quarantine_files(self) -> list[str]:
        return [path for load in self.loads.values() for path in load.files if not month_of_path(path)]

    def _read_compact(self, folder: Path) -> None:
        for row in pq.read_table(folder / "loads.parquet").to_pylist():
            load = _load_from_row(row)
            self.loads[load.load_id] = load
            self.standing.add(load)
        for row in pq.read_table(folder / "files.parquet").to_pylist():
            replaced_at = row.pop("replaced_at")
            if replaced_at is None:
                self.files[row["path"]] = DataFile(**{**row, "load_ids": tuple(row["load_ids"])})
            else:
                self.replaced[row["path"]] = replaced_at
        self.last_id = folder.name.removeprefix("compact-")

    def fold(self, scratch: Path, *, lake_root: Path, checkpoint: Callable[[str], None]) -> None:
        """Write the whole state as one compact manifest, then drop the entries that it stands for.

        Args:
            scratch: An empty folder on the same file system; it becomes the compact manifest.
        """
        if not self._seen:
            self._drop_folded()
            return
        replaced = {path: at for path, at in self.replaced.items() if (lake_root / path).exists()}
        written = [scratch / "loads.parquet", scratch / "files.parquet"]
        pq.write_table(_loads_table(self.loads.values()), written[0], compression="zstd")
        pq.write_table(_files_table(self.files.values(), replaced), written[1], compression="zstd")
        fsync_files(written)
        checkpoint("fold written")
        name = f"compact-{self.last_id}"
        rename_durable(scratch, self.folder / name)
        checkpoint("fold renamed")
        self._drop_folded()
        self._forget()

    def _drop_folded(self) -> None:
        names = (path.name for path in self.folder.iterdir())
        current = max((name for name in names if _COMPACT_NAME.fullmatch(name)), default="")
        folded_until = current.removeprefix("compact-")
        for path in sorted(self.folder.iterdir()):
            if path.suffix == ".json" and path.stem <= folded_until:
                path.unlink()
            elif _COMPACT_NAME.fullmatch(path.name) and path.name < current:
                shutil.rmtree(path)


_INSTANT = pa.timestamp("us", tz="UTC")
_LOAD_COLUMNS: dict[str, pa.DataType] = {
    **{name: pa.string() for name in ("load_id", "source", "stream", "table", "kind", "account_id")},
    **{name: pa.date32() for name in ("window_start", "window_end")},
    "loaded_at": _INSTANT,
    **{name: pa.int64() for name in ("row_count", "rows_received", "rows_admitted")},
    **{name: pa.int64() for name in ("rows_quarantined", "rows_duplicate")},
    **{name: pa.string() for name in ("content_sha256", "file_name")},
    **{name: pa.list_(pa.string()) for name in ("files", "replaces")},
}
_DAY_COLUMNS: dict[str, pa.DataType] = {
    "day": pa.date32(),
    "row_count": pa.int64(),
    "content_hash": pa.string(),
    "data_load_id": pa.string(),
}


def _loads_table(loads: Iterable[Load]) -> pa.Table:
    """One row per load. Days are parallel lists, which read several times faster than a list of structs."""
    loads = list(loads)
    columns = {name: pa.array([getattr(load, name) for load in loads], type_) for name, type_ in _LOAD_COLUMNS.items()}
    for name, type_ in _DAY_COLUMNS.items():
        values = [[getattr(day, name) for day in load.days] for load in loads]
        columns[f"days_{name}"] = pa.array(values, pa.list_(type_))
    return pa.table(columns)


def _load_from_row(row: dict[str, Any]) -> Load:
    days = zip(*(row.pop(f"days_{name}") for name in _DAY_COLUMNS), strict=True)
    return Load(
        **{
            **row,
            "kind": kind_of(row["table"], row["kind"]),
            "days": tuple(LoadDay(*day) for day in days),
            "files": tuple(row["files"]),
            "replaces": tuple(row["replaces"]),
        }
    )


def _files_table(files: Iterable[DataFile], replaced: dict[str, datetime]) -> pa.Table:
    rows = [{**asdict(file), "replaced_at": None} for file in files]
    gone = {"table": "", "source": "", "month": "", "load_ids": []}
    rows += [{"path": path, **gone, "replaced_at": at} for path, at in replaced.items()]
    columns = {**{item.name: pa.string() for item in fields(DataFile)}, "load_ids": pa.list_(pa.string())}
    schema = pa.schema({**columns, "replaced_at": _INSTANT})
    return pa.Table.from_pylist(rows, schema=schema)
