"""Chart files: one for each subject, drawn from the marts, replaced when they change and deleted when they are gone."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from orchestration.charts import FORMATS, file_stem, inline_image, shown_charts, write_charts

TABLES = """
create schema core; create schema finops; create schema staging; create schema intermediate;
create table core.dim_dates as
    select cast(unnest(generate_series(date '2026-08-01', date '2027-12-31', interval 1 day)) as date) as date_day;
create table intermediate.int_series_costs_daily as
    select series_id, cast(3.5 as decimal(38, 18)) as effective_cost_usd, date_day as cost_date
    from core.dim_dates cross join (values ('total'), ('team=search')) as series (series_id)
    where date_day between '2026-08-20' and '2026-11-21' and date_day <> '2026-09-01';
create table finops.mart_forecast_daily as
    select
        series_id, split_part(series_id, '=', 1) as dimension_name, scenario, true as is_shipped_model,
        date '2026-11-19' as cutoff_date, date_day as cost_date,
        cast(4 as decimal(38, 18)) as forecast_cost_usd, cast(3 as decimal(38, 18)) as lower_cost_usd,
        cast(6 as decimal(38, 18)) as upper_cost_usd, cast(2 as decimal(38, 18)) as p05_cost_usd,
        cast(4 as decimal(38, 18)) as p50_cost_usd, cast(7 as decimal(38, 18)) as p95_cost_usd,
        scenario = 'base' and date_day <= '2026-11-21' as is_nowcast
    from core.dim_dates
    cross join (values ('total'), ('team=search'), ('provider=openai')) as series (series_id)
    cross join (values ('base'), ('accelerated')) as scenarios (scenario)
    where date_day > '2026-11-19' and date_day <= '2027-11-19';
create table finops.mart_forecast_monthly as
    select
        series_id, 'base' as scenario, true as is_shipped_model, cost_month,
        90 as total_p10_usd, 120 as total_p50_usd, 150 as total_p90_usd
    from (values ('total'), ('team=search')) as series (series_id)
    cross join (values (date '2026-11-01'), (date '2026-12-01'), (date '2027-01-01')) as months (cost_month);
create table staging.stg_config__planned_changes as
    select * from (
        values ('a', 'cheaper mini', date '2026-12-01', null), ('b', 'new chat', date '2027-02-01', 'support')
    ) as changes (change_id, change_name, start_date, team);
create table finops.mart_budget_status as
    select
        *, true as is_latest, date '2026-11-01' as period_start_date, date '2026-11-30' as period_end_date
    from (
        values
            ('calm', 'Calm', 'ok', 0.1, null, date '2026-11-21'),
            ('hot', 'Hot', 'at_risk', 0.9, date '2026-11-25', date '2026-11-21'),
            ('old', 'Old', 'ended', 1.0, date '2026-11-02', date '2026-11-30')
    ) as budgets (budget_id, budget_name, status, breach_probability, breach_date, assessment_date);
create table finops.mart_budget_burndown as
    select
        budget_id, burn_date, 100 as budget_usd, is_forecast, ideal_spent_usd, period_start_date, period_end_date,
        case when not is_forecast then total_usd end as spent_usd,
        case when is_forecast then total_usd - 5 end as forecast_p10_usd,
        case when is_forecast then total_usd end as forecast_p50_usd,
        case when is_forecast then total_usd + 9 end as forecast_p90_usd
    from (
        select
            budget_id, date_day as burn_date, date_day > '2026-11-21' as is_forecast,
            date '2026-11-01' as period_start_date, date '2026-11-30' as period_end_date,
            day(date_day) * 3.3 as ideal_spent_usd, day(date_day) * 4.0 as total_usd
        from core.dim_dates cross join (values ('calm'), ('hot'), ('old')) as budgets (budget_id)
        where date_day between '2026-11-01' and '2026-11-30'
    ) as days;
"""


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """A warehouse with two series and two running budgets."""
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(TABLES)
    return path


def change(warehouse: Path, sql: str) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(sql)


def test_total_teams_and_running_budgets_have_a_picture(warehouse: Path, tmp_path: Path) -> None:
    """Other dimensions and ended periods have none; the most endangered budget comes first."""
    charts = write_charts(warehouse, tmp_path / "forecast")
    assert [chart.subject for chart in charts] == ["total", "team=search", "budget=hot", "budget=calm"]
    names = {path.name for path in (tmp_path / "forecast").iterdir()}
    stems = ("total", "team-search", "budget-hot", "budget-calm")
    assert names == {f"{stem}.{suffix}" for stem in stems for suffix in FORMATS}
    assert charts[0].paths["png"].read_bytes().startswith(b"\x89PNG")


def test_a_picture_tells_of_the_next_whole_month_and_of_the_changes_of_its_team(
    warehouse: Path, tmp_path: Path
) -> None:
    """December for a cutoff in November; what another team plans is not on it, but it is on that of all spend."""
    charts = {chart.subject: chart.paths["svg"].read_text() for chart in write_charts(warehouse, tmp_path / "charts")}
    assert "Team search: $120 expected in December 2026, 80 % between $90.00 and $150" in charts["team=search"]
    assert "cheaper mini" in charts["team=search"]
    assert "new chat" not in charts["team=search"]
    assert "new chat" in charts["total"]
    assert "Hot: expected to pass $100 on 25 Nov, 90 % risk" in charts["budget=hot"]


def test_an_unchanged_picture_is_left_alone_and_one_without_a_subject_is_deleted(
    warehouse: Path, tmp_path: Path
) -> None:
    """So that whoever copies the folder sees what changed; files of others in it are not touched."""
    folder = tmp_path / "forecast"
    write_charts(warehouse, folder)
    (folder / "notes.txt").write_text("mine")
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    change(warehouse, "delete from finops.mart_budget_status where budget_id = 'calm'")
    write_charts(warehouse, folder)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == {
        path: at for path, at in before.items() if path.stem != "budget-calm"
    }


def test_without_a_forecast_there_is_nothing_to_draw(warehouse: Path, tmp_path: Path) -> None:
    """The first days of a home."""
    change(warehouse, "delete from finops.mart_forecast_daily; delete from finops.mart_budget_status")
    assert write_charts(warehouse, tmp_path / "forecast") == []


def test_an_amount_without_an_exchange_rate_has_no_picture(warehouse: Path, tmp_path: Path) -> None:
    """There is no line to burn down to."""
    change(warehouse, "update finops.mart_budget_burndown set budget_usd = null where budget_id = 'hot'")
    assert "budget=hot" not in [chart.subject for chart in write_charts(warehouse, tmp_path / "forecast")]


def test_the_graph_shows_all_spend_and_the_most_endangered_budget(warehouse: Path, tmp_path: Path) -> None:
    """As images within the text, not as links to files that the next run replaces."""
    shown = shown_charts(write_charts(warehouse, tmp_path / "forecast"))
    assert {name: path.name for name, path in shown.items()} == {
        "all spend": "total.png",
        "most endangered budget": "budget-hot.png",
    }
    assert inline_image("all spend", shown["all spend"]).startswith("![all spend](data:image/png;base64,iVBOR")
    assert shown_charts([]) == {}


@pytest.mark.parametrize(
    "subject", ["team=Search", "team=../../etc", "team=search & ads", "team=search-ads", "team=a=b", "team="]
)
def test_any_name_of_a_team_is_a_file_name_of_its_own(subject: str) -> None:
    """No path leads out of the folder, and no two teams share a file."""
    others = {"team=search", "team=search ads", "team=search-ads"} - {subject}
    assert set(file_stem(subject)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert file_stem(subject) not in {file_stem(other) for other in others}
