"""How a load is whole or was never there.

A load is written in this order, and every step can be the last one before a crash:

1. the intent, so that whoever writes next knows what to clean up;
2. the data files, which nobody reads yet;
3. the manifest entry, by an atomic rename: from here on the load counts;
4. the intent is dropped.

A load without its manifest entry never happened; its files are removed by the next writer.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import duckdb

from ingestion.lake.entries import Compaction, Load, next_load_id, to_json
from ingestion.lake.files import disk_error, exclusive_lock, fsync_path, make_folder, rename_durable
from ingestion.lake.manifest import Manifest
from ingestion.records import Stream

_FOLD_AFTER_ENTRIES = 256


def ignore_step(step: str) -> None:
    """Go on: nobody watches the steps."""


def quarantine_path(root: Path, source: str, load_id: str) -> Path:
    return root / source / "_quarantine" / f"{load_id}.parquet"


class Journal:
    """Writes to one lake, one writer at a time."""

    def __init__(
        self,
        root: Path,
        manifest: Manifest,
        clock: Callable[[], datetime],
        *,
        lock_timeout_seconds: float,
        checkpoint: Callable[[str], None],
    ) -> None:
        self._root = root
        self._manifest = manifest
        self._clock = clock
        self._lock_timeout_seconds = lock_timeout_seconds
        self._checkpoint = checkpoint
        self._threads = threading.RLock()
        self._pending_folder = root / "_pending"

    @contextmanager
    def writing(self) -> Iterator[None]:
        """The writer lock, with the leftovers of a killed writer removed and the manifest up to date.

        Raises:
            LakeError: another writer held the lock for too long, the manifest is damaged, or the disk is full.
        """
        try:
            with self._locked():
                yield
        except (OSError, duckdb.Error) as error:
            disk = disk_error(error, self._root)
            if disk is None:
                raise
            raise disk from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._threads, exclusive_lock(self._root / "_lock", timeout_seconds=self._lock_timeout_seconds):
            make_folder(self._manifest.folder)
            make_folder(self._pending_folder)
            self._manifest.refresh()
            for folder in sorted(self._pending_folder.iterdir()):
                self._recover(folder)
            if self._manifest.loose_count >= _FOLD_AFTER_ENTRIES:
                self.fold()
            yield

    def current(self) -> Manifest:
        """The manifest with everything that any process has completed by now."""
        with self._threads:
            self._manifest.refresh()
            return self._manifest

    def next_id(self, *identity: object) -> tuple[str, datetime]:
        """Id and instant of the load that is about to be written."""
        digest = hashlib.sha256(repr(identity).encode()).hexdigest()
        return next_load_id(self._manifest.last_id, self._clock(), digest)

    @contextmanager
    def pending(self, load_id: str, source: str, stream: Stream) -> Iterator[Path]:
        """A scratch folder that also says what is being written. An error undoes the write at once."""
        folder = self._pending_folder / load_id
        folder.mkdir()
        # Not forced to disk: what a machine leaves behind that lost its power is never read, only not tidied up.
        (folder / "intent.json").write_text(json.dumps({"source": source, "stream": stream.name}), encoding="utf-8")
        self._checkpoint("intent written")
        try:
            yield folder
        except Exception:
            self._recover(folder)
            raise
        shutil.rmtree(folder)
        self._checkpoint("intent dropped")

    def complete(self, entry: Load | Compaction) -> None:
        """Make a pending load or compaction count."""
        temporary = self._pending_folder / entry.load_id / "entry.json"
        temporary.write_text(to_json(entry), encoding="utf-8")
        fsync_path(temporary)
        self._checkpoint("entry written")
        rename_durable(temporary, self._manifest.folder / f"{entry.load_id}.json")
        self._manifest.record(entry)
        self._checkpoint("entry renamed")

    def fold(self) -> None:
        """Make one compact manifest of all entries."""
        scratch = self._pending_folder / "fold"
        scratch.mkdir()
        self._manifest.fold(scratch, lake_root=self._root, checkpoint=self._checkpoint)
        shutil.rmtree(scratch, ignore_errors=True)
        self._manifest.refresh()

    def _recover(self, folder: Path) -> None:
        """Drop an intent, and the files of its load unless the load counts."""
        load_id = folder.name
        if not (self._manifest.folder / f"{load_id}.json").exists():
            for path in self._files_of(load_id, folder / "intent.json"):
                path.unlink()
        shutil.rmtree(folder)

    def _files_of(self, load_id: str, intent: Path) -> list[Path]:
        try:
            content = json.loads(intent.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            # Killed before the intent was whole, and no data file is started before that.
            return []
        months = (self._root / content["source"] / content["stream"]).glob(f"month=*/{load_id}.parquet")
        quarantine = quarantine_path(self._root, content["source"], load_id)
        return [path for path in (*months, quarantine) if path.exists()]
