"""The last look at a statement: what pages ask passes, and what reads around a rule does not."""

from __future__ import annotations

import pytest

from dashboards.description import read_datasets
from dashboards.server.guard import ForbiddenStatementError, check


@pytest.mark.parametrize(
    "sql",
    [
        "select team, sum(effective_cost_usd) as cost from finops.mart_spend_daily where (team = 'a') group by team",
        "select date_trunc('week', usage_date), sum(x) from finops.mart_spend_daily group by 1 order by 2 limit 9;",
        # Superset joins the largest series of a chart to its rows.
        "select a.team from finops.m as a inner join (select team as t, sum(x) from finops.m group by 1 limit 5) as top"
        " on a.team = top.t",
        "select count(*) from (select * from core.dim_teams) as rows_of_it",
    ],
)
def test_what_pages_ask_passes(sql: str) -> None:
    """Sub-queries in FROM are Superset's own."""
    check(sql)


def test_the_queries_of_the_files_pass() -> None:
    """A dataset that is a query stands in FROM of every statement on it."""
    queries = [dataset.sql for dataset in read_datasets().values() if dataset.sql]
    assert queries
    for query in queries:
        check(f"select count(*) from ({query}) as virtual_table")


@pytest.mark.parametrize(
    "sql",
    [
        "select (select sum(effective_cost_usd) from finops.mart_spend_daily) from finops.m",
        "select (from finops.mart_spend_daily select sum(effective_cost_usd)) from finops.m",
        "select x from finops.m where team in (from finops.other select team)",
        "select x from finops.m where exists (table finops.other)",
        "select x from finops.m where x = any(from finops.other)",
        "select array(select team from finops.other) from finops.m",
        "select x from finops.m where (team = 'a') and (1 = 1) union all select x from finops.m where (1 = 1)",
        "select x from finops.m where team = 'a' union all select x from read_csv('/etc/passwd')",
        "select * from read_parquet('/home/of/lake/**/*.parquet')",
        "select * from finops.m, read_text('/etc/passwd')",
        "select * from '/etc/passwd'",
        "select * from duckdb_settings()",
        "select * from information_schema.tables",
        "select * from main.publication",
        "select * from tokenatlas.finops.m",
        "select * from query('select 1')",
        "select (values (1)) from finops.m",
        "select * from (describe finops.m)",
        "summarize finops.m",
        "select 1; select 2",
        "attach '/tmp/x.duckdb'",
        "copy finops.m to '/tmp/x.csv'",
        "set threads = 1",
        "pragma database_list",
        "select x from",
    ],
)
def test_what_reads_around_a_rule_is_refused(sql: str) -> None:
    """Sub-queries as values, files, settings, catalogues, other statements."""
    with pytest.raises(ForbiddenStatementError):
        check(sql)
