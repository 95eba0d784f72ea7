"""Publishing: complete sets only, work that follows what changed, readers that are never blocked."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Event
from pathlib import Path

import duckdb
import pytest

from ingestion.errors import TokenAtlasError
from orchestration.publish import publish, read_current

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """A warehouse with a request view over two months, its day fingerprints, and one small mart with comments."""
    path = tmp_path / "warehouse.duckdb"
    write(
        path,
        """
        create schema core; create schema finops; create schema intermediate;
        create table intermediate.requests as
            select
                'r' || i as request_id,
                date '2026-10-30' + (i % 4)::int as usage_date,
                0.25::decimal(18, 12) as list_cost_usd
            from range(40) as numbers (i);
        create view core.fct_llm_requests as select * from intermediate.requests;
        comment on view core.fct_llm_requests is 'One request.';
        create table intermediate.built_days as
            select 'int_request_cost_ratios' as model_name, usage_date, 'a' as fingerprint
            from intermediate.requests group by all;
        create table finops.mart_spend_daily as
            select usage_date, sum(1) as request_count, sum(list_cost_usd) as list_cost_usd
            from intermediate.requests group by all;
        comment on table finops.mart_spend_daily is 'What was spent each day. It''s documented.';
        comment on column finops.mart_spend_daily.list_cost_usd is 'Dollars at list price.';
        """,
    )
    return path


def write(path: Path, sql: str) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute(sql)


def read(published: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(published / "tokenatlas.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def files_of(published: Path, table: str) -> list[str]:
    manifest = read_current(published)
    assert manifest is not None
    return [str(file) for file in manifest["tables"][table]["files"]]


def test_both_forms_hold_the_same_rows(warehouse: Path, tmp_path: Path) -> None:
    """The DuckDB file and the Parquet files of the manifest give the same totals as the warehouse."""
    published = tmp_path / "published"
    publish(warehouse, published, NOW)
    for table in ("core.fct_llm_requests", "finops.mart_spend_daily"):
        paths = [str(published / "parquet" / file) for file in files_of(published, table)]
        total = duckdb.sql(f"select sum(list_cost_usd) from read_parquet({paths})").fetchall()
        assert total == read(published, f"select sum(list_cost_usd) from {table}") == [(10,)]


def test_comments_and_types_survive(warehouse: Path, tmp_path: Path) -> None:
    """A published table keeps its comments; decimals stay decimals and counts whole numbers."""
    publish(warehouse, tmp_path / "published", NOW)
    assert read(
        tmp_path / "published", "select comment from duckdb_tables() where table_name = 'mart_spend_daily'"
    ) == [("What was spent each day. It's documented.",)]
    columns = "select column_name, data_type, comment from duckdb_columns() where table_name = 'mart_spend_daily'"
    assert read(tmp_path / "published", columns) == [
        ("usage_date", "DATE", None),
        ("request_count", "BIGINT", None),
        ("list_cost_usd", "DECIMAL(38,12)", "Dollars at list price."),
    ]


def test_requests_are_a_view_over_months_when_they_are_many(warehouse: Path, tmp_path: Path) -> None:
    """Above the limit the DuckDB file holds no copy of the requests, with the same rows and comment to the reader."""
    publish(warehouse, tmp_path / "published", NOW, inline_row_limit=10)
    assert read(tmp_path / "published", "select view_name, comment from duckdb_views() where schema_name = 'core'") == [
        ("fct_llm_requests", "One request.")
    ]
    assert read(tmp_path / "published", "select count(*), count(distinct request_id) from core.fct_llm_requests") == [
        (40, 40)
    ]


def test_a_second_publication_of_the_same_changes_nothing(warehouse: Path, tmp_path: Path) -> None:
    """Nothing changed: no file is written, and the version and the DuckDB file stay."""
    published = tmp_path / "published"
    first = publish(warehouse, published, NOW)
    inode = (published / "tokenatlas.duckdb").stat().st_ino
    second = publish(warehouse, published, NOW + timedelta(days=1))
    assert (second.is_new, second.written_files, second.version) == (False, (), first.version)
    assert (published / "tokenatlas.duckdb").stat().st_ino == inode


def test_only_the_month_with_a_changed_day_is_written_again(warehouse: Path, tmp_path: Path) -> None:
    """One day's new fingerprint writes its month and nothing else of the requests."""
    published = tmp_path / "published"
    publish(warehouse, published, NOW)
    october, november = files_of(published, "core.fct_llm_requests")
    write(
        warehouse,
        """
        update intermediate.built_days set fingerprint = 'b' where usage_date = date '2026-11-01';
        delete from intermediate.requests where usage_date = date '2026-11-01';
        """,
    )
    again = publish(warehouse, published, NOW + timedelta(hours=1))
    assert [file for file in again.written_files if "requests" in file] == [
        files_of(published, "core.fct_llm_requests")[1]
    ]
    assert files_of(published, "core.fct_llm_requests")[0] == october
    assert november not in files_of(published, "core.fct_llm_requests")
    assert read(published, "select count(*) from core.fct_llm_requests") == [(30,)]


def test_replaced_files_stay_for_the_grace_period(warehouse: Path, tmp_path: Path) -> None:
    """The grace period begins with the replacement of a version, not with its publication."""
    published = tmp_path / "published"
    publish(warehouse, published, NOW - timedelta(days=30))
    old = published / "parquet" / files_of(published, "finops.mart_spend_daily")[0]
    write(warehouse, "delete from finops.mart_spend_daily where usage_date = date '2026-11-01'")
    assert publish(warehouse, published, NOW).deleted_files == ()
    assert publish(warehouse, published, NOW + timedelta(hours=23)).deleted_files == ()
    assert old.exists()
    assert publish(warehouse, published, NOW + timedelta(hours=25)).deleted_files == (
        str(old.relative_to(published / "parquet")),
    )
    assert not old.exists()


