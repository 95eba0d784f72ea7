"""Keyed hashes of prompts: equal inputs stay equal, and nobody who sees the hash can try texts until one fits.

The key is the variable ``TOKENATLAS_HASH_KEY``; without it, a random one that is made once and kept in the home, in a
file that only its owner may read. Hashes of different keys never match: a home that loses its key still counts every
request, and only does not see that a prompt of before is repeated after. ADR 22.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import duckdb

from ingestion.errors import ConfigError

KEY_VARIABLE = "TOKENATLAS_HASH_KEY"
KEY_FILE = "hash_key"
SHORTEST_KEY = 16
HASH_LENGTH = 32
"""Hexadecimal digits that are kept: 128 bits."""

_BLOCK_BYTES = 64
_NOTHING = ("", "{}", "[]", "null", '""')
"""Gateways that keep no prompts write these in their place; as texts they would all be one prompt."""


def hash_key(home: Path, environment: Mapping[str, str] = os.environ) -> bytes:
    """The key of a home; made on first use.

    Raises:
        ConfigError: the variable or the file holds a text too short to be a key.
    """
    given = environment.get(KEY_VARIABLE, "").strip()
    path = home / KEY_FILE
    text = given or _kept_key(path)
    if len(text) < SHORTEST_KEY:
        raise ConfigError(
            f"The key for hashes of prompts has fewer than {SHORTEST_KEY} characters",
            where=KEY_VARIABLE if given else str(path),
            mend="Write a long random text, such as that of `openssl rand -hex 32`"
            + ("." if given else ", or delete the file: a new key is made, whose hashes match no earlier one."),
        )
    return text.encode()


def _kept_key(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_suffix(f".{os.getpid()}.tmp")
        scratch.touch(0o600)
        scratch.write_text(secrets.token_hex(32) + "\n", "utf-8")
        try:
            # Unlike a rename, a link fails where another process was first: both then read the same key.
            os.link(scratch, path)
        except FileExistsError:
            pass
        finally:
            scratch.unlink()
    return path.read_text("utf-8").strip()


def create_keyed_hash(connection: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """Give a connection ``keyed_hash(text)``: the start of the HMAC-SHA256 of a text, null where there is none."""
    padded = (hashlib.sha256(key).digest() if len(key) > _BLOCK_BYTES else key).ljust(_BLOCK_BYTES, b"\0")
    inner, outer = (bytes(byte ^ pad for byte in padded).hex() for pad in (0x36, 0x5C))
    nothing = ", ".join(f"'{word}'" for word in _NOTHING)
    connection.execute(
        f"create temp macro keyed_hash(found) as case when found not in ({nothing}) then left(sha256("
        f"unhex('{outer}') || unhex(sha256(unhex('{inner}') || encode(found)))), {HASH_LENGTH}) end"
    )
