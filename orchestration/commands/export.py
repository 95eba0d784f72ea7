"""``export``: the published tables as files."""

from __future__ import annotations

from pathlib import Path

from ingestion.settings import Settings
from orchestration.console import console, table
from orchestration.exports import CsvStyle, Format, export_tables


def export_published(folder: Path, file_format: str, tables: str, *, excel: bool, raw: bool) -> None:
    """Exports and prints what was written.

    Raises:
        TokenAtlasError: nothing is published, a table is unknown, or the folder holds something else.
    """
    exported = export_tables(
        Settings.from_environment().published_path,
        folder,
        Format(file_format),
        tables=[name.strip() for name in tables.split(",") if name.strip()],
        style=CsvStyle(byte_order_mark=excel, escape_formulas=not raw),
    )
    rows = [[one.name, f"{one.row_count:,}", f"{one.byte_count:,}"] for one in exported]
    console.print(table(f"Exported to {folder}", ["table", "rows", "bytes"], rows, right=[1, 2]))
    escaped = sum(one.escaped_count for one in exported)
    if escaped:
        console.print(f"{escaped:,} texts that begin like a formula got an apostrophe; --raw leaves them as they are.")
