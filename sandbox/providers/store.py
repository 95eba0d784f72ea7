"""What the providers know: metered hours and billed lines, in memory, with one cursor for each thread."""

from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from sandbox.metering import MEASURES


class ProviderStore:
    """Answers the queries of both servers.

    Args:
        providers: The folder with ``metered_hours.parquet`` and ``charge_versions.parquet``.
        requests: The truth about each request; read for reports by the minute only.
    """

    def __init__(self, providers: Path, requests: Path) -> None:
        self._requests = requests
        self._connection = duckdb.connect()
        self._connection.execute("set timezone = 'UTC'")
        self._connection.execute(
            """
            create table metered as
            select * exclude (hour_start), hour_start as slot_start, hour_start + interval 1 hour as slot_end
            from read_parquet(?)
            """,
            [str(providers / "metered_hours.parquet")],
        )
        self._connection.execute(
            "create table charges as select * from read_parquet(?)", [str(providers / "charge_versions.parquet")]
        )
        self._local = threading.local()

    def rows(self, query: str, parameters: list[Any]) -> list[dict[str, Any]]:
        """Rows of a query as dictionaries. ``metered`` and ``charges`` are the tables; instants go in and come out
        without a zone."""
        cursor = self._cursor()
        cursor.execute(query, parameters)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def metered_by_minute(self, start: datetime, end: datetime) -> str:
        """A query that stands in for ``metered`` by minutes, for a window of at most a day or two."""
        measures = {
            "request_count": "cast(is_metered as integer)",
            "web_search": "web_search_requests",
        }
        summed = ", ".join(f"sum({measures.get(name, name)}) as {name}" for name in MEASURES)
        return f"""(
            select
                provider_name, account_id, project_id, api_key_id, user_id, model_name, service_tier, operation_name,
                cast(context_band = 'long' as integer) as band,
                date_trunc('minute', started_at at time zone 'UTC') as slot_start,
                date_trunc('minute', started_at at time zone 'UTC') + interval 1 minute as slot_end,
                {summed}
            from read_parquet('{self._requests}')
            where is_metered and usage_date between date '{start.date()}' and date '{end.date()}'
            group by all
        )"""

    def close(self) -> None:
        self._connection.close()

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        if not hasattr(self._local, "cursor"):
            self._local.cursor = self._connection.cursor()
            self._local.cursor.execute("set timezone = 'UTC'")
        cursor: duckdb.DuckDBPyConnection = self._local.cursor
        return cursor
