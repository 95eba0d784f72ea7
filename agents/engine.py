"""A DuckDB connection that can read the published tables and nothing else, and that cannot be talked out of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from agents.errors import QueryLimitError
from agents.limits import Limits
from ingestion.errors import TokenAtlasError

SCHEMAS = ("core", "finops", "main")


def connect_locked(file: Path, limits: Limits) -> duckdb.DuckDBPyConnection:
    """A read-only connection, in UTC, whose configuration is locked.

    Above a million rows the tables of requests and of the ledger are views over `parquet/` beside the file: then that
    folder, and no other, can be read as well.

    Raises:
        TokenAtlasError: nothing is published yet.
    """
    if not file.exists():
        raise TokenAtlasError(
            "Nothing is published yet",
            where=str(file),
            mend="Run `tokenatlas run`, which builds and publishes the tables.",
        )
    connection = duckdb.connect(
        str(file),
        read_only=True,
        config={
            "allow_community_extensions": False,
            "allow_persistent_secrets": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            # Python's own variables are no tables.
            "python_enable_replacements": False,
            "memory_limit": f"{limits.memory_megabytes}MB",
            "threads": limits.threads,
            # Nothing spills to disk.
            "temp_directory": "",
            "max_temp_directory_size": "0B",
        },
    )
    connection.execute(f"set timezone = 'UTC'; set search_path = '{','.join(SCHEMAS)}'")
    if _has_views(connection):
        connection.execute(f"set allowed_directories = [{quoted(str(file.parent.absolute() / 'parquet'))}]")
    connection.execute("set enable_external_access = false; set lock_configuration = true")
    return connection


class Reader:
    """Our own short reads of the published file, in this process: what is there, and the steps of one request.

    One at a time: DuckDB shares a file between connections of a process, and a locked one cannot be set up again.
    """

    def __init__(self, file: Path, limits: Limits) -> None:
        self._file = file
        self._limits = limits
        self._lock = threading.Lock()

    @contextmanager
    def connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A locked connection to what is published now.

        Raises:
            TokenAtlasError: nothing is published yet.
            QueryLimitError: the time limit of a query has passed.
        """
        with self._lock, connect_locked(self._file, self._limits) as connection:
            timer = threading.Timer(self._limits.seconds, connection.interrupt)
            timer.daemon = True
            timer.start()
            try:
                yield connection
            except duckdb.InterruptException as error:
                raise too_slow(self._limits) from error
            finally:
                timer.cancel()


def too_slow(limits: Limits) -> QueryLimitError:
    return QueryLimitError(
        f"The query took longer than {limits.seconds:g} s and was ended",
        mend="Ask for fewer days or sum up first; the tables of finops are smaller than those of core.",
    )


def too_large(limits: Limits) -> QueryLimitError:
    return QueryLimitError(
        f"The query needs more than {limits.memory_megabytes} MB and was ended",
        mend="Ask for fewer days or columns, or sum up before joining.",
    )


def published_tables(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Schema of each published table and view, by its name in lower case."""
    rows = connection.execute(
        """
        select lower(table_name), schema_name from duckdb_tables()
        where database_name = current_database() and not internal
        union all
        select lower(view_name), schema_name from duckdb_views()
        where database_name = current_database() and not internal
        """
    ).fetchall()
    return dict(rows)


def _has_views(connection: duckdb.DuckDBPyConnection) -> bool:
    rows = connection.execute(
        "select view_name from duckdb_views() where database_name = current_database() and not internal limit 1"
    ).fetchall()
    return bool(rows)


def quoted(text: str) -> str:
    """The text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"
