"""What the published DuckDB file holds: tables, columns with their types and comments, teams, and its last day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from ingestion.errors import TokenAtlasError

READING = {"enable_external_access": "false", "lock_configuration": "true"}


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    comment: str | None


@dataclass(frozen=True)
class Table:
    comment: str | None
    columns: tuple[Column, ...]

    def has(self, column: str) -> bool:
        return any(column == one.name for one in self.columns)


@dataclass(frozen=True)
class PublishedTables:
    """One publication as the pages need to know it.

    Attributes:
        tables: By ``schema.table``.
        teams: Keys of ``core.dim_teams``.
        last_date: Last UTC day with spend; None without any.
        has_views: Whether some tables are views over Parquet files, which a reader then must be let to open.
    """

    tables: Mapping[str, Table]
    teams: tuple[str, ...]
    last_date: date | None
    has_views: bool


def read_published(file: Path, queries: Mapping[str, str]) -> PublishedTables:
    """Reads the catalogue, and what the queries of the files give, without their rows.

    Raises:
        TokenAtlasError: nothing is published.
    """
    if not file.exists():
        raise TokenAtlasError(
            "Nothing is published",
            where=str(file),
            mend="Run `tokenatlas run`, or `make demo` for the pretend company.",
        )
    with duckdb.connect(str(file), read_only=True) as connection:
        comments = dict(
            connection.execute(
                """
                select schema_name || '.' || table_name, comment from duckdb_tables()
                union all
                select schema_name || '.' || view_name, comment from duckdb_views() where not internal
                """
            ).fetchall()
        )
        columns: dict[str, list[Column]] = {}
        for table, *column in connection.execute(
            """
            select schema_name || '.' || table_name, column_name, data_type, comment
            from duckdb_columns() where not internal order by table_oid, column_index
            """
        ).fetchall():
            columns.setdefault(table, []).append(Column(*column))
        tables = {table: Table(comments[table], tuple(of_table)) for table, of_table in columns.items()}
        for name, query in queries.items():
            try:
                described = connection.execute(f"describe {query}").fetchall()
            except duckdb.CatalogException:
                continue  # one of its tables is not published: the query is missing as a table would be
            tables[name] = Table(None, tuple(Column(row[0], row[1], None) for row in described))
        teams = connection.execute("select team from core.dim_teams order by team").fetchall()
        last = connection.execute("select max(usage_date) from finops.mart_spend_daily").fetchone()
        has_views = bool(connection.execute("from duckdb_views() where not internal").fetchall())
    return PublishedTables(tables, tuple(team for (team,) in teams), last[0] if last else None, has_views)
