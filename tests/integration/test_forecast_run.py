"""From a ledger in DuckDB to forecasts in the lake."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from forecasting.forecast import Forecaster
from forecasting.models.base import ForecastModel
from forecasting.models.baselines import RecentMean, SeasonalNaive
from forecasting.models.prophet_model import ProphetModel
from forecasting.run import read_ledger, run_forecasts
from ingestion.lake import Lake, Load
from tests.unit.forecasting.series_of import series_of, weekly_growth

pytestmark = pytest.mark.integration

FIRST_DAY = date(2026, 6, 1)
DAYS = 150
NOW = datetime(2026, 10, 29, 6, tzinfo=UTC)
CUTOFF = date(2026, 10, 26)
"""Three days before NOW: the last two past days of one provider have no bill yet."""

QUICK: list[ForecastModel] = [SeasonalNaive(), RecentMean()]

BUDGETS = """
    ('org', null, null, null, null, null, null, 'month', date '0001-01-01', date '9999-12-31'),
    ('search', 'search', null, null, null, null, null, 'quarter', date '2026-01-01', date '9999-12-31'),
    ('rank', 'search', 'rank', null, null, null, null, 'custom', date '2026-10-10', date '2026-11-20'),
    ('past', null, null, null, 'openai', null, null, 'month', date '2026-01-01', date '2026-08-31'),
    ('ghost', 'nobody', null, null, null, null, null, 'month', date '2026-01-01', date '9999-12-31'),
    ('customer', null, null, null, null, null, 'c1', 'month', date '2026-01-01', date '9999-12-31')
"""


class ListingLake:
    """Keeps what is landed, by table and account."""

    def __init__(self) -> None:
        self.landed: dict[tuple[str, str], pa.Table] = {}

    def land(self, table: str, source: str, rows: pa.Table, *, account_id: str) -> tuple[str, str]:
        assert source == "forecasting"
        self.landed[(table, account_id)] = rows
        return table, account_id


def ledger_rows() -> Iterator[tuple[date, str, str | None, str, Decimal | None, str]]:
    scopes = (
        ("search", "chat", "openai"),
        ("search", "rank", "anthropic"),
        ("docs", "gen", "openai"),
        (None, "", "openai"),
    )
    for number, (team, feature, provider) in enumerate(scopes):
        for offset, cost in enumerate(weekly_growth(DAYS, level=50 + 30 * number, seed=number)):
            day = FIRST_DAY + timedelta(days=offset)
            maturity = "estimated" if provider == "anthropic" and day > CUTOFF else "billed"
            yield day, provider, team, feature, Decimal(str(cost)), maturity
    yield FIRST_DAY, "openai", "docs", "gen", None, "estimated"


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """A warehouse with the ledger and the budgets of a small company."""
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema core; create schema staging")
        connection.execute(
            "create table core.fct_cost_ledger (usage_date date, provider_name varchar, team varchar, feature varchar, "
            "effective_cost_usd decimal(38, 18), maturity varchar, model_id varchar, environment varchar)"
        )
        connection.executemany(
            "insert into core.fct_cost_ledger values (?, ?, ?, ?, ?, ?, 'm', 'prod')", list(ledger_rows())
        )
        connection.execute(
            "create table staging.stg_config__budgets as select *, null as model_family, null as customer_segment, "
            "1 as fiscal_year_start_month, true as is_current from (values "
            + BUDGETS
            + ") as rows(budget_id, team, feature, environment, provider_name, model_id, customer_id, period, "
            "valid_from_date, valid_to_date)"
        )
    return path


def test_the_ledger_gives_mature_series_of_every_scope(warehouse: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Total, teams and budgets with a scope of their own, up to the day that every bill covers; odd ones are named."""
    history = read_ledger(warehouse, NOW.date())
    assert history is not None
    assert history.cutoff == CUTOFF
    assert [one.series_id for one in history.series] == [
        "total",
        "team=docs",
        "team=search",
        "team=unattributed",
        "provider=openai",
        "team_feature=search/rank",
    ]
    total, *teams = history.series[:4]
    assert total.costs == tuple(sum(day, Decimal(0)) for day in zip(*(team.costs for team in teams), strict=True))
    assert "ghost" in caplog.text
    assert "team nobody" in caplog.text
    assert "customer" in caplog.text


def test_stored_teams_add_up_to_the_stored_total(warehouse: Path) -> None:
    """To the last decimal, on every day and for every model, and so do the known days of every month."""
    lake = ListingLake()
    run_forecasts(warehouse, lake, NOW, horizon_days=60, models=[*QUICK, ProphetModel()])
    days = lake.landed[("forecast_days", f"base-{CUTOFF}")].to_pylist()
    sums: dict[tuple[str, date], dict[str, Decimal]] = {}
    for row in days:
        kinds = sums.setdefault((row["model_name"], row["cost_date"]), {})
        kinds[row["dimension_name"]] = kinds.get(row["dimension_name"], Decimal(0)) + Decimal(row["forecast_cost_usd"])
    assert len(sums) == 3 * 60
    assert all(kinds["total"] == kinds["team"] for kinds in sums.values())
    periods = lake.landed[("forecast_periods", f"base-{CUTOFF}")].to_pylist()
    known = {"total": Decimal(0), "team": Decimal(0)}
    for row in periods:
        if row["period_name"] == "month" and row["dimension_name"] in known:
            known[row["dimension_name"]] += Decimal(row["actual_to_cutoff_usd"])
    assert known["total"] == known["team"] > 0


