"""Who can read what, tried over HTTP as somebody who wants more than the page shows."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

from dashboards.server.load import FINANCE as FINANCE_ROLE
from dashboards.server.load import READING
from tests.e2e.superset import ADMIN, FINANCE, SUPPORT, Superset, sql_metric

pytestmark = pytest.mark.e2e

SPEND = "mart_spend_daily"
CLOSED = ("mart_reconciliation", "mart_customer_margin_monthly")
TOTAL = "select sum(effective_cost_usd) from finops.mart_spend_daily"
REFUSED = (400, 401, 403, 404, 405, 422)


def test_a_member_reads_the_rows_of_the_team(superset: Superset) -> None:
    """Grouped by team there is one team, and its cost is the mart's."""
    answer = superset.query(SUPPORT, SPEND, columns=["team"], metrics=[sql_metric("sum(effective_cost_usd)")])
    answer.raise_for_status()
    ((row,),) = [result["data"] for result in answer.json()["result"]]
    assert row["team"] == "support"
    assert row["typed"] == pytest.approx(float(superset.value(f"{TOTAL} where team = 'support'")))


def test_finance_reads_all_rows(superset: Superset) -> None:
    """Every team, and the sum of all is the mart's."""
    answer = superset.query(FINANCE, SPEND, columns=["team"], metrics=[sql_metric("sum(effective_cost_usd)")])
    answer.raise_for_status()
    rows = answer.json()["result"][0]["data"]
    assert {row["team"] for row in rows} == {
        team for (team,) in superset.sql("select distinct team from finops.mart_spend_daily")
    }
    assert sum(row["typed"] for row in rows) == pytest.approx(float(superset.value(TOTAL)))


def test_every_dataset_of_members_keeps_to_the_team(superset: Superset) -> None:
    """Whatever names a team, in whatever column, names the member's."""
    listed = superset.api(SUPPORT).get("/api/v1/dataset/", params={"q": "(page_size:100)"}).json()["result"]
    names = {item["table_name"] for item in listed}
    assert names.isdisjoint(CLOSED)
    assert len(names) >= 8
    for name in sorted(names):
        columns = superset.api(ADMIN).get(f"/api/v1/dataset/{superset.datasets[name]}").json()["result"]["columns"]
        known = {column["column_name"] for column in columns}
        asked = [column for column in ("team", "dimension_value", "series_id") if column in known][:1]
        assert asked, name
        answer = superset.query(SUPPORT, name, columns=asked)
        assert answer.is_success, (name, answer.text)
        for row in answer.json()["result"][0]["data"]:
            assert "support" in row[asked[0]], (name, row)


@pytest.mark.parametrize("closed", CLOSED)
def test_a_dataset_without_teams_is_closed_to_members(superset: Superset, closed: str) -> None:
    """Not by its number, not with the number of a page or a chart that the member may see."""
    page = superset.pages["product-team"]
    charts = superset.api(SUPPORT).get(f"/api/v1/dashboard/{page}/charts").json()["result"]
    disguises = [
        {},
        {"dashboardId": page, "slice_id": charts[0]["id"]},
        {"dashboardId": page, "type": "NATIVE_FILTER", "native_filter_id": "NATIVE_FILTER-product-team-feature"},
        {"dashboardId": superset.pages["finance"]},
    ]
    for form_data in disguises:
        answer = superset.query(SUPPORT, closed, metrics=[sql_metric("count(*)")], form_data=form_data)
        assert answer.status_code == 403, (form_data, answer.text)
    number = superset.datasets[closed]
    for path in (f"/api/v1/dataset/{number}", f"/api/v1/datasource/table/{number}/column/provider_name/values/"):
        assert superset.api(SUPPORT).get(path).status_code in REFUSED, path


TYPED = (
    "(select sum(effective_cost_usd) from finops.mart_spend_daily)",
    "(from finops.mart_spend_daily select sum(effective_cost_usd))",
    "max((with t as (from finops.mart_spend_daily) select sum(effective_cost_usd) from t))",
    "list_sum(array(select effective_cost_usd from finops.mart_spend_daily))",
    "(select billed_cost_usd from finops.mart_reconciliation limit 1)",
    "(select content from read_text('/etc/passwd'))",
    "(select count(*) from read_csv('/etc/passwd'))",
    "(select count(*) from read_parquet('{home}/lake/**/*.parquet'))",
    "(select value from duckdb_settings() limit 1)",
    "(select table_name from information_schema.tables limit 1)",
    "sum(effective_cost_usd) from finops.mart_spend_daily --",
    "sum(effective_cost_usd) as a from finops.mart_spend_daily union all select sum(effective_cost_usd)",
)


PLACES = ("metric", "column", "where", "order")


def typed_into(place: str, typed: str) -> dict[str, Any]:
    """A query with SQL that a reader typed in one of the places where it can be typed."""
    queries: dict[str, dict[str, Any]] = {
        "metric": {"metrics": [sql_metric(typed)]},
        "column": {"columns": [sql_metric(typed)]},
        "where": {"columns": ["team"], "extras": {"where": f"{typed} is not null"}},
        "order": {"columns": ["team"], "metrics": ["effective_cost"], "orderby": [[sql_metric(typed), False]]},
    }
    return queries[place]


