"""Paths into a row (``usage.prompt_tokens``, ``choices[-1].index``, ``metadata => team``) and their SQL."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_STEP = re.compile(r'\.?(?:"(?P<quoted>[^"]+)"|(?P<key>[^.\[\]"]+)|\[(?P<index>-?\d+)\])')


@dataclass(frozen=True)
class Path:
    """Where a value is found in a row.

    Attributes:
        text: The path as the user wrote it.
        hops: One list of steps for each JSON document on the way; every hop after the first parses the text that the
            one before it found. A step is a key or an array index (negative: from the end).
    """

    text: str
    hops: tuple[tuple[str | int, ...], ...]


def parse_path(text: str) -> Path:
    """Read a path.

    Raises:
        ValueError: the path is empty, or something in it is neither a key nor an index.
    """
    return Path(text, tuple(_parse_hop(part.strip(), text) for part in text.split("=>")))


def _parse_hop(part: str, whole: str) -> tuple[str | int, ...]:
    steps: list[str | int] = []
    position = 0
    while position < len(part):
        match = _STEP.match(part, position)
        if match is None or (position > 0 and match["index"] is None and not match[0].startswith(".")):
            raise ValueError(f"cannot read the path {whole!r} at {part[position:]!r}")
        steps.append(int(match["index"]) if match["index"] is not None else match["quoted"] or match["key"])
        position = match.end()
    if not steps:
        raise ValueError(f"the path {whole!r} is empty")
    return tuple(steps)


def names_in(paths: Iterable[Path]) -> frozenset[str]:
    """Every key on the way, and the names with dots that columns and attributes of spans have."""
    names: set[str] = set()
    for path in paths:
        for hop in path.hops:
            steps = [str(step) for step in hop]
            names.update(steps)
            names.update(".".join(steps[:size]) for size in range(2, len(steps) + 1))
    return frozenset(names)


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def json_path(steps: tuple[str | int, ...]) -> str:
    """Steps in DuckDB's JSON path syntax, where ``[#-1]`` is the last element."""
    path = "$"
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]" if step >= 0 else f"[#{step}]"
        else:
            path += '."' + step.replace('"', '\\"') + '"'
    return path


def extract_parsed(text_sql: str, steps: tuple[str | int, ...]) -> str:
    """SQL for a value inside JSON text that may be no JSON at all; null then."""
    return f"case when json_valid({text_sql}) then json_extract_string({text_sql}, {literal(json_path(steps))}) end"
