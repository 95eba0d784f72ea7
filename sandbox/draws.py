"""Random numbers that belong to a day, and identifiers made from counters: both repeat exactly, however days are
chunked."""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def day_uniforms(seed: int, day: date, columns: int, rows: int, stream: int = 0) -> Floats:
    """Uniform numbers in [0, 1) of one day, ``columns`` by ``rows``; ``stream`` separates independent uses."""
    return np.random.default_rng([seed, day.toordinal(), stream]).random((columns, rows))


def normal(first: Floats, second: Floats) -> Floats:
    """Standard normal numbers from two columns of uniforms (Box and Muller)."""
    return np.asarray(np.sqrt(-2.0 * np.log1p(-first)) * np.cos(2.0 * np.pi * second))


def mix(*parts: npt.ArrayLike) -> Hashes:
    """A 64-bit hash of integers, element by element (splitmix64)."""
    state: Hashes = np.array([0x5851F42D4C957F2D], dtype=np.uint64)
    with np.errstate(over="ignore"):
        for part in parts:
            state = _scramble(np.bitwise_xor(state, _as_hash(part)) + _GOLDEN)
    return state


def _as_hash(part: npt.ArrayLike) -> Hashes:
    values = np.asarray(part)
    return values if values.dtype == np.uint64 else values.astype(np.int64).astype(np.uint64)


def _scramble(state: Hashes) -> Hashes:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def unit_interval(hashes: Hashes) -> Floats:
    """Hashes as uniform numbers in [0, 1)."""
    return np.asarray((hashes >> np.uint64(11)).astype(np.float64) / float(1 << 53))


def hex_text(*words: Hashes) -> pa.Array:
    """Sixteen hexadecimal digits for each word, joined: one text for each element."""
    block = np.stack(words, axis=1).astype(">u8").tobytes().hex().encode()
    width = 16 * len(words)
    return pa.Array.from_buffers(
        pa.string(),
        len(words[0]),
        [None, pa.py_buffer(np.arange(0, len(block) + 1, width, dtype=np.int32)), pa.py_buffer(block)],
    )


def decimals(values: Ints, scale: int, precision: int = 18) -> pa.Array:
    """Whole numbers of 10**-scale as exact decimals."""
    words = np.empty((len(values), 2), dtype=np.int64)
    words[:, 0] = values
    words[:, 1] = np.where(values < 0, -1, 0)
    return pa.Array.from_buffers(pa.decimal128(precision, scale), len(values), [None, pa.py_buffer(words)])