@pytest.mark.parametrize(
    ("place", "typed"), [("metric", "max(team)"), ("column", "upper(team)"), ("where", "team"), ("order", "max(team)")]
)
def test_typed_sql_on_one_s_own_rows_is_answered(superset: Superset, place: str, typed: str) -> None:
    """What is refused below is refused for what it reads, not for being typed."""
    answer = superset.query(SUPPORT, SPEND, **typed_into(place, typed))
    assert answer.is_success, answer.text
    assert answer.json()["result"][0]["rowcount"] == 1


@pytest.mark.parametrize("typed", TYPED)
@pytest.mark.parametrize("place", PLACES)
def test_typed_sql_reads_nothing_else(superset: Superset, typed: str, place: str) -> None:
    """Sub-queries, other tables, files and settings, in each place where a reader may type SQL."""
    answer = superset.query(SUPPORT, SPEND, **typed_into(place, typed.format(home=superset.home)))
    assert answer.status_code in REFUSED, answer.text
    assert "root:" not in answer.text
    assert str(superset.value(TOTAL))[:10] not in answer.text


@pytest.mark.parametrize("where", ["1 = 1) or (1 = 1", "1 = 1 or 1 = 1", "1 = 1 -- ", "true /*", "1 = 1)) or ((1 = 1"])
def test_a_typed_condition_does_not_lift_the_rule(superset: Superset, where: str) -> None:
    """Brackets and comments end neither the rule of the team nor the statement."""
    answer = superset.query(SUPPORT, SPEND, columns=["team"], metrics=[sql_metric("count(*)")], extras={"where": where})
    if answer.is_success:
        assert {row["team"] for row in answer.json()["result"][0]["data"]} == {"support"}
    else:
        assert answer.status_code in REFUSED, answer.text


def test_exports_keep_the_rule(superset: Superset) -> None:
    """The CSV of a chart, its raw rows and the values of a filter hold the team's alone."""
    asked = {"columns": ["team", "feature"], "metrics": [sql_metric("count(*)")]}
    exported = superset.query(SUPPORT, SPEND, result_format="csv", **asked)
    assert exported.is_success, exported.text
    lines = exported.text.strip().splitlines()[1:]
    assert lines
    assert {line.split(",")[0] for line in lines} == {"support"}
    for result_type in ("samples", "drill_detail"):
        answer = superset.query(SUPPORT, SPEND, result_type=result_type, columns=["team"])
        if answer.is_success:
            assert {row["team"] for row in answer.json()["result"][0]["data"]} == {"support"}
        else:
            assert answer.status_code in REFUSED, answer.text
    values = superset.api(SUPPORT).get(f"/api/v1/datasource/table/{superset.datasets[SPEND]}/column/team/values/")
    assert values.status_code in REFUSED or values.json()["result"] == ["support"]


@pytest.mark.parametrize("username", [SUPPORT, FINANCE])
def test_readers_write_nothing(superset: Superset, username: str) -> None:
    """No query of one's own, no chart, page, dataset, database, rule, role or user, and nothing deleted."""
    api = superset.api(username)
    number = superset.datasets[SPEND]
    page = superset.pages["overview"]
    token = api.get("/api/v1/security/csrf_token/").json().get("result", "")
    chart = {"slice_name": "x", "viz_type": "table", "datasource_id": number, "datasource_type": "table"}
    other = "select * from finops.mart_reconciliation"
    rule = {"name": "x", "clause": "1 = 1", "filter_type": "Base", "tables": [number], "roles": [1]}
    file = {"database_name": "x", "sqlalchemy_uri": "duckdb:////tmp/x.duckdb"}
    attempts: list[tuple[str, str, dict[str, Any] | None]] = [
        ("POST", "/api/v1/sqllab/execute/", {"database_id": 1, "sql": "select 1", "schema": "finops"}),
        ("POST", "/api/v1/sqllab/estimate/", {"database_id": 1, "sql": "select 1"}),
        ("POST", "/api/v1/chart/", chart),
        ("PUT", "/api/v1/chart/1", {"slice_name": "x"}),
        ("DELETE", "/api/v1/chart/1", None),
        ("POST", "/api/v1/dashboard/", {"dashboard_title": "x"}),
        ("PUT", f"/api/v1/dashboard/{page}", {"dashboard_title": "x"}),
        ("DELETE", f"/api/v1/dashboard/{page}", None),
        ("POST", "/api/v1/dataset/", {"database": 1, "schema": "finops", "table_name": "mart_reconciliation"}),
        ("POST", "/api/v1/dataset/", {"database": 1, "table_name": "x", "sql": other}),
        ("PUT", f"/api/v1/dataset/{number}", {"sql": other}),
        ("DELETE", f"/api/v1/dataset/{number}", None),
        ("POST", "/api/v1/dataset/duplicate", {"base_model_id": number, "table_name": "x"}),
        ("POST", "/api/v1/database/", file),
        ("POST", "/api/v1/database/test_connection/", file),
        ("GET", "/api/v1/database/1/schemas/", None),
        ("GET", "/api/v1/database/1/table_metadata/?name=mart_reconciliation&schema=finops", None),
        ("GET", "/api/v1/rowlevelsecurity/", None),
        ("POST", "/api/v1/rowlevelsecurity/", rule),
        ("DELETE", "/api/v1/rowlevelsecurity/1", None),
        ("GET", "/api/v1/security/users/", None),
        ("POST", "/api/v1/security/roles/", {"name": "x"}),
        ("POST", "/api/v1/explore/form_data", {"datasource_id": number, "datasource_type": "table", "form_data": "{}"}),
        ("GET", f"/explore/?datasource_type=table&datasource_id={number}", None),
        ("GET", "/sqllab/", None),
        ("GET", "/api/v1/dashboard/export/?q=!(1)", None),
        ("GET", "/api/v1/assets/export/", None),
    ]
    for method, path, body in attempts:
        answer = api.request(method, path, json=body, headers={"X-CSRFToken": token, "Referer": superset.url})
        # A page that a reader may not open sends to the front page or the login.
        refused = answer.status_code in (*REFUSED, 302)
        assert refused, (method, path, answer.status_code, answer.text[:300])


