"""One way to read a configuration CSV: exact header, typed cells, every problem with its line and column."""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from ingestion.config.problems import Problem

FIRST_DAY = date(1, 1, 1)
LAST_DAY = date(9999, 12, 31)
_TOO_LARGE = 10**11

Parser = Callable[[str], Any]


class CellError(ValueError):
    """A cell cannot be read: what is wrong with it, and what to write instead."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what)
        self.what = what
        self.mend = mend


@dataclass(frozen=True)
class Row:
    """One parsed row, and the line on which it begins (the header is line 1)."""

    line: int
    cells: Mapping[str, Any]

    def __getitem__(self, column: str) -> Any:
        return self.cells[column]


@dataclass
class CsvFile:
    """The rows of one file that could be read, and the problems of the others."""

    name: str
    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def report(self, line: int, column: str, what: str, mend: str) -> None:
        self.problems.append(Problem(f"{self.name}:{line} {column}".rstrip(), what, mend))


def read_csv(path: Path, columns: Mapping[str, Parser], optional: Collection[str] = ()) -> CsvFile:
    """Read a file whose header is exactly ``columns`` in any order. A file that is not there has no rows.

    Args:
        optional: Columns that the header may lack, as files from before these columns do; their cells are blank then.
    """
    file = CsvFile(path.name)
    if not path.exists():
        return file
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        file.report(1, "", "the file is not UTF-8", "save it as UTF-8 text")
        return file
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        if not _check_header(file, header, columns, optional):
            return file
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                _read_row(file, line, header, cells, columns)
            line = reader.line_num + 1
    except csv.Error as error:
        file.report(
            reader.line_num, "", f"the line is not CSV: {error}", "close the quotes and separate cells by commas"
        )
    return file


def _check_header(file: CsvFile, header: list[str], columns: Mapping[str, Parser], optional: Collection[str]) -> bool:
    expected = ",".join(columns)
    if len(header) == 1 and set(header[0].split(";")) & set(columns):
        file.report(
            1, "", "the cells are separated by semicolons", "save it with commas, as spreadsheets do for English"
        )
        return False
    for name in header:
        if name not in columns:
            close = difflib.get_close_matches(name, [column for column in columns if column not in header], n=1)
            mend = f"did you mean {close[0]}?" if close else f"the columns are {expected}"
            file.report(1, name, f"there is no column {name!r}", mend)
        elif header.count(name) > 1:
            file.report(1, name, f"the column {name!r} comes twice", "keep one of them")
    for name in columns:
        if name not in header and name not in optional:
            file.report(1, name, f"the column {name!r} is missing", f"the header is {expected}")
    return not file.problems


def _read_row(file: CsvFile, line: int, header: list[str], cells: list[str], columns: Mapping[str, Parser]) -> None:
    if len(cells) != len(header):
        what = f"the line has {len(cells)} cells, the header {len(header)}"
        file.report(line, "", what, "put text with commas in double quotes, and leave no cell out")
        return
    values: dict[str, Any] = {}
    given = dict(zip(header, cells, strict=True))
    for name, parse in columns.items():
        try:
            values[name] = parse(given.get(name, "").strip())
        except CellError as error:
            file.report(line, name, error.what, error.mend)
    if len(values) == len(columns):
        file.rows.append(Row(line, values))


# ---------------------------------------------------------------- cells


def text(cell: str) -> str | None:
    return cell or None


def required_text(cell: str) -> str:
    if not cell:
        raise CellError("the cell is blank", "it is needed")
    return cell


def choice(*allowed: str) -> Parser:
    def parse(cell: str) -> str:
        if cell not in allowed:
            raise CellError(f"{cell!r} is not allowed", f"one of: {', '.join(allowed)}")
        return cell

    return parse


def choice_or(default: str, *others: str) -> Parser:
    """One of the words; the first one where the cell is blank."""
    parse = choice(default, *others)
    return lambda cell: parse(cell or default)


def whole_number(cell: str) -> int:
    if not re.fullmatch(r"[-+]?[0-9]{1,9}", cell):
        raise CellError(f"{cell!r} is not a whole number", "such as 10, with nine digits at most")
    return int(cell)


def hours_or_blank(cell: str) -> int | None:
    """Whole hours, none or more; blank: not said."""
    hours = whole_number(cell) if cell else None
    if hours is not None and hours < 0:
        raise CellError(f"{cell} hours lie in the past", "write 0 or more whole hours, or leave it blank")
    return hours


def decimal(cell: str) -> Decimal:
    """An exact decimal with a point; no exponent, no thousands separators."""
    try:
        number = Decimal(cell)
    except InvalidOperation:
        raise CellError(f"{cell!r} is not a decimal", "write it as 1234.56") from None
    if not number.is_finite() or "e" in cell.lower() or "_" in cell:
        raise CellError(f"{cell!r} is not a decimal", "write it as 1234.56")
    if abs(number) >= _TOO_LARGE:
        raise CellError(f"{cell} is too large to be meant", "amounts below 100,000,000,000 can be computed with")
    return number


def positive_decimal(cell: str) -> Decimal:
    number = decimal(cell)
    if number <= 0:
        raise CellError(f"{cell} is not above zero", "write a positive decimal")
    return number


def decimal_or_blank(cell: str) -> Decimal | None:
    return decimal(cell) if cell else None


def positive_decimal_or_blank(cell: str) -> Decimal | None:
    return positive_decimal(cell) if cell else None


def shares(cell: str) -> str | None:
    """``0.5;0.8;1`` in rising order, kept as text."""
    parts = [positive_decimal(part.strip()) for part in cell.split(";") if part.strip()]
    return ";".join(f"{part:f}" for part in sorted(set(parts))) or None


def names(cell: str) -> str | None:
    """Names separated by ``;``, without blanks around them."""
    return ";".join(part.strip() for part in cell.split(";") if part.strip()) or None


def boolean(cell: str) -> bool:
    known = {"": False, "true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if cell.lower() not in known:
        raise CellError(f"{cell!r} is neither true nor false", "write true or false; blank is false")
    return known[cell.lower()]


def currency(cell: str) -> str:
    if not (len(cell) == 3 and cell.isascii() and cell.isalpha()):
        raise CellError(f"{cell!r} is not a currency", "write its ISO code, such as USD")
    return cell.upper()


def day(cell: str) -> date:
    try:
        if len(cell) != len("2026-01-31"):
            raise ValueError
        return date.fromisoformat(cell)
    except ValueError:
        raise CellError(f"{cell!r} is not a date", "write it as 2026-01-31") from None


def first_day(cell: str) -> date:
    return day(cell) if cell else FIRST_DAY


def last_day(cell: str) -> date:
    return day(cell) if cell else LAST_DAY
