"""Files as relations in DuckDB: one row each, with a text for every path that a mapping needs.

Every reader gives the columns ``line`` (of the decompressed file, from 1), ``item`` (within the line, where a line
holds several rows), ``problem`` (why the row cannot be read, or null), ``raw`` (for refused rows) and the slots.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

from ingestion.logs import otlp
from ingestion.logs.compiler import Program, Slot
from ingestion.logs.content import Content, ReadableContent
from ingestion.logs.errors import LogFileError
from ingestion.logs.mapping import ID_COLUMN, REQUIRED
from ingestion.logs.paths import extract_parsed, identifier, json_path, literal, parse_path
from ingestion.logs.scrub import is_content_name

_LINE_SCHEMA = pa.schema([("line", pa.int64()), ("problem", pa.string()), ("raw", pa.string())])
_ROWS_A_BATCH = 16_384
_LONGEST_LINE = 128 << 20
_LONGEST_DOCUMENT = 512 << 20

NOT_UTF8 = "The line is not valid UTF-8 text."
NOT_JSON = "The line is not JSON."
NOT_OBJECT = "The line is not a JSON object."
WRONG_WIDTH = "The row has another number of columns than the header."

Progress = Callable[[int], None]


@dataclass
class Tally:
    """Rows that a reader has handed out so far."""

    rows: int = 0
    on_rows: Progress = field(default=lambda _: None)

    def add(self, rows: int) -> None:
        self.rows += rows
        self.on_rows(self.rows)


def open_rows(
    connection: duckdb.DuckDBPyConnection, content: Content, format_: str, program: Program, tally: Tally
) -> str:
    """Make the rows of a file readable on the connection, once, and return the SQL that reads them.

    Raises:
        LogFileError: the file is not of that format, or lacks a mapped column. What only shows while reading is raised
            by the query.
    """
    if format_ == "parquet":
        return _parquet_rows(connection, content, program, tally)
    if format_ == "csv":
        return _csv_rows(connection, content, program, tally)
    return _json_rows(connection, content, program, tally)


# ---------------------------------------------------------------- JSON


def _json_rows(connection: duckdb.DuckDBPyConnection, content: Content, program: Program, tally: Tally) -> str:
    unpack = program.mapping.unpack
    batches = _document(content) if unpack and unpack.document else _lines(content)
    if unpack is None or unpack.each is None:
        batches = _counted(batches, tally)
    connection.register("file_lines", pa.RecordBatchReader.from_batches(_LINE_SCHEMA, content.watched(batches)))
    rows = f"""
        select line, null::bigint as item, raw, null as parent,
            coalesce(problem, case when not json_valid(raw) then {literal(NOT_JSON)}
                when not starts_with(ltrim(raw), '{{') then {literal(NOT_OBJECT)} end) as problem
        from file_lines
    """
    if unpack is not None and unpack.kind == "otlp":
        rows = otlp.span_rows(connection, rows, program.slots.values())
        tally.rows = otlp.count_rows(connection)
    elif unpack is not None and unpack.each is not None:
        rows = _elements(connection, rows, unpack.each)
        tally.rows = _count(connection, "file_elements")
    has_parent = unpack is not None and unpack.each is not None
    return _extracted(rows, list(program.slots.values()), has_parent, program.mapping.null_values)


def _elements(connection: duckdb.DuckDBPyConnection, rows: str, each: str) -> str:
    """One row for every element; a line that cannot be read stays one row. Kept in a table, to be counted."""
    path = literal(json_path(parse_path(each).hops[0]) + "[*]")
    connection.execute(f"""
        create temp table file_elements as
        select line, problem, raw as parent, unnest(elements) as raw, unnest(range(len(elements))) as item
        from (
            select *, case when problem is null then cast(json_extract(raw, {path}) as varchar[]) else [raw] end
                as elements
            from ({rows})
        )
    """)
    return f"""
        select line, item, raw, parent,
            coalesce(problem, case when not starts_with(ltrim(raw), '{{') then {literal(NOT_OBJECT)} end) as problem
        from file_elements
    """


def _extracted(rows: str, slots: list[Slot], has_parent: bool, null_values: tuple[str, ...]) -> str:
    """All paths of a row are found in one pass over its JSON."""
    own = [slot for slot in slots if not (has_parent and slot.path.hops[0][0] == "parent")]
    parents = [slot for slot in slots if slot not in own]
    lists = [_path_list("raw", [json_path(slot.path.hops[0]) for slot in own], "found")]
    lists.append(_path_list("parent", [json_path(slot.path.hops[0][1:]) for slot in parents], "found_parent"))
    columns = [
        f"{_slot_sql(slot, f'{found}[{number}]', null_values)} as {slot.name}"
        for found, members in (("found", own), ("found_parent", parents))
        for number, slot in enumerate(members, start=1)
    ]
    return (
        f"select {', '.join(['line', 'item', 'problem', 'raw', *columns])} "
        f"from (select line, item, problem, raw, {', '.join(filter(None, lists))} from ({rows}))"
    )


def _path_list(text: str, paths: list[str], name: str) -> str:
    if not paths:
        return ""
    return (
        f"case when problem is null then json_extract_string({text}, [{', '.join(map(literal, paths))}]) end as {name}"
    )


def _slot_sql(slot: Slot, found: str, null_values: tuple[str, ...]) -> str:
    sql = _present(found, null_values)
    if slot.is_money and len(slot.path.hops) == 1 and isinstance(slot.path.hops[0][-1], str):
        sql = _present(_exact_number(found, slot.path.hops[0][-1]), null_values)
    for hop in slot.path.hops[1:]:
        sql = _present(extract_parsed(sql, hop), null_values)
    return sql


def _exact_number(found: str, key: str) -> str:
    """The digits as they stand in the file: DuckDB reads JSON numbers as floats.

    The first number under that key is taken, if it is the one that was found.
    """
    pattern = '"' + "".join(c if c.isalnum() or c == "_" else "\\" + c for c in key) + r'"\s*:\s*(-?[0-9][0-9.eE+-]*)'
    digits = f"regexp_extract(raw, {literal(pattern)}, 1)"
    return f"case when try_cast({digits} as double) = try_cast({found} as double) then {digits} else {found} end"


def _present(text: str, null_values: tuple[str, ...]) -> str:
    if not null_values:
        return f"nullif({text}, '')"
    words = ", ".join(map(literal, ("", *null_values)))
    return f"case when {text} not in ({words}) then {text} end"


def _counted(batches: Iterator[pa.RecordBatch], tally: Tally) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        tally.add(batch.num_rows)
        yield batch


def _document(content: Content) -> Iterator[pa.RecordBatch]:
    document = b""
    for block in content.blocks():
        document += block
        if len(document) > _LONGEST_DOCUMENT:
            raise LogFileError(
                f"The JSON document is larger than {_LONGEST_DOCUMENT >> 20} MB",
                where=content.name,
                mend="Write it as JSON lines, or as several files.",
            )
    if document.strip():
        yield _line_batch([1], [_decoded(document)])


def _lines(content: Content) -> Iterator[pa.RecordBatch]:
    """Lines without the blank ones, numbered as in the file. Lines are cut by array arithmetic, not one by one."""
    rest, first_line = b"", 1
    for block in content.blocks():
        data = rest + block
        if first_line == 1 and not rest:
            data = data.removeprefix(b"\xef\xbb\xbf")
        end = data.rfind(b"\n") + 1
        data, rest = data[:end], data[end:]
        if len(rest) > _LONGEST_LINE:
            raise LogFileError(
                f"A line is longer than {_LONGEST_LINE >> 20} MB",
                where=f"{content.name}, after line {first_line}",
                mend="The file may not be JSON lines; check format.",
            )
        yield from _split(data, first_line)
        first_line += data.count(b"\n")
    if rest:
        yield from _split(rest + b"\n", first_line)


def _split(data: bytes, first_line: int) -> Iterator[pa.RecordBatch]:
    if not data:
        return
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == 10)
    offsets = np.concatenate(([0], ends + 1)).astype(np.int32)
    raw = pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets.tobytes()), pa.py_buffer(data))
    lines = pa.array(np.arange(first_line, first_line + len(ends)))
    for start in range(0, len(ends), _ROWS_A_BATCH):
        part, numbers = raw.slice(start, _ROWS_A_BATCH), lines.slice(start, _ROWS_A_BATCH)
        try:
            part.validate(full=True)
        except pa.ArrowInvalid:
            yield _line_batch(numbers, [_decoded(text) for text in part.cast(pa.binary()).to_pylist()])
            continue
        is_text = _is_not_blank(part)
        columns = [numbers, pa.nulls(len(part), pa.string()), part]
        batch = pa.record_batch(columns, schema=_LINE_SCHEMA)
        yield batch.filter(is_text) if not pc.all(is_text).as_py() else batch


def _is_not_blank(lines: pa.Array) -> pa.Array:
    """Only short lines are trimmed to see: a JSON object has at least two characters."""
    if pc.min(pc.binary_length(lines)).as_py() > 3:
        return pa.array(np.ones(len(lines), dtype=bool))
    return pc.not_equal(pc.utf8_trim_whitespace(lines), "")


def _decoded(line: bytes) -> tuple[str, str | None]:
    try:
        return line.decode(), None
    except UnicodeDecodeError:
        return line.decode(errors="replace"), NOT_UTF8


def _line_batch(numbers: object, texts: list[tuple[str, str | None]]) -> pa.RecordBatch:
    raw = pa.array([text for text, _ in texts], pa.string())
    problems = pa.array([problem for _, problem in texts], pa.string())
    batch = pa.record_batch([pa.array(numbers, pa.int64()), problems, raw], schema=_LINE_SCHEMA)
    return batch.filter(pc.not_equal(pc.utf8_trim_whitespace(raw), ""))


# ---------------------------------------------------------------- columns of CSV and Parquet


@dataclass(frozen=True)
class _Table:
    """The columns of one CSV or Parquet file and how a path is read from them.

    Attributes:
        columns: Name in the file → name in SQL (names of files collide in all ways: case, ``line``, twice).
    """

    file_name: str
    columns: dict[str, str]
    as_json: Callable[[str], str]
    as_text: Callable[[str], str]

    def find(self, slot: Slot) -> tuple[str, tuple[str | int, ...]] | None:
        """The column that a path begins with (headers may hold dots), and the steps below it."""
        steps = slot.path.hops[0]
        for size in range(len(steps), 0, -1):
            name = ".".join(str(step) for step in steps[:size])
            if name in self.columns:
                return self.columns[name], steps[size:]
        return None

    def select(self, slots: list[Slot], null_values: tuple[str, ...]) -> Iterator[str]:
        for slot in slots:
            found = self.find(slot)
            sql = "null::varchar" if found is None else self._read(found[0], found[1])
            sql = _present(sql, null_values)
            for hop in slot.path.hops[1:]:
                sql = _present(extract_parsed(sql, hop), null_values)
            yield f"{sql} as {slot.name}"

    def _read(self, column: str, steps: tuple[str | int, ...]) -> str:
        return extract_parsed(self.as_json(column), steps) if steps else self.as_text(column)

    def raw(self) -> str:
        """SQL for a refused row as JSON; columns that may hold content are not read at all."""
        pairs = [f"{literal(name)}, {column}" for name, column in self.columns.items() if not is_content_name(name)]
        return f"json_object({', '.join(pairs)})::varchar"

    def check(self, program: Program) -> None:
        """Raise if a mapped column cannot be filled from this file."""
        present = {slot.path.text for slot in program.slots.values() if self.find(slot) is not None}
        mapping = program.mapping
        must = {*REQUIRED[mapping.table], ID_COLUMN[mapping.table], *mapping.written}
        for layout in mapping.layouts():
            for column, value in layout.items():
                paths = [path.text for path in value.paths()]
                if column in must and paths and value.default is None and not present.intersection(paths):
                    raise LogFileError(
                        f"{column} is mapped to {' or '.join(paths)}, which the file does not have",
                        where=self.file_name,
                        mend=f"Correct the mapping or the file. Columns found: {', '.join(self.columns)}.",
                    )


# ---------------------------------------------------------------- CSV


def _csv_rows(connection: duckdb.DuckDBPyConnection, content: Content, program: Program, tally: Tally) -> str:
    options = program.mapping.csv
    stream = io.BufferedReader(ReadableContent(content), buffer_size=1 << 20)
    header = options.header or _header(stream, content.name, options.delimiter, options.quote)
    columns = {name: f"c{number}" for number, name in enumerate(header)}
    table = _Table(content.name, columns, lambda column: column, lambda column: f"trim({column})")
    table.check(program)
    refused: list[tuple[int, str]] = []
    reader = pa_csv.open_csv(
        stream,
        read_options=pa_csv.ReadOptions(use_threads=False, block_size=4 << 20, column_names=list(options.header or ())),
        parse_options=pa_csv.ParseOptions(
            delimiter=options.delimiter,
            quote_char=options.quote,
            newlines_in_values=True,
            ignore_empty_lines=False,
            invalid_row_handler=lambda row: _refuse(row, refused),
        ),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
        ),
    )
    batches = _csv_batches(reader, refused, 1 if options.header else 2, _safe_part(header, options.delimiter))
    schema = pa.schema([*_LINE_SCHEMA, *((column, pa.string()) for column in columns.values())])
    numbered = (pa.record_batch(batch, schema=schema) for batch in batches)
    watched = content.watched(_counted(numbered, tally))
    connection.register("file_rows", pa.RecordBatchReader.from_batches(schema, watched))
    slots = ", ".join(["", *table.select(list(program.slots.values()), program.mapping.null_values)])
    return (
        f"select line, null::bigint as item, problem, case when problem is null then {table.raw()} else raw end as raw"
        f"{slots} from file_rows"
    )


def _header(stream: io.BufferedReader[ReadableContent], name: str, delimiter: str, quote: str) -> tuple[str, ...]:
    start = stream.peek(1 << 20).decode(errors="replace")
    header = next(csv.reader(io.StringIO(start, newline=""), delimiter=delimiter, quotechar=quote), [])
    if not header:
        raise LogFileError("The file is empty", where=name, mend="A CSV file needs a header line, or csv.header.")
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        raise LogFileError(f"The header names {', '.join(twice)} twice", where=name, mend="Rename one of them.")
    return tuple(header)


def _refuse(row: pa_csv.InvalidRow, refused: list[tuple[int, str]]) -> str:
    refused.append((row.number, row.text))
    return "skip"


def _safe_part(header: tuple[str, ...], delimiter: str) -> Callable[[str], str]:
    """Of a row whose columns cannot be told apart, only what stands before the first column that may hold content."""
    contents = [number for number, column in enumerate(header) if is_content_name(column)]
    if not contents:
        return lambda text: text
    return lambda text: delimiter.join(text.split(delimiter)[: contents[0]])


def _csv_batches(
    reader: pa_csv.CSVStreamingReader, refused: list[tuple[int, str]], record: int, safe_part: Callable[[str], str]
) -> Iterator[list[pa.Array]]:
    """Rows with the line on which each begins: refused rows and line breaks inside quotes are counted as well.

    Blank lines are dropped, and so are rows in which every cell is empty.

    Args:
        refused: Number (as a record of the file, from 1) and text of the rows that the reader refuses while it reads;
            it may be ahead of the batches.
        record: Number of the first record that is data.
    """
    extra = told = 0
    for batch in reader:
        if not batch.num_rows:
            continue
        gaps = np.array([number for number, _ in refused[told:]], dtype=np.int64)
        guesses = np.arange(record, record + batch.num_rows, dtype=np.int64)
        before = np.searchsorted(gaps - np.arange(len(gaps)), guesses, side="right")
        records = guesses + before
        known = refused[told : told + int(before[-1])]
        own_breaks = np.concatenate(([0], np.cumsum(_line_breaks(batch))))
        refused_breaks = np.concatenate(([0], np.cumsum([text.count("\n") for _, text in known]))).astype(np.int64)
        lines = records + extra + own_breaks[:-1] + refused_breaks[before]
        columns = [pa.array(lines), *[pa.nulls(batch.num_rows, pa.string())] * 2, *batch.columns]
        yield [column.filter(_has_cell(batch)) for column in columns]
        if known:
            places = gaps[: len(known)]
            at = places + extra + own_breaks[np.searchsorted(records, places)] + refused_breaks[:-1]
            yield _refused_rows(at, known, batch.num_columns, safe_part)
        record, told = int(records[-1]) + 1, told + len(known)
        extra += int(own_breaks[-1] + refused_breaks[-1])
    if rest := refused[told:]:
        breaks = np.cumsum([0, *(text.count("\n") for _, text in rest[:-1])])
        at = np.array([number for number, _ in rest]) + extra + breaks
        yield _refused_rows(at, rest, len(reader.schema), safe_part)


def _line_breaks(batch: pa.RecordBatch) -> NDArray[np.int64]:
    total = np.zeros(batch.num_rows, dtype=np.int64)
    for column in batch.columns:
        counts = pc.count_substring(column, "\n")
        if pc.max(counts).as_py():
            total += np.asarray(counts)
    return total


def _has_cell(batch: pa.RecordBatch) -> pa.Array:
    has_cell = pc.not_equal(batch.columns[0], "")
    for column in batch.columns[1:]:
        has_cell = pc.or_(has_cell, pc.not_equal(column, ""))
    return has_cell


def _refused_rows(
    lines: NDArray[np.int64], refused: list[tuple[int, str]], width: int, safe_part: Callable[[str], str]
) -> list[pa.Array]:
    return [
        pa.array(lines, pa.int64()),
        pa.array([WRONG_WIDTH] * len(refused), pa.string()),
        pa.array([safe_part(text) for _, text in refused], pa.string()),
        *[pa.nulls(len(refused), pa.string())] * width,
    ]


# ---------------------------------------------------------------- Parquet


def _parquet_rows(connection: duckdb.DuckDBPyConnection, content: Content, program: Program, tally: Tally) -> str:
    try:
        connection.execute(
            "create view file_rows as select * exclude (file_row_number), file_row_number + 1 as file_line "
            f"from read_parquet({literal(str(content.path))}, file_row_number = true, "
            # A folder named like `day=2026-05-01` is no content of the file, and could hide a column of it.
            "hive_partitioning = false)"
        )
        tally.add(_count(connection, "file_rows"))
    except duckdb.Error as error:
        raise LogFileError(
            f"The file is not Parquet, or damaged: {str(error).splitlines()[0]}",
            where=content.name,
            mend="Check format, or copy the file again.",
        ) from error
    rows = "file_rows"
    if program.mapping.prepare is not None:
        rows = "prepared_rows"
        _prepare(connection, program.mapping.prepare, content.name)
    described = connection.execute(f"describe {rows}").fetchall()
    kinds = {identifier(name): kind for name, kind, *_ in described}
    table = _Table(
        content.name,
        {name: identifier(name) for name, *_ in described if name != "file_line"},
        lambda column: f"to_json({column})::varchar",
        lambda column: _parquet_text(column, kinds[column]),
    )
    table.check(program)
    slots = ", ".join(["", *table.select(list(program.slots.values()), program.mapping.null_values)])
    return (
        f"select file_line as line, null::bigint as item, null::varchar as problem, {table.raw()} as raw{slots} "
        f"from {rows}"
    )


def _prepare(connection: duckdb.DuckDBPyConnection, query: str, name: str) -> None:
    try:
        connection.execute(f"create view prepared_rows as {query}")
        connection.execute("select file_line from prepared_rows limit 0")
    except duckdb.Error as error:
        raise LogFileError(
            f"The query prepare does not work on this file: {str(error).splitlines()[0]}",
            where=name,
            mend="It must be one select over file_rows and keep the column file_line.",
        ) from error


def _parquet_text(column: str, kind: str) -> str:
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"strftime({column} at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')"
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP")):
        return f"to_json({column})::varchar"
    return f"{column}::varchar"


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    row = connection.execute(f"select count(*) from {relation}").fetchone()
    return int(row[0]) if row else 0