def test_a_held_file_stays_readable_while_it_is_replaced(warehouse: Path, tmp_path: Path) -> None:
    """A reader that opened the file before a publication keeps the set that it opened; a new one gets the new set."""
    published = tmp_path / "published"
    publish(warehouse, published, NOW)
    with duckdb.connect(str(published / "tokenatlas.duckdb"), read_only=True) as reader:
        write(warehouse, "delete from finops.mart_spend_daily")
        publish(warehouse, published, NOW + timedelta(hours=1))
        assert reader.execute("select count(*) from finops.mart_spend_daily").fetchall() == [(4,)]
    assert read(published, "select count(*) from finops.mart_spend_daily") == [(0,)]


def test_a_moved_folder_is_published_anew(warehouse: Path, tmp_path: Path) -> None:
    """Views name absolute paths, so a publication that was moved is not taken for a current one."""
    publish(warehouse, tmp_path / "published", NOW, inline_row_limit=10)
    (tmp_path / "published").rename(tmp_path / "moved")
    assert publish(warehouse, tmp_path / "moved", NOW, inline_row_limit=10).is_new
    assert read(tmp_path / "moved", "select count(*) from core.fct_llm_requests") == [(40,)]


def test_a_missing_warehouse_says_what_to_do(tmp_path: Path) -> None:
    """Publishing before the first run names the command that builds the warehouse."""
    with pytest.raises(TokenAtlasError, match="tokenatlas run"):
        publish(tmp_path / "warehouse.duckdb", tmp_path / "published", NOW)


def _set_generation(warehouse: Path, generation: int) -> None:
    write(
        warehouse,
        f"""
        create schema if not exists core; create schema if not exists finops; create schema if not exists intermediate;
        create or replace table core.first as select {generation} as generation from range(1000);
        create or replace table core.fct_llm_requests as
            select {generation} as generation, date '2026-10-30' + (i % 4)::int as usage_date
            from range(1000) as numbers (i);
        create or replace table intermediate.built_days as
            select 'int_request_cost_ratios' as model_name, usage_date, '{generation}' as fingerprint
            from core.fct_llm_requests group by all;
        """,
    )


def _publish_for_ever(warehouse: Path, published: Path) -> None:
    generation = 0
    while True:
        generation += 1
        _set_generation(warehouse, generation)
        publish(warehouse, published, datetime.now(UTC), inline_row_limit=10)


def _duckdb_generations(published: Path) -> tuple[int, set[int]]:
    sql = "select generation from core.first union all select generation from core.fct_llm_requests"
    with duckdb.connect(str(published / "tokenatlas.duckdb"), read_only=True) as connection:
        rows = connection.execute(sql).fetchall()
    return len(rows), {row[0] for row in rows}


def _parquet_generations(published: Path) -> tuple[int, set[int]]:
    manifest = json.loads((published / "parquet" / "current.json").read_text())
    paths = [str(published / "parquet" / file) for table in manifest["tables"].values() for file in table["files"]]
    rows = duckdb.connect().execute("select generation from read_parquet(?, union_by_name = true)", [paths]).fetchall()
    return len(rows), {row[0] for row in rows}


def _read_for_ever(
    published: Path, reading: Callable[[Path], tuple[int, set[int]]], stop: Event, results: Path
) -> None:
    bad: list[str] = []
    seen: set[int] = set()
    while not stop.is_set():
        count, generations = reading(published)
        seen |= generations
        if count != 2000 or len(generations) != 1:
            bad.append(f"{count} rows of generations {sorted(generations)}")
    results.write_text(json.dumps({"bad": bad, "seen": len(seen)}))


def _wait_for_publications(published: Path, count: int) -> None:
    versions: set[str] = set()
    deadline = time.monotonic() + 60
    while len(versions) <= count:
        assert time.monotonic() < deadline, "the publisher does not publish"
        manifest = read_current(published)
        assert manifest is not None
        versions.add(manifest["version"])
        time.sleep(0.005)


@pytest.mark.parametrize("reading", [_duckdb_generations, _parquet_generations])
def test_readers_never_see_half_a_publication_nor_wait(
    tmp_path: Path, reading: Callable[[Path], tuple[int, set[int]]]
) -> None:
    """Invariant 8: a looping reader sees whole generations only, while publishers work and are killed by SIGKILL."""
    warehouse, published, results = tmp_path / "warehouse.duckdb", tmp_path / "published", tmp_path / "results.json"
    _set_generation(warehouse, 0)
    publish(warehouse, published, datetime.now(UTC), inline_row_limit=10)
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    reader = context.Process(target=_read_for_ever, args=(published, reading, stop, results))
    reader.start()
    for patience in (0.03, 0.1):
        publisher = context.Process(target=_publish_for_ever, args=(warehouse, published))
        publisher.start()
        _wait_for_publications(published, 2)
        time.sleep(patience)
        assert publisher.pid is not None
        os.kill(publisher.pid, signal.SIGKILL)
        publisher.join()
    stop.set()
    reader.join()
    assert reader.exitcode == 0
    outcome = json.loads(results.read_text())
    assert outcome["bad"] == []
    assert outcome["seen"] > 2
    final = publish(warehouse, published, datetime.now(UTC), inline_row_limit=10)
    assert {table.row_count for table in final.tables} == {1000}
    assert not [*published.glob(".*tmp*"), *published.glob("parquet/**/.*tmp")]
