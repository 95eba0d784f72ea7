"""A memory of which content stood at which path, so that thousands of landed files are not hashed on every run.

It is derived: deleting it costs one hashing of the files. The lake alone decides what is landed.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Self

_FILE_NAME = "known_log_files.json"


class KnownFiles:
    """Path, size and time of change → content hash."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known = _load(file)

    @classmethod
    def beside(cls, lake_root: Path) -> Self:
        """The memory of a lake, a file in the folder that the lake is in."""
        return cls(lake_root.parent / _FILE_NAME)

    def sha256_of(self, path: Path) -> str | None:
        """Content hash of a file that has not changed since it was remembered, else null."""
        return self._known.get(file_key(path))

    def remember(self, key: str, sha256: str) -> None:
        """Remember the content of the file that had this ``file_key`` before it was read."""
        self._known[key] = sha256

    def save(self) -> None:
        """Remember it for later processes; where the disk does not take it, they hash the files again."""
        # Another process may have saved since, and may be saving now.
        self._known = {**_load(self._file), **self._known}
        scratch = self._file.with_suffix(f".{os.getpid()}.tmp")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            scratch.write_text(json.dumps(self._known, indent=0, sort_keys=True), "utf-8")
            scratch.replace(self._file)
        except OSError:
            scratch.unlink(missing_ok=True)


def file_key(path: Path) -> str:
    """Path, size and time of change, the same by whatever way the path leads there; empty sizes if it is gone."""
    place = path.resolve()
    try:
        stat = place.stat()
    except OSError:
        return f"{place}||"
    return f"{place}|{stat.st_size}|{stat.st_mtime_ns}"


def _load(file: Path) -> dict[str, str]:
    try:
        known = json.loads(file.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
