"""Durable files: what is on disk after these functions return survives a crash of the process and of the machine."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.errors import LakeError

_LOCK_POLL_SECONDS = 0.05
_DISK_SIGNS = ("No space left", "File too large", "Disk quota exceeded", "Read-only file system", "Could not write")


def fsync_path(path: Path) -> None:
    """Force a file's bytes, or a folder's names, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, so that files forced to disk in it can be found again."""
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(exist_ok=True)
        fsync_path(path.parent)


def fsync_files(paths: Iterable[Path]) -> None:
    """Force files and their names to disk."""
    folders: set[Path] = set()
    for path in paths:
        fsync_path(path)
        folders.add(path.parent)
    for folder in folders:
        fsync_path(folder)


def rename_durable(source: Path, target: Path) -> None:
    """Move a file or folder within one file system: afterwards either all of it is at ``target``, or nothing."""
    source.rename(target)
    fsync_path(target.parent)


def replace_parquet(path: Path, table: pa.Table) -> None:
    """Write a Parquet file in one step: readers see the old file or the new one, never a part.

    It is not forced to disk: made for files that the next run can make again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    pq.write_table(table, temporary, compression="zstd")
    temporary.replace(path)


def disk_error(error: Exception, where: Path) -> LakeError | None:
    """The error for the user, if writing failed because of the disk and not because of what was written."""
    text = str(error).splitlines()[0]
    is_of_disk = isinstance(error, OSError) or any(sign in text for sign in _DISK_SIGNS)
    if not is_of_disk:
        return None
    return LakeError(
        f"the disk did not take what was to be written: {text}",
        where=str(where),
        mend="make room or mend the permissions, then run again; nothing of this load counts, earlier ones do",
    )


@contextmanager
def exclusive_lock(path: Path, *, timeout_seconds: float) -> Iterator[None]:
    """Hold the one writer lock of a lake. The kernel drops it when the process ends, however it ends.

    Raises:
        LakeError: another writer held it for longer than ``timeout_seconds``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        deadline = time.monotonic() + timeout_seconds
        while not _try_lock(descriptor):
            if time.monotonic() >= deadline:
                holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
                raise LakeError(
                    f"the lake is being written by process {holder}",
                    where=str(path),
                    mend="wait for that run to end, or stop it, then run again",
                )
            time.sleep(_LOCK_POLL_SECONDS)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