def test_periods_hold_months_and_the_burn_down_of_every_budget(warehouse: Path) -> None:
    """Rising quantiles of totals: calendar months of total and teams, and every day of the budgets that still run."""
    lake = ListingLake()
    run_forecasts(warehouse, lake, NOW, horizon_days=100, models=[RecentMean()])
    rows = lake.landed[("forecast_periods", f"base-{CUTOFF}")].to_pylist()
    for row in rows:
        levels = [Decimal(row[name]) for name in row if name.startswith("total_p")]
        assert levels == sorted(levels)
        assert levels[0] >= Decimal(row["actual_to_cutoff_usd"])
    months = [row["period_start_date"] for row in rows if row["series_id"] == "total" and row["period_name"] == "month"]
    assert months == [date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)]
    burn = [row for row in rows if row["period_name"] == "to_date"]
    assert {row["series_id"] for row in burn} == {"total", "team=search", "team_feature=search/rank"}
    rank = [row for row in burn if row["series_id"] == "team_feature=search/rank"]
    assert [row["period_end_date"] for row in rank] == [CUTOFF + timedelta(days=ahead) for ahead in range(1, 26)]
    assert {row["period_start_date"] for row in rank} == {date(2026, 10, 10)}


def test_backfilled_cutoffs_say_so_and_see_nothing_later(warehouse: Path) -> None:
    """Forecasts made afterwards are scenario ``backtest``; changed later days of the ledger leave them as they are."""
    before, after = ListingLake(), ListingLake()
    run_forecasts(warehouse, before, NOW, horizon_days=30, backfill_cutoffs=2, models=QUICK)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            "update core.fct_cost_ledger set effective_cost_usd = 1e6 where usage_date > date '2026-10-19'"
        )
    run_forecasts(warehouse, after, NOW, horizon_days=30, backfill_cutoffs=2, models=QUICK)
    accounts = [account for table, account in before.landed if table == "forecast_days"]
    assert len(accounts) == 3
    assert [account.split("-")[0] for account in accounts] == ["backtest", "backtest", "base"]
    for account in accounts[:2]:
        assert before.landed[("forecast_days", account)].equals(after.landed[("forecast_days", account)])
        assert set(before.landed[("forecast_days", account)]["scenario"].to_pylist()) == {"backtest"}
    assert not before.landed[("forecast_days", accounts[2])].equals(after.landed[("forecast_days", accounts[2])])


def test_a_second_run_lands_nothing_new(warehouse: Path, tmp_path: Path) -> None:
    """Same ledger, cutoff and seed: every load is skipped. A restated day makes a new load of the same cutoff."""
    lake = Lake(tmp_path / "lake", clock=lambda: NOW)

    def loads() -> list[Load]:
        return run_forecasts(warehouse, lake, NOW, horizon_days=30, backfill_cutoffs=1, models=QUICK)

    assert [load.skipped for load in loads()] == [False] * 4
    assert [load.skipped for load in loads()] == [True] * 4
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            "update core.fct_cost_ledger set effective_cost_usd = 3 where usage_date = date '2026-10-20'"
        )
    assert [load.skipped for load in loads()] == [True, True, False, False]


def test_another_seed_changes_ranges_and_no_point(warehouse: Path) -> None:
    """The seed belongs to the paths only."""
    tables = []
    for seed in (1, 2):
        lake = ListingLake()
        run_forecasts(warehouse, lake, NOW, horizon_days=30, seed=seed, models=QUICK)
        tables.append(lake.landed[("forecast_days", f"base-{CUTOFF}")])
    assert tables[0]["forecast_cost_usd"].equals(tables[1]["forecast_cost_usd"])
    assert not tables[0]["lower_cost_usd"].equals(tables[1]["lower_cost_usd"])


def test_an_empty_ledger_lands_nothing(warehouse: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing to forecast is said, and is no error."""
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("delete from core.fct_cost_ledger")
    lake = ListingLake()
    assert run_forecasts(warehouse, lake, NOW) == []
    assert lake.landed == {}
    assert "nothing to forecast" in caplog.text


def test_a_ledger_of_one_day_is_forecast(warehouse: Path) -> None:
    """The first day of a new company already has a forecast, with a wide range."""
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("delete from core.fct_cost_ledger where usage_date > ?", [FIRST_DAY])
    lake = ListingLake()
    run_forecasts(warehouse, lake, datetime(2026, 6, 2, 6, tzinfo=UTC), horizon_days=30, backfill_cutoffs=3)
    assert list(lake.landed) == [("forecast_days", f"base-{FIRST_DAY}"), ("forecast_periods", f"base-{FIRST_DAY}")]
    first = lake.landed[("forecast_days", f"base-{FIRST_DAY}")].to_pylist()[0]
    assert Decimal(first["lower_cost_usd"]) < Decimal(first["forecast_cost_usd"]) < Decimal(first["upper_cost_usd"])


def test_the_shipped_model_beats_naive_on_trend_and_week() -> None:
    """On a fixed series with trend, week and noise, Prophet's 30-day totals miss by less than half of the baselines."""
    series = series_of(weekly_growth(240))
    cutoffs = [series.first_day + timedelta(days=days) for days in (90, 120, 150, 180, 209)]
    forecaster = Forecaster([series], horizon_days=30, seed=1)

    def missed(model: ForecastModel) -> float:
        errors = []
        for cutoff in cutoffs:
            forecast = forecaster.forecast(model, cutoff)[0]
            errors.append(abs(forecast.daily.sum() - series.actuals(forecast.first_day, 30).sum()))
        return float(np.sum(errors))

    shipped = missed(ProphetModel())
    assert shipped < 0.5 * missed(SeasonalNaive())
    assert shipped < 0.5 * missed(RecentMean())
