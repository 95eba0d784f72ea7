"""From received rows to the rows of the lake: conformed, placed on a day, and hashed by day."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from ingestion.errors import LakeError
from ingestion.records import Stream

NO_DAY = date(1970, 1, 1)
"""Day of rows that belong to no day: snapshots and listings."""

LAKE_FIELDS = (
    pa.field("_load_id", pa.string(), nullable=False),
    pa.field("_loaded_at", pa.timestamp("us", tz="UTC"), nullable=False),
    pa.field("_day", pa.date32(), nullable=False),
)

EMPTY_HASH = hashlib.sha256(b"").hexdigest()
"""Content hash of a day without a row."""


def month_of_day(day: date) -> str:
    """``YYYY-MM``, with four digits of year also before the year 1000 (which ``strftime`` does not pad)."""
    return day.isoformat()[:7]


def conform(stream: Stream, rows: pa.Table) -> pa.Table:
    """Rows in exactly the schema of their record.

    Raises:
        LakeError: a column is missing, unknown, of another type, or null where the record has no null.
    """
    schema = stream.schema
    missing = [name for name in schema.names if name not in rows.column_names]
    unknown = [name for name in rows.column_names if name not in schema.names]
    if missing or unknown:
        raise LakeError(
            f"columns differ from the record: missing {missing}, unknown {unknown}",
            where=stream.table,
            mend=f"build the rows with ingestion.records.to_arrow({stream.record.__name__}, ...)",
        )
    for field in schema:
        nulls = rows.column(field.name).null_count
        if nulls and not field.nullable:
            raise LakeError(f"{nulls} rows lack {field.name}", where=stream.table)
    try:
        return rows.select(schema.names).cast(schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        raise LakeError(f"a column does not fit its type: {error}", where=stream.table) from error


def day_column(stream: Stream, rows: pa.Table) -> pa.Array:
    """UTC day of each row, or 1970-01-01 for streams without days."""
    if not stream.day_column:
        return pa.repeat(pa.scalar(NO_DAY, pa.date32()), rows.num_rows)
    values = rows.column(stream.day_column).combine_chunks()
    if pa.types.is_timestamp(values.type):
        # Through the zoneless type: it keeps the UTC reading and needs no time zone database.
        values = values.cast(pa.timestamp("us"))
    return values.cast(pa.date32(), safe=False)


def stamp(rows: pa.Table, days: pa.Array, *, load_id: str, loaded_at: datetime) -> pa.Table:
    """Rows with the lake's own columns, in the order of their days."""
    values = (
        pa.repeat(pa.scalar(load_id), rows.num_rows),
        pa.repeat(pa.scalar(loaded_at, LAKE_FIELDS[1].type), rows.num_rows),
        days,
    )
    for field, value in zip(LAKE_FIELDS, values, strict=True):
        rows = rows.append_column(field, value)
    return rows.take(pc.sort_indices(days))


def split_by_day(rows: pa.Table, days: pa.Array) -> Iterator[tuple[date, pa.Table]]:
    """The rows of each day that has any, in the order of the days."""
    order = pc.sort_indices(days)
    counts = pc.value_counts(days.take(order))
    rows = rows.take(order)
    offset = 0
    for entry in counts:
        count = entry["counts"].as_py()
        yield entry["values"].as_py(), rows.slice(offset, count)
        offset += count


def content_hash(rows: pa.Table) -> str:
    """Hash of a multiset of rows: the order of rows does not matter, their number does.

    Nulls add nothing, so a new column that is null everywhere leaves the hash of old rows as it was.
    """
    return _hash_of(_row_texts(rows))


def day_hashes(rows: pa.Table, days: pa.Array) -> dict[date, str]:
    """Content hash of each day that has rows."""
    texts = pa.table({"text": _row_texts(rows)})
    return {day: _hash_of(part.column("text")) for day, part in split_by_day(texts, days)}


def _row_texts(rows: pa.Table) -> pa.ChunkedArray:
    parts = [_tagged_text(name, rows.column(name)) for name in rows.column_names]
    return pc.binary_join_element_wise(*parts, "", null_handling="replace", null_replacement="")


def _hash_of(texts: pa.ChunkedArray) -> str:
    digest = hashlib.sha256()
    for text in sorted(texts.to_pylist()):
        digest.update(f"{len(text)}:{text}".encode())
    return digest.hexdigest()


def _tagged_text(name: str, values: pa.ChunkedArray) -> pa.ChunkedArray:
    """``name=length:value;`` of each value, null where it is null; the length keeps any two rows apart."""
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    elif pa.types.is_date(values.type):
        values = values.cast(pa.int32())
    text = values.cast(pa.string())
    length = pc.utf8_length(text).cast(pa.string())
    return pc.binary_join_element_wise(name, "=", length, ":", text, ";", "", null_handling="emit_null")
