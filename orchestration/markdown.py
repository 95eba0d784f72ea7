"""Rows as Markdown, for the metadata of assets."""

from __future__ import annotations

from collections.abc import Sequence


def markdown_table(names: Sequence[str], rows: Sequence[tuple[object, ...]]) -> str:
    """Rows as a Markdown table; columns that are null in all of them are left out."""
    kept = [index for index in range(len(names)) if any(row[index] is not None for row in rows)]
    head = "| " + " | ".join(names[index] for index in kept) + " |"
    body = ["| " + " | ".join(_cell(row[index]) for index in kept) + " |" for row in rows]
    return "\n".join([head, "|" + "---|" * len(kept), *body])


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return (text[:57] + "..." if len(text) > 60 else text).replace("|", "\\|").replace("\n", " ")