def test_without_a_password_nothing_answers(superset: Superset) -> None:
    """No page, no chart, no list."""
    for path in ("/api/v1/dashboard/", "/api/v1/chart/", "/api/v1/dataset/"):
        answer = httpx.get(superset.url + path)
        assert answer.status_code == 401 or answer.json().get("count") == 0, path
    body = {
        "datasource": {"id": superset.datasets[SPEND], "type": "table"},
        "queries": [{"metrics": ["effective_cost"]}],
    }
    assert httpx.post(f"{superset.url}/api/v1/chart/data", json=body).status_code in REFUSED


def test_the_administrator_cannot_reach_beyond_the_file_either(superset: Superset) -> None:
    """SQL Lab opens the published tables, read-only, and no other file."""
    api = superset.api(ADMIN)

    def run(sql: str) -> tuple[int, str]:
        body = {"database_id": 1, "sql": sql, "schema": "finops", "client_id": os.urandom(5).hex(), "runAsync": False}
        token = api.get("/api/v1/security/csrf_token/").json()["result"]
        answer = api.post("/api/v1/sqllab/execute/", json=body, headers={"X-CSRFToken": token, "Referer": superset.url})
        return answer.status_code, answer.text

    status, text = run("select count(*) as rows_there from finops.mart_spend_daily")
    assert status == 200, text
    for sql in (
        "select * from read_text('/etc/passwd')",
        "select * from read_csv('/etc/passwd')",
        "attach '/tmp/x.duckdb' as x",
        "copy finops.mart_spend_daily to '/tmp/x.csv'",
        "set enable_external_access = true",
        "delete from finops.mart_spend_daily",
        "install httpfs",
    ):
        status, text = run(sql)
        assert status >= 400, (sql, text)
        assert "root:" not in text


def test_roles_hold_what_the_files_say(superset: Superset) -> None:
    """Nothing was granted beside the list: a permission too many is a door."""
    with closing(sqlite3.connect(superset.home / "bi" / "superset.db")) as connection:
        granted = connection.execute(
            """
            select ab_permission.name, ab_view_menu.name
            from ab_role
            inner join ab_permission_view_role on ab_permission_view_role.role_id = ab_role.id
            inner join ab_permission_view on ab_permission_view.id = ab_permission_view_role.permission_view_id
            inner join ab_permission on ab_permission.id = ab_permission_view.permission_id
            inner join ab_view_menu on ab_view_menu.id = ab_permission_view.view_menu_id
            where ab_role.name = ? and ab_permission.name <> 'datasource_access'
            """,
            [FINANCE_ROLE],
        ).fetchall()
    assert sorted(granted) == sorted(READING)


def test_a_new_publication_is_seen_and_none_is_held_up(superset: Superset, tmp_path: Path) -> None:
    """The next chart reads the file that was swapped in, and Superset keeps no lock on the one before."""
    kept = tmp_path / "kept.duckdb"
    shutil.copy2(superset.published, kept)
    changed = superset.published.with_name(".changed.duckdb")
    shutil.copy2(superset.published, changed)
    with duckdb.connect(str(changed)) as connection:
        connection.execute("update finops.mart_spend_daily set effective_cost_usd = effective_cost_usd * 3")

    def total() -> float:
        answer = superset.query(FINANCE, SPEND, metrics=[sql_metric("sum(effective_cost_usd)")])
        value: float = answer.json()["result"][0]["data"][0]["typed"]
        return value

    before = total()
    # A writer of the file that charts have just read: DuckDB refuses it for as long as any reader is connected.
    duckdb.connect(str(superset.published)).close()
    try:
        changed.replace(superset.published)
        assert total() == pytest.approx(3 * before)
    finally:
        shutil.copy2(kept, changed)
        changed.replace(superset.published)
    assert total() == pytest.approx(before)
