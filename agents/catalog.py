"""The published tables as an agent needs to know them: what each row is, and the unit of each column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import duckdb

from agents.engine import published_tables
from agents.errors import QueryRefusedError

_UNITS = (
    (r"^(is|has)_", "true or false"),
    (r"_usd_per_mtok$", "US dollars per million tokens"),
    (r"_usd_per_thousand$", "US dollars per thousand"),
    (r"_usd_per_month$", "US dollars per month"),
    (r"_usd$", "US dollars"),
    (r"_(ratio|rate|share|probability|score)(_lower|_upper)?$", "ratio, 1 is all of it"),
    (r"_tokens(_per_request)?$", "tokens"),
    (r"_seconds$", "seconds"),
    (r"_days$", "days"),
    (r"_(count|requests)$", "count"),
    (r"_month$", "first day of the month, UTC"),
    (r"_date$", "UTC day"),
    (r"_at$", "UTC instant"),
)


def list_tables(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> dict[str, Any]:
    """Every published table with its description, rows and column names; with `names`, those with all of each column.

    Raises:
        QueryRefusedError: a name is not that of a published table.
    """
    schemas = published_tables(connection)
    wanted = {_known(name, schemas) for name in names}
    columns = _columns(connection)
    comments = _comments(connection)
    rows = dict(connection.execute("select table_name, row_count from main.publication").fetchall())
    ((version, published_at),) = connection.execute(
        "select max(version), max(published_at)::timestamp from main.publication"
    ).fetchall()
    return {
        "published_version": version,
        "published_at": f"{published_at.isoformat(timespec='seconds')}Z",
        "tables": [
            {
                "name": table,
                "description": comments.get(table),
                "row_count": rows.get(table),
                "columns": columns[table] if wanted else [column["name"] for column in columns[table]],
            }
            for table in sorted(columns)
            if not wanted or table in wanted
        ],
    }


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[str, list[dict[str, Any]]]:
    columns: dict[str, list[dict[str, Any]]] = {}
    for table, name, kind, comment in connection.execute(
        """
        select schema_name || '.' || table_name, column_name, data_type, comment from duckdb_columns()
        where database_name = current_database() and not internal order by schema_name, table_name, column_index
        """
    ).fetchall():
        columns.setdefault(table, []).append(
            {"name": name, "type": kind, "unit": unit_of(name), "description": comment}
        )
    return columns


def _comments(connection: duckdb.DuckDBPyConnection) -> dict[str, str | None]:
    return dict(
        connection.execute(
            """
            select schema_name || '.' || table_name, comment from duckdb_tables()
            where database_name = current_database()
            union all
            select schema_name || '.' || view_name, comment from duckdb_views()
            where database_name = current_database() and not internal
            """
        ).fetchall()
    )


def unit_of(column: str) -> str | None:
    """The unit that a column's name promises; None for text, and where it promises none, as `kpi_value`."""
    return next((unit for pattern, unit in _UNITS if re.search(pattern, column)), None)


def _known(name: str, schemas: dict[str, str]) -> str:
    schema, _, table = name.lower().rpartition(".")
    if table not in schemas or schema not in ("", schemas[table]):
        raise QueryRefusedError(
            f"{name!r} is not a published table", mend="list_tables without names lists those that there are."
        )
    return f"{schemas[table]}.{table}"
