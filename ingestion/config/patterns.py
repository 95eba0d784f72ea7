"""Match cells of the attribution rules, compiled to SQL LIKE patterns with a backslash as escape."""

from __future__ import annotations

import json
import re

_LIKE_PART = re.compile(r"\\?.", re.DOTALL)
_LIKE_SPECIAL = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


def compile_pattern(cell: str) -> str:
    r"""LIKE pattern of one match cell.

    ``exact text`` matches itself, ``prefix:abc`` what begins with it, ``glob:a*c?`` with ``*`` for any text and ``?``
    for one character. ``%``, ``_`` and ``\`` have no special meaning in a cell.

    Raises:
        ValueError: a prefix or a glob without a text.
    """
    kind, colon, text = cell.partition(":")
    if not colon or kind not in ("prefix", "glob"):
        return _escape(cell)
    if not text:
        raise ValueError(f"{cell!r} has no text to match")
    if kind == "prefix":
        return _escape(text) + "%"
    return _escape(text).replace("*", "%").replace("?", "_")


def compile_tags(cell: str) -> str:
    """JSON object of tag name to LIKE pattern, keys sorted, of a cell ``key=pattern;key2=pattern``.

    Raises:
        ValueError: a part is not ``key=pattern``, or a key comes twice.
    """
    patterns: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in cell.split(";"))):
        key, equals, pattern = (text.strip() for text in part.partition("="))
        if not (key and equals and pattern):
            raise ValueError(f"{part!r} is not of the form key=pattern")
        if key in patterns:
            raise ValueError(f"the tag {key!r} comes twice")
        patterns[key] = compile_pattern(pattern)
    return json.dumps(patterns, sort_keys=True, ensure_ascii=False)


def _escape(text: str) -> str:
    return text.translate(_LIKE_SPECIAL)


def contains(wide: str, narrow: str) -> bool:
    """Whether a LIKE pattern matches everything that another one matches.

    A wildcard of the narrow pattern can stand for anything, so only a wildcard of the wide one answers for it.
    """
    wide_parts, narrow_parts = _LIKE_PART.findall(wide), _LIKE_PART.findall(narrow)
    # reachable: how many parts of the narrow pattern the wide one may have used up so far.
    reachable = {0}
    for part in wide_parts:
        if part == "%":
            reachable = set(range(min(reachable), len(narrow_parts) + 1))
            continue
        reachable = {
            at + 1
            for at in reachable
            if at < len(narrow_parts) and (narrow_parts[at] == part or (part == "_" and narrow_parts[at] != "%"))
        }
        if not reachable:
            return False
    return len(narrow_parts) in reachable
