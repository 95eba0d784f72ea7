"""Looking into the warehouse, for people: counts, dollars, first rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from ingestion.errors import TokenAtlasError

DOLLAR_COLUMNS = ("list_cost_usd", "billed_cost_usd", "effective_cost_usd", "forecast_cost_usd")


@contextmanager
def reading(file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to a DuckDB file, in UTC.

    Raises:
        TokenAtlasError: the file is not there, or another process is writing it.
    """
    if not file.exists():
        raise TokenAtlasError(
            "There is no such database yet",
            where=str(file),
            mend="Run `tokenatlas run`, which builds and publishes it.",
        )
    try:
        connection = duckdb.connect(str(file), read_only=True)
    except duckdb.IOException as error:
        raise TokenAtlasError(
            f"The database cannot be opened: {error}",
            where=str(file),
            mend="If a run is writing it, wait for the run to end; the published file can be read at any time.",
        ) from error
    try:
        connection.execute("set timezone = 'UTC'; set preserve_insertion_order = false")
        yield connection
    finally:
        connection.close()


@dataclass(frozen=True)
class TableFacts:
    """How much is in a table. ``dollars`` has the sums of its dollar columns, by column; null sums are left out."""

    row_count: int
    dollars: dict[str, Decimal]
    columns: list[str]
    first_rows: list[tuple[object, ...]]


def table_facts(
    connection: duckdb.DuckDBPyConnection, relations: Iterable[tuple[str, str]], preview_rows: int = 5
) -> dict[tuple[str, str], TableFacts]:
    """Facts of each of the tables, by schema and name. A table that is not there has no entry."""
    facts = {}
    for schema, name in relations:
        columns = [
            row[0]
            for row in connection.execute(
                """
                select column_name from duckdb_columns()
                where schema_name = ? and table_name = ? order by column_index
                """,
                [schema, name],
            ).fetchall()
        ]
        if not columns:
            continue
        dollars = [column for column in DOLLAR_COLUMNS if column in columns]
        sums = ", ".join(["count(*)", *(f"sum({column})" for column in dollars)])
        ((row_count, *totals),) = connection.execute(f"select {sums} from {schema}.{name}").fetchall()
        facts[schema, name] = TableFacts(
            row_count,
            {column: total for column, total in zip(dollars, totals, strict=True) if total is not None},
            columns,
            connection.execute(f"select * from {schema}.{name} limit {preview_rows}").fetchall(),
        )
    return facts
