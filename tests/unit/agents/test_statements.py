"""What a statement may be, and that the connection would do no harm with any other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from agents.engine import connect_locked
from agents.errors import QueryFailedError, QueryRefusedError
from agents.limits import Limits
from agents.statements import HARMLESS_VOLATILE_FUNCTIONS, REFUSED_FUNCTIONS, allowed_functions, check_statement
from ingestion.errors import TokenAtlasError


@pytest.fixture
def locked(published: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The connection that queries run on."""
    with connect_locked(published, Limits()) as connection:
        yield connection


@pytest.mark.parametrize(
    "sql",
    [
        "select team, sum(effective_cost_usd) from core.fct_llm_requests group by all order by 2 desc limit 3",
        "from mart_spend_daily",
        "from tokenatlas.finops.mart_spend_daily",
        'select * from "FINOPS"."Mart_Spend_Daily"',
        "with days as (select usage_date from mart_spend_daily) select count(*) from days -- and a comment",
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 9) select max(i) from n",
        "select d.usage_date, r.team from mart_spend_daily d join fct_llm_requests r using (usage_date)",
        "select *, row_number() over (partition by team order by usage_date), lag(team) over () from mart_spend_daily",
        "pivot mart_spend_daily on team in ('search', 'data') using sum(effective_cost_usd) group by usage_date",
        "summarize finops.mart_spend_daily",
        "describe finops.mart_spend_daily",
        "select unnest(range(3)), list_transform([1], lambda x: x + 1), random(), coalesce(null, {'a': [1]})",
        "select * from range(3) union all values (1) order by 1",
        "select * from mart_spend_daily asof join (select date '2026-10-31' as day) on usage_date >= day",
        "select * from mart_spend_daily where exists (from fct_llm_requests) and team like 's%' using sample 50%",
        "select * from publication",
    ],
)
def test_reading_published_tables_is_allowed(locked: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Whatever one SELECT can do with published tables passes the check, and runs."""
    check_statement(locked, sql)
    locked.execute(sql).fetchall()


REFUSED = {
    "copy core.fct_llm_requests to '/tmp/stolen.csv'": "COPY",
    "copy (select 1) to '/tmp/stolen.csv'": "COPY",
    "attach '/tmp/other.duckdb' as other": "ATTACH",
    "detach tokenatlas": "DETACH",
    "use memory": "SET",
    "install httpfs": "LOAD",
    "load httpfs": "LOAD",
    "pragma database_list": "only SELECT",
    "pragma disable_checkpoint_on_shutdown": "PRAGMA",
    "set memory_limit = '64GB'": "SET",
    "reset memory_limit": "SET",
    "set variable x = 1": "SET",
    "call pragma_version()": "CALL",
    "explain analyze select 1": "EXPLAIN",
    "create temp table t as select 1": "CREATE",
    "create temp macro f() as table select * from read_csv('/etc/passwd')": "CREATE",
    "insert into finops.mart_spend_daily values (1)": "INSERT",
    "delete from finops.mart_spend_daily": "DELETE",
    "drop table finops.mart_spend_daily": "DROP",
    "create persistent secret s (type s3)": "CREATE",
    "export database '/tmp/stolen'": "EXPORT",
    "vacuum": "VACUUM",
    "checkpoint": "CALL",
    "begin": "TRANSACTION",
    "prepare p as select 1": "PREPARE",
    "execute p": "EXECUTE",
    "select 1; select 2": "2 statements",
    "select 1; copy (select 1) to '/tmp/stolen.csv'": "2 statements",
    "": "no statement",
    ";;": "no statement",
    "-- nothing": "no statement",
    "select 1\0; drop table x": "zero byte",
    "pivot mart_spend_daily on team using sum(effective_cost_usd)": "PIVOT",
    "show tables": "SHOW",
    "show all tables": "SHOW",
    "select * from read_csv('/etc/passwd')": "read_csv",
    "select * from read_csv_auto('/etc/passwd')": "read_csv_auto",
    "select * from read_text('/proc/self/environ')": "read_text",
    "select * from read_blob('/etc/shadow')": "read_blob",
    "select * from read_parquet('https://example.com/x.parquet')": "read_parquet",
    "select * from parquet_metadata('x.parquet')": "parquet_metadata",
    "select * from sniff_csv('/etc/passwd')": "sniff_csv",
    "select * from glob('/**')": "glob",
    "select * from '/etc/passwd'": "not a published table",
    "select * from '../../lake/x.parquet'": "not a published table",
    'select * from "file:///etc/passwd"': "not a published table",
    "select * from duckdb_secrets()": "duckdb_secrets",
    "select * from which_secret('s3://x', 's3')": "which_secret",
    "select * from duckdb_settings()": "duckdb_settings",
    "select * from duckdb_databases()": "duckdb_databases",
    "select * from duckdb_databases": "not a published table",
    "select * from pragma_database_list": "not a published table",
    "select * from information_schema.tables": "not a published table",
    "select * from sqlite_master": "not a published table",
    "select * from pg_catalog.pg_class": "not a published table",
    "select * from memory.main.x": "not a published table",
    "select * from core.mart_spend_daily": "not a published table",
    "select getenv('ANTHROPIC_ADMIN_KEY')": "getenv",
    "select \"GetEnv\"('HOME')": "getenv",
    "select system.main.getenv('HOME')": "getenv",
    "select current_setting('secret_directory')": "current_setting",
    "select getvariable('x')": "getvariable",
    "select pg_get_viewdef('fct_llm_requests')": "pg_get_viewdef",
    "select pg_sleep(1000)": "pg_sleep",
    "select sleep_ms(1000000)": "sleep_ms",
    "select write_log('x')": "write_log",
    "select nextval('s')": "nextval",
    "select * from query('copy (select 1) to ''/tmp/x''')": "query",
    "select * from query_table('/etc/passwd')": "query_table",
    "select * from json_execute_serialized_sql('{}')": "json_execute_serialized_sql",
    "select * from checkpoint()": "checkpoint",
    "select * from enable_logging()": "enable_logging",
    "select * from test_all_types()": "test_all_types",
    "with x as (select * from read_csv('/etc/passwd')) select 1": "read_csv",
    "with pragma_database_list as (select 1) select * from pragma_database_list": "system view",
    "select (select max(content) from read_text('/etc/passwd'))": "read_text",
    "select 1 where 1 in (select 1 from glob('/*'))": "glob",
    "select 1 union all (select 2 from '/etc/passwd')": "not a published table",
    "with recursive n as (select 1 union all select 1 from read_csv('/etc/passwd')) select * from n": "read_csv",
    "select * from mart_spend_daily, lateral (select * from read_text('/etc/' || team))": "read_text",
    "summarize '/etc/passwd'": "not a published table",
    "describe select * from read_csv('/etc/passwd')": "read_csv",
    "select * from mart_spend_daily order by (select max(size) from read_blob('/etc/passwd'))": "read_blob",
    "select sum((select 1 from glob('/*'))) over () from mart_spend_daily": "glob",
    "pivot (from read_csv('/etc/passwd')) on a in (1) using count(*)": "read_csv",
    "select list_transform([1], lambda x: getenv('HOME'))": "getenv",
    "with a as (insert into finops.mart_spend_daily values (1) returning 1) from a": "parse",
    "selec 1": "parse",
    "select " + "abs(" * 3_000 + "1" + ")" * 3_000: "expression depth",
}


@pytest.mark.parametrize("sql", REFUSED, ids=[sql[:60].replace("\0", "0") for sql in REFUSED])
def test_everything_else_is_refused_in_words(locked: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Each attack is answered with what is wrong and what to do, and nothing of it is run."""
    with pytest.raises((QueryRefusedError, QueryFailedError)) as caught:
        check_statement(locked, sql)
    assert REFUSED[sql].lower() in str(caught.value).lower()
    assert caught.value.mend


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('/proc/self/environ')",
        "select * from glob('/*')",
        "from '/etc/passwd'",
        "copy (select 1) to '/tmp/stolen.csv'",
        "attach '/tmp/other.duckdb' as other",
        "attach ':memory:' as other",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "set allowed_directories = ['/']",
        "set memory_limit = '64GB'",
        "set lock_configuration = false",
        "select getenv('HOME')",
        "create table core.x as select 1",
        "delete from finops.mart_spend_daily",
        "create persistent secret s (type s3)",
        "export database '/tmp/stolen'",
    ],
)
def test_the_connection_alone_would_refuse_it_too(locked: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Were the check to miss something, the locked connection still reaches no file, setting, secret or table."""
    with pytest.raises(duckdb.Error):
        locked.execute(sql).fetchall()


def test_views_may_read_their_folder_and_no_other(published_as_views: Path, tmp_path: Path) -> None:
    """Where requests are a view over Parquet files, these can be read; a way out of the folder cannot be taken."""
    outside = published_as_views.parent / "outside.parquet"
    duckdb.sql("select 1 as secret").write_parquet(str(outside))
    folder = published_as_views.parent / "parquet"
    with connect_locked(published_as_views, Limits()) as connection:
        sql = "select count(*) from core.fct_llm_requests"
        check_statement(connection, sql)
        assert connection.execute(sql).fetchall() == [(40,)]
        for path in (outside, folder / ".." / "outside.parquet", f"{folder}x/../outside.parquet", "/etc/passwd"):
            with pytest.raises(QueryRefusedError):
                check_statement(connection, f"select * from read_parquet('{path}')")
            with pytest.raises(duckdb.PermissionException):
                connection.execute(f"select * from read_blob('{path}')").fetchall()
        with pytest.raises(duckdb.Error):
            connection.execute("set allowed_directories = ['/']")


def test_functions_with_side_effects_were_all_looked_at(locked: duckdb.DuckDBPyConnection) -> None:
    """A DuckDB that brings a new one fails here; until somebody has looked at it, agents cannot use it."""
    volatile = {
        row[0]
        for row in locked.execute(
            "select lower(function_name) from duckdb_functions() where has_side_effects"
        ).fetchall()
    }
    refused = {"current_connection_id", "current_query", "current_query_id", "current_transaction_id"}
    refused |= {"currval", "nextval", "sleep_ms", "stats", "write_log"}
    assert volatile - HARMLESS_VOLATILE_FUNCTIONS == refused
    assert allowed_functions(locked).isdisjoint(refused | REFUSED_FUNCTIONS)


def test_without_a_publication_the_answer_says_so(tmp_path: Path) -> None:
    """No file: what to run, rather than an engine's error."""
    with pytest.raises(TokenAtlasError, match="Nothing is published yet") as caught:
        connect_locked(tmp_path / "tokenatlas.duckdb", Limits())
    assert "tokenatlas run" in caught.value.mend
