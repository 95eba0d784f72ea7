"""Exports: the published tables as Parquet or CSV files for tools that read neither DuckDB nor a folder of parts.

An export is one folder with one file a table and `manifest.json`. It appears whole or not at all: it is written beside
its place and renamed. docs/bi-tools.md says how values are written in CSV, and why.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import duckdb

from ingestion.errors import TokenAtlasError
from orchestration.warehouse import reading

MANIFEST = "manifest.json"

_UNFINISHED = ".unfinished"
_REPLACED = ".replaced"


class Format(StrEnum):
    PARQUET = "parquet"
    CSV = "csv"


@dataclass(frozen=True)
class CsvStyle:
    """How text is made safe or readable for spreadsheets. Both lose nothing for a reader that knows of them.

    Attributes:
        byte_order_mark: Begin each file with one, without which Excel does not see that it is UTF-8.
        escape_formulas: Put an apostrophe before text that a spreadsheet would run: names of features, customers and
            models come from users and providers. Numbers and dates are never touched.
    """

    byte_order_mark: bool = False
    escape_formulas: bool = True


@dataclass(frozen=True)
class ExportedTable:
    """One file. ``escaped_count``: values that got an apostrophe; remove it to have the original."""

    name: str
    file: str
    row_count: int
    byte_count: int
    sha256: str
    escaped_count: int
    columns: list[dict[str, str]]


def export_tables(
    published: Path,
    folder: Path,
    file_format: Format,
    *,
    tables: Sequence[str] = (),
    style: CsvStyle | None = None,
) -> list[ExportedTable]:
    """Writes the published tables of one publication into a folder, replacing an earlier export there.

    Args:
        published: The published DuckDB file.
        folder: Where the files go; it must not exist, be empty, or hold an earlier export.
        tables: Names with or without schema; none means all.
        style: Of CSV.
    Raises:
        TokenAtlasError: nothing is published, a table is unknown, or the folder holds something else.
    """
    style = style or CsvStyle()
    _check_folder(folder)
    with reading(published) as connection:
        names = _names(connection, tables)
        ((version,),) = connection.execute("select max(version) from main.publication").fetchall()
        with _replacing(folder) as unfinished:
            exported = [_export(connection, name, unfinished, file_format, style) for name in names]
            _write_manifest(unfinished, exported, version, file_format, style)
    return exported


def _names(connection: duckdb.DuckDBPyConnection, wanted: Sequence[str]) -> list[str]:
    rows = connection.execute("select table_name from main.publication order by table_name").fetchall()
    published = [row[0] for row in rows]
    short = {name.split(".")[1]: name for name in published}
    names = [short.get(name.lower(), name.lower()) for name in wanted]
    unknown = [name for name in names if name not in published]
    if unknown:
        raise TokenAtlasError(
            f"{unknown[0]!r} is not a published table",
            where="--tables",
            mend=f"The published tables are {', '.join(published)}.",
        )
    return sorted(set(names)) or published


def _export(
    connection: duckdb.DuckDBPyConnection, name: str, folder: Path, file_format: Format, style: CsvStyle
) -> ExportedTable:
    columns = connection.execute(f"select column_name, column_type from (describe {name})").fetchall()
    file = folder / f"{name}.{file_format}"
    if file_format is Format.PARQUET:
        escaped = 0
        connection.execute(f"copy (from {name}) to {_text(file)} (format parquet, compression zstd)")
    else:
        escaped = _write_csv(connection, name, columns, file, style)
    ((row_count,),) = connection.execute(f"select count(*) from {name}").fetchall()
    return ExportedTable(
        name,
        file.name,
        row_count,
        file.stat().st_size,
        _sha256(file),
        escaped,
        [{"name": column, "type": kind} for column, kind in columns],
    )


def _write_csv(
    connection: duckdb.DuckDBPyConnection, name: str, columns: list[tuple[str, str]], file: Path, style: CsvStyle
) -> int:
    """One CSV file; returns how many values got an apostrophe.

    Text is always quoted and nothing else ever is, so `""` is empty text and nothing at all is null.
    """
    texts = [column for column, kind in columns if kind == "VARCHAR"]
    expressions = ", ".join(_csv_expression(column, kind, style) for column, kind in columns)
    quoted = ", ".join(_quoted(column) for column in texts)
    options = ["format csv", "header", "nullstr ''"]
    if texts:
        options.append(f"force_quote ({quoted})")
    connection.execute(f"copy (select {expressions} from {name}) to {_text(file)} ({', '.join(options)})")
    if style.byte_order_mark:
        _mark_utf8(file)
    if not (texts and style.escape_formulas):
        return 0
    counts = " + ".join(f"coalesce(count_if({_is_formula(column)}), 0)" for column in texts)
    ((escaped,),) = connection.execute(f"select {counts} from {name}").fetchall()
    return int(escaped)


def _csv_expression(column: str, kind: str, style: CsvStyle) -> str:
    name = _quoted(column)
    if kind == "VARCHAR" and style.escape_formulas:
        return f"case when {_is_formula(column)} then '''' || {name} else {name} end as {name}"
    if kind in ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE"):
        # Instants without a zone are UTC here as well: the periods of FOCUS.
        return f"strftime({name}, '%Y-%m-%dT%H:%M:%S.%fZ') as {name}"
    return name


def _mark_utf8(file: Path) -> None:
    marked = file.with_name(f"{file.name}.marked")
    with file.open("rb") as source, marked.open("wb") as target:
        target.write(codecs.BOM_UTF8)
        shutil.copyfileobj(source, target)
    marked.replace(file)


def _is_formula(column: str) -> str:
    """Text that a spreadsheet would run. A number that is kept as text, such as -0.1, is none."""
    name = _quoted(column)
    number = r"[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?"
    return f"(regexp_matches({name}, '^[=+@\\t\\r-]') and not regexp_full_match({name}, '{number}'))"


def _write_manifest(
    folder: Path, tables: Sequence[ExportedTable], version: str, file_format: Format, style: CsvStyle
) -> None:
    manifest: dict[str, Any] = {"published_version": version, "format": str(file_format)}
    if file_format is Format.CSV:
        manifest["csv"] = {
            "encoding": "UTF-8 with byte order mark" if style.byte_order_mark else "UTF-8",
            "null": "nothing between the commas",
            "empty_text": '""',
            "escaped_formulas": "an apostrophe before them" if style.escape_formulas else "no",
        }
    manifest["tables"] = {
        table.name: {key: value for key, value in vars(table).items() if key != "name"} for table in tables
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _check_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise TokenAtlasError("The target is a file", where=str(folder), mend="Name a folder.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).exists():
        raise TokenAtlasError(
            "The folder holds something that is no export, and an export replaces its folder",
            where=str(folder),
            mend="Name a folder that is new, empty, or an earlier export.",
        )


@contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """A folder beside the target that takes its place when everything in it is written, and vanishes otherwise."""
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.with_name(f".{folder.name}{_UNFINISHED}")
    replaced = folder.with_name(f".{folder.name}{_REPLACED}")
    if replaced.exists() and not folder.exists():
        replaced.rename(folder)  # killed between the two renames below
    for leftover in (unfinished, replaced):
        shutil.rmtree(leftover, ignore_errors=True)
    unfinished.mkdir()
    try:
        yield unfinished
    except BaseException:
        shutil.rmtree(unfinished)
        raise
    if folder.exists():
        folder.rename(replaced)
    unfinished.rename(folder)
    shutil.rmtree(replaced, ignore_errors=True)


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _text(value: str | Path) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
