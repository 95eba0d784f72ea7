"""The decompressed bytes of a log file, hashed while they stream by."""

from __future__ import annotations

import codecs
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from ingestion.errors import TokenAtlasError
from ingestion.logs.errors import LogFileError

BLOCK_BYTES = 8 << 20
_MAGIC = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}
_SUFFIXES = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd"}
_UNREADABLE_MAGIC = {"bzip2": b"BZh", "xz": b"\xfd7zXZ\x00", "a zip archive": b"PK\x03\x04", "LZ4": b"\x04\x22\x4d\x18"}
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

Batch = TypeVar("Batch")


class Content:
    """One file, read once.

    Attributes:
        name: What the file is called in messages and tables.
        error: Why it could not be read to its end. The engine that pulls the batches says it less well.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.name = name
        self._hash = hashlib.sha256()
        self._compression = self._find_compression()
        self._is_exhausted = False
        self.error: TokenAtlasError | None = None

    def _find_compression(self) -> str | None:
        named = _SUFFIXES.get(self.path.suffix.lower())
        with self._reported(), self.path.open("rb") as file:
            start = file.read(6)
        found = next((kind for kind, magic in _MAGIC.items() if start.startswith(magic)), None)
        if named is not None and found != named:
            raise LogFileError(
                f"The file is not {named}, although its name says so" if start else "The file is empty",
                where=self.name,
                mend="Copy it again from where it was written.",
            )
        for kind, magic in _UNREADABLE_MAGIC.items():
            if start.startswith(magic):
                raise LogFileError(
                    f"The file is {kind}, which is not read",
                    where=self.name,
                    mend="Unpack it, or compress it with gzip or zstd.",
                )
        if start.startswith(_UTF16):
            raise LogFileError("The file is UTF-16 text", where=self.name, mend="Save it as UTF-8.")
        return found

    def blocks(self) -> Iterator[bytes]:
        """The content in pieces of about ``BLOCK_BYTES``.

        Raises:
            LogFileError: the compressed data is damaged or cut off.
        """
        with self._reported(), pa.input_stream(str(self.path), compression=self._compression) as stream:
            while block := stream.read(BLOCK_BYTES):
                self._hash.update(block)
                yield block
        self._is_exhausted = True

    def watched(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """The same batches; what goes wrong on the way is kept in ``error``."""
        try:
            yield from batches
        except TokenAtlasError as error:
            self.error = error
            raise

    def sha256(self) -> str:
        """Hash of the whole content; reads what has not been read."""
        if not self._is_exhausted:
            self._hash = hashlib.sha256()
            for _ in self.blocks():
                pass
        return self._hash.hexdigest()

    def _reported(self) -> _ReadErrors:
        return _ReadErrors(self.name)


class _ReadErrors:
    """Turns what the operating system and the decompressors raise into an error that names the file."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError):
            raise LogFileError(
                f"The file cannot be read: {error}",
                where=self._name,
                mend="It is damaged or cut off; copy it again from where it was written.",
            ) from error


class ReadableContent(io.RawIOBase):
    """The content as a file object of valid UTF-8; bytes that are not become U+FFFD."""

    def __init__(self, content: Content) -> None:
        self._texts = _valid_utf8(content.blocks())
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            block = next(self._texts, None)
            if block is None:
                return 0
            self._rest = block
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def _valid_utf8(blocks: Iterator[bytes]) -> Iterator[bytes]:
    decode = codecs.getincrementaldecoder("utf-8-sig")(errors="replace").decode
    for block in blocks:
        yield decode(block).encode()
    yield decode(b"", final=True).encode()
