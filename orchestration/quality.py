"""Great Expectations over what is in force, and the pages that say what they found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from ingestion.expectations import ValidationReport, build_data_docs, profile_sql, validate, validate_mart
from ingestion.expectations.suites.marts import SUITES as MART_SUITES
from ingestion.lake import Lake
from ingestion.records import STREAMS, StreamKind
from ingestion.settings import Settings
from orchestration.lake_rows import live_rows
from orchestration.warehouse import reading

MARTS = tuple(MART_SUITES)

RECENT_DAYS = 92
"""Suites look at the youngest days, so that their time does not grow with the history. dbt tests look at all of it."""

_DAY_COLUMNS = ("usage_date", "kpi_date", "cutoff_date", "assessment_date")


def data_docs_path(settings: Settings) -> Path:
    """Folder of the pages; ``index.html`` lists them."""
    return settings.reports_path / "data_docs"


def check_marts(settings: Settings) -> list[ValidationReport]:
    """Validates the finished marts and writes their pages.

    Raises:
        TokenAtlasError: the warehouse is not there, or is being written.
    """
    reports = []
    with reading(settings.warehouse_path) as connection:
        for mart in MARTS:
            columns = [row[0] for row in connection.execute(f"describe finops.{mart}").fetchall()]
            day = next(column for column in _DAY_COLUMNS if column in columns)
            recent = f"where {day} > (select max({day}) from finops.{mart}) - {RECENT_DAYS}"
            rows = connection.execute(f"select * from finops.{mart} {recent}").to_arrow_table()
            reports.append(validate_mart(mart, rows))
    build_data_docs(reports, data_docs_path(settings))
    return reports


def report_raw_tables(settings: Settings, lake: Lake) -> tuple[Path, list[ValidationReport]]:
    """Validates the raw rows that are in force and writes their pages.

    Returns:
        The index page, and the results.
    """
    lake.write_index(settings.index_path)
    reports = list(_raw_reports(settings, lake))
    return build_data_docs(reports, data_docs_path(settings)), reports


def _raw_reports(settings: Settings, lake: Lake) -> Iterator[ValidationReport]:
    filled = {load.table for load in lake.loads() if load.row_count}
    for table, stream in STREAMS.items():
        if table not in filled:
            continue
        columns = ", ".join(stream.schema.names)
        with live_rows(settings.index_path, table) as connection:
            if stream.kind is StreamKind.APPEND and stream.day_column and not table.startswith("forecast_"):
                yield _profile(connection.execute(_profile_query(lake, table, columns)).to_arrow_table(), table)
            else:
                recent = f"where _day > (select max(_day) from live) - {RECENT_DAYS}"
                rows = connection.execute(f"select {columns} from live {recent}").to_arrow_table()
                yield validate(table, rows.cast(stream.schema), batch="in force")


def _profile(profile: pa.Table, table: str) -> ValidationReport:
    return validate(table, profile, batch="in force")


def _profile_query(lake: Lake, table: str, columns: str) -> str:
    loads = [load for load in lake.loads() if load.table == table]
    return profile_sql(
        table,
        f"select {columns} from live",
        rows_received=sum(load.rows_received for load in loads),
        rows_quarantined=sum(load.rows_quarantined for load in loads),
        rows_duplicate=sum(load.rows_duplicate for load in loads),
    )
