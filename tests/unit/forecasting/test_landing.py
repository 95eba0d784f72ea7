"""The rows that one cutoff lands: exact sums, ranges, totals, drivers, nowcasts, and how each forecast came about."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.budgets import Budget
from forecasting.forecast import SeriesForecast
from forecasting.history import LateDay
from forecasting.intervals import QUANTILES
from forecasting.landing import (
    COMPARED_DAYS,
    Landing,
    budget_ends,
    calendar_ends,
    coherent,
    scored_ends,
)
from forecasting.maturity import Completeness
from forecasting.outlook import Points, in_scenario, make_plan, moved, reconciled, with_changes
from forecasting.planned_changes import PlannedChange
from forecasting.series import FloatArray
from forecasting.study import SELECTED, STORED_MODELS
from forecasting.tables import SCHEMAS, quantile_column
from tests.unit.forecasting.company import CELLS, CUTOFF, HORIZON_DAYS, history_of, nodes, studies_of
from tests.unit.forecasting.series_of import series_of

START = CUTOFF + timedelta(days=11)
LAUNCH = PlannedChange(
    "launch", "Voice", "launch", "requests", START, daily_amount_usd=Decimal(12), team="docs", feature="voice"
)
BUDGETS = [
    Budget("org", (), "month", date.min, date.max),
    Budget("search", (("team", "search"),), "quarter", date(2026, 1, 1), date.max),
    Budget("rank", (("team", "search"), ("feature", "rank")), "custom", date(2026, 3, 10), date(2026, 4, 20)),
    Budget("claude", (("team", "search"), ("model_family", "claude")), "month", date.min, date.max),
    Budget("past", (), "month", date(2025, 1, 1), date(2026, 2, 28)),
    Budget("next", (), "month", date(2026, 5, 1), date.max),
]
LATE = {
    "total": {
        CUTOFF + timedelta(days=1): LateDay(Decimal("60.5"), is_estimated=False),
        CUTOFF + timedelta(days=2): LateDay(Decimal("61"), is_estimated=True),
        CUTOFF + timedelta(days=3): LateDay(Decimal("2"), is_estimated=True),
    },
    "team=docs": {CUTOFF + timedelta(days=1): LateDay(Decimal("4"), is_estimated=False)},
}

MARCH: dict[str, object] = {"period_start_date": date(2026, 3, 1), "period_end_date": date(2026, 3, 31)}

Row = dict[str, Any]


@pytest.fixture(scope="module")
def landing() -> Landing:
    """The company with budgets, a launch and three scenarios, landed as a run lands it."""
    history = history_of(budgets=BUDGETS, changes=[LAUNCH], late_days=LATE)
    plan, studies = make_plan(history), studies_of(history)
    relative = {
        study.series.series_id: np.random.default_rng(row).lognormal(0, 0.3, (200, HORIZON_DAYS))
        for row, study in enumerate(studies)
    }
    landing = Landing(history, plan, studies, relative)
    for model_name in STORED_MODELS:
        points = reconciled(studies, model_name)
        if model_name != SELECTED:
            landing.add(points, model_name, "base")
            continue
        laid = with_changes(points, plan)
        landing.add(moved(points, laid, plan), model_name, "base", laid)
        for growth in history.scenarios:
            grown = in_scenario(laid, growth)
            landing.add(moved(points, grown, plan), model_name, growth.name, grown)
    landing.add_series("base")
    landing.add_nowcasts()
    return landing


def rows(landing: Landing, table: str, **wanted: object) -> list[Row]:
    """Rows of a table with these values."""
    found: list[Row] = landing.rows(table).to_pylist()
    return [row for row in found if all(row[name] == value for name, value in wanted.items())]


# ---------------------------------------------------------------- exact sums

amounts = st.floats(min_value=0, max_value=1e6).map(lambda amount: 0.0 if amount < 1e-6 else amount)


@settings(max_examples=60)
@given(
    st.lists(st.lists(amounts, min_size=4, max_size=4), min_size=4, max_size=4),
    st.lists(amounts, min_size=9, max_size=9),
)
def test_every_dimension_sums_to_the_total_to_the_billionth(cells: list[list[float]], shares: list[float]) -> None:
    """For any points that agree as floats: in whole billionths every dimension has the same sum on every day."""
    points = {cell: np.array(daily) for cell, daily in zip(CELLS, cells, strict=True)}
    total = np.sum(list(points.values()), axis=0)
    share = (np.array(shares) + 1e-3) / (np.array(shares) + 1e-3).sum()
    providers = {f"p{row}": part * total for row, part in enumerate(share)}
    exact = coherent(Points(points, {"provider": providers}, {"b": np.array(cells[0])}))
    sums: defaultdict[str, Any] = defaultdict(lambda: np.zeros(4, dtype=np.int64))
    for (dimension, _), amounts_of_node in exact.items():
        assert amounts_of_node.dtype == np.int64
        sums[dimension] += amounts_of_node
        assert (amounts_of_node >= 0).all()
    assert set(sums) == {"total", "team", "feature", "team_feature", "provider", "budget"}
    for dimension in ("team", "feature", "team_feature", "provider"):
        assert (sums[dimension] == sums["total"]).all()
    assert np.abs(sums["total"] / 1e9 - total).max() < 1e-6


def test_stored_days_add_up_in_every_dimension_scenario_and_model(landing: Landing) -> None:
    """As the decimal text that is landed: equal to the last digit, never below zero."""
    sums: defaultdict[tuple[str, str, date], defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in rows(landing, "forecast_days"):
        cost = Decimal(row["forecast_cost_usd"])
        assert cost >= 0
        sums[row["scenario"], row["model_name"], row["cost_date"]][row["dimension_name"]] += cost
    stored = {(scenario, model) for scenario, model, _ in sums}
    assert stored == {("base", model) for model in STORED_MODELS} | {
        (scenario, SELECTED) for scenario in ("accelerated", "conservative", "s_curve")
    }
    dimensions = {name for name, _ in nodes()}
    for of_day in sums.values():
        assert set(of_day) == dimensions | {"budget"}
        assert {of_day[name] for name in dimensions} == {of_day["total"]}


def test_a_launch_is_in_every_stored_dimension(landing: Landing) -> None:
    """12 dollars from its day on: in the cell, which had no series, in its team, its feature, and what is unknown."""
    cell = rows(landing, "forecast_days", series_id="team_feature=docs/voice", scenario="base")
    assert [Decimal(row["forecast_cost_usd"]) for row in cell] == [Decimal(0)] * 10 + [Decimal(12)] * 110
    assert {row["series_id"] for row in rows(landing, "forecast_days")} >= {"feature=voice", "provider=unattributed"}
    grown = rows(landing, "forecast_days", series_id="feature=voice", scenario="accelerated")
    assert Decimal(grown[-1]["forecast_cost_usd"]) > Decimal(12)
    # It has no past of its own, so it is as sure as the total.
    spread = Decimal(cell[20]["upper_cost_usd"]) / Decimal(cell[20]["forecast_cost_usd"])
    total = rows(landing, "forecast_days", series_id="total", scenario="base", model_name=SELECTED)[20]
    assert spread == pytest.approx(
        Decimal(total["upper_cost_usd"]) / Decimal(total["forecast_cost_usd"]), abs=Decimal("1e-6")
    )


def test_compared_models_do_not_have_the_launch(landing: Landing) -> None:
    """They are what the history alone says."""
    assert {row["model_name"] for row in rows(landing, "forecast_days", series_id="feature=voice")} == {SELECTED}


# ---------------------------------------------------------------- days


def test_ranges_of_days_lie_around_their_point(landing: Landing) -> None:
    """p05 <= p50 <= p95, and lower <= forecast <= upper."""
    for row in rows(landing, "forecast_days", scenario="base"):
        p05, p50, p95, lower, point, upper = (
            Decimal(row[f"{name}_cost_usd"]) for name in ("p05", "p50", "p95", "lower", "forecast", "upper")
        )
        assert 0 <= p05 <= p50 <= p95
        assert p05 <= lower <= point <= upper <= max(p95, point)


def test_compared_models_keep_the_days_of_a_quarter(landing: Landing) -> None:
    """The shipped forecast has its whole horizon, the others 92 days: a tenth of a year's rows each."""
    for model_name in STORED_MODELS:
        days = [
            row["cost_date"]
            for row in rows(landing, "forecast_days", model_name=model_name, series_id="total", scenario="base")
        ]
        count = HORIZON_DAYS if model_name == SELECTED else COMPARED_DAYS
        assert days == [CUTOFF + timedelta(days=ahead) for ahead in range(1, count + 1)]


def test_no_day_is_landed_twice(landing: Landing) -> None:
    """One row per series, day, model and scenario; and the tables have the columns of the landing contract."""
    keys = [
        (row["series_id"], row["cost_date"], row["model_name"], row["scenario"])
        for row in rows(landing, "forecast_days")
    ]
    assert len(keys) == len(set(keys))
    for table, schema in SCHEMAS.items():
        assert landing.rows(table).schema.equals(schema)


# ---------------------------------------------------------------- totals


def test_quantiles_of_totals_rise_and_begin_at_what_was_spent(landing: Landing) -> None:
    """Nine levels, none below the actual days of the period."""
    for row in rows(landing, "forecast_periods"):
        levels = [Decimal(row[quantile_column(level)]) for level in QUANTILES]
        assert levels == sorted(levels)
        assert levels[0] >= Decimal(row["actual_to_cutoff_usd"]) >= 0


def test_a_running_month_begins_with_its_actual_days(landing: Landing) -> None:
    """26 days of March at 65 dollars, and five days to come."""
    [march] = rows(landing, "forecast_periods", series_id="total", scenario="base", period_name="month", **MARCH)
    assert march["period_end_date"] == date(2026, 3, 31)
    assert Decimal(march["actual_to_cutoff_usd"]) == 26 * 65
    assert Decimal(march["total_p50_usd"]) == pytest.approx(Decimal(31 * 65), rel=Decimal("0.05"))


def test_a_day_of_a_burn_down_is_the_total_up_to_it(landing: Landing) -> None:
    """The last day of a team's quarter is the quarter of the calendar, quantile by quantile."""
    wanted: dict[str, object] = {"series_id": "team=search", "scenario": "base", "period_end_date": date(2026, 3, 31)}
    [quarter] = rows(landing, "forecast_periods", period_name="quarter", **wanted)
    [last] = rows(landing, "forecast_periods", period_name="to_date", **wanted)
    for level in QUANTILES:
        expected = Decimal(quarter[quantile_column(level)])
        assert Decimal(last[quantile_column(level)]) == pytest.approx(expected, abs=Decimal("1e-8"))


def to_dates(landing: Landing, series_id: str) -> dict[date, list[date]]:
    """Ends of the burn-down of a series by the first day of their period, in the base."""
    found: defaultdict[date, list[date]] = defaultdict(list)
    for row in rows(landing, "forecast_periods", series_id=series_id, period_name="to_date", scenario="base"):
        found[row["period_start_date"]].append(row["period_end_date"])
    return dict(found)


def between(first: date, last: date) -> list[date]:
    return [first + timedelta(days=day) for day in range((last - first).days + 1)]


def test_every_day_of_running_and_next_budget_periods_has_its_total(landing: Landing) -> None:
    """Months of the whole, quarters of a team, a custom span of a cell, and months of a budget of its own scope."""
    first = CUTOFF + timedelta(days=1)
    assert to_dates(landing, "total") == {
        date(2026, 3, 1): between(first, date(2026, 3, 31)),
        date(2026, 4, 1): between(date(2026, 4, 1), date(2026, 4, 30)),
        date(2026, 5, 1): between(date(2026, 5, 1), date(2026, 5, 31)),
    }
    assert to_dates(landing, "team=search") == {
        date(2026, 1, 1): between(first, date(2026, 3, 31)),
        date(2026, 4, 1): between(date(2026, 4, 1), date(2026, 6, 30)),
    }
    assert to_dates(landing, "team_feature=search/rank") == {date(2026, 3, 10): between(first, date(2026, 4, 20))}
    assert list(to_dates(landing, "budget=claude")) == [date(2026, month, 1) for month in (3, 4, 5)]
    assert to_dates(landing, "team=docs") == {}


def test_budgets_are_judged_by_what_is_expected_and_by_the_shipped_model(landing: Landing) -> None:
    """No burn-down in a growth scenario, nor by a model that is only compared with."""
    burn_downs = rows(landing, "forecast_periods", period_name="to_date")
    assert {(row["scenario"], row["model_name"]) for row in burn_downs} == {("base", SELECTED)}


def test_totals_are_scored_at_the_same_horizons_for_every_model(landing: Landing) -> None:
    """7, 30 and 90 of 120 days: from the day after the cutoff, without actual days."""
    for model_name in STORED_MODELS:
        ahead = rows(
            landing, "forecast_periods", series_id="team=docs", model_name=model_name, period_name="days_ahead"
        )
        ahead = [row for row in ahead if row["scenario"] == "base"]
        assert [(row["period_end_date"] - CUTOFF).days for row in ahead] == [7, 30, 90]
        assert {row["period_start_date"] for row in ahead} == {CUTOFF + timedelta(days=1)}
        assert {Decimal(row["actual_to_cutoff_usd"]) for row in ahead} == {Decimal(0)}


def test_no_total_is_landed_twice(landing: Landing) -> None:
    """One row per series, period, model and scenario."""
    period = ("period_name", "period_start_date", "period_end_date")
    keys = [
        tuple(row[name] for name in (*period, "series_id", "model_name", "scenario"))
        for row in rows(landing, "forecast_periods")
    ]
    assert len(keys) == len(set(keys))


def forecast_of(cutoff: date, horizon_days: int) -> SeriesForecast:
    return SeriesForecast(series_of([1]), "m", cutoff, np.ones(horizon_days), np.ones((1, horizon_days)))


def test_calendar_periods_are_those_that_end_within_the_horizon() -> None:
    """From 26 March, 100 days: four months with the running one, one and a half quarters, no year."""
    ends = list(calendar_ends(forecast_of(CUTOFF, 100)))
    assert [start for name, start, _ in ends if name == "month"] == [date(2026, month, 1) for month in (3, 4, 5, 6)]
    assert [end for name, _, end in ends if name == "quarter"] == [date(2026, 3, 31), date(2026, 6, 30)]
    assert not [name for name, _, _ in ends if name == "year"]
    assert ("year", date(2026, 1, 1), date(2026, 12, 31)) in list(calendar_ends(forecast_of(CUTOFF, 280)))


def test_a_period_that_ended_with_the_cutoff_is_over() -> None:
    """At the end of March the first month is April."""
    assert next(calendar_ends(forecast_of(date(2026, 3, 31), 30)))[1] == date(2026, 4, 1)


def test_horizons_beyond_the_forecast_are_not_scored() -> None:
    """A forecast of 60 days has totals of 7 and 30."""
    ends = [(end - CUTOFF).days for _, _, end in scored_ends(forecast_of(CUTOFF, 60))]
    assert ends == [7, 30]
    assert [(end - CUTOFF).days for _, _, end in scored_ends(forecast_of(CUTOFF, 365))] == [7, 30, 90, 365]


def test_a_burn_down_ends_with_the_horizon() -> None:
    """A budget of a year that the forecast does not reach the end of."""
    year = Budget("y", (), "year", date.min, date.max)
    ends = [end for _, _, end in budget_ends(forecast_of(CUTOFF, 10), [year])]
    assert ends == between(CUTOFF + timedelta(days=1), CUTOFF + timedelta(days=10))


def test_two_budgets_on_one_series_share_their_rows(landing: Landing) -> None:
    """Months of `org` and `next` in May: the same totals, landed once (the key test would see two)."""
    may = to_dates(landing, "total")[date(2026, 5, 1)]
    assert len(may) == len(set(may)) == 31


# ---------------------------------------------------------------- how it came about


def test_every_series_says_what_was_known_and_how_it_was_forecast(landing: Landing) -> None:
    """One row each, with kind, confidence, reason, and weights that sum to one at every horizon."""
    found = {row["series_id"]: row for row in rows(landing, "forecast_series")}
    assert set(found) == {one.series_id for one in landing.history.series}
    for row in found.values():
        assert (row["series_kind"], row["confidence"], row["scenario"]) == ("regular", "high", "base")
        assert row["selection_reason"] == "7 days: told by the test; Prophet as flat"
        assert (row["first_cost_date"], row["history_days"]) == (date(2026, 1, 1), 85)
        assert Decimal(row["mase_scale_usd"]) == Decimal("1.5")
        weights = json.loads(row["weights_json"])
        assert list(weights) == ["30", "365", "7", "90"]
        for at in weights.values():
            assert sum(at.values()) == pytest.approx(1, abs=0.001)


def test_drivers_multiply_to_the_cost_of_each_month(landing: Landing) -> None:
    """Requests x tokens per request x dollars per million tokens; the months sum to the days."""
    for scenario in ("base", "accelerated"):
        months = rows(landing, "forecast_drivers", series_id="team=search", scenario=scenario)
        assert [row["period_start_date"] for row in months] == [date(2026, month, 1) for month in (3, 4, 5, 6, 7)]
        for row in months:
            requests, tokens, price = (
                Decimal(row[name]) for name in ("forecast_requests", "tokens_per_request", "usd_per_mtok")
            )
            product_usd = requests * tokens * price / 1_000_000
            assert product_usd == pytest.approx(Decimal(row["forecast_cost_usd"]), abs=Decimal("1e-8"))
        days = rows(landing, "forecast_days", series_id="team=search", scenario=scenario, model_name=SELECTED)
        assert sum(Decimal(row["forecast_cost_usd"]) for row in months) == sum(
            Decimal(row["forecast_cost_usd"]) for row in days
        )


def test_a_launch_without_metered_tokens_has_no_drivers(landing: Landing) -> None:
    """Nothing is known of its prompts: the cost stands alone."""
    for row in rows(landing, "forecast_drivers", series_id="team_feature=docs/voice"):
        assert (row["forecast_requests"], row["tokens_per_request"], row["usd_per_mtok"]) == (None, None, None)


# ---------------------------------------------------------------- nowcasts


def base_days(landing: Landing, series_id: str) -> Mapping[date, Decimal]:
    found = rows(landing, "forecast_days", series_id=series_id, scenario="base", model_name=SELECTED)
    return {row["cost_date"]: Decimal(row["forecast_cost_usd"]) for row in found}


def test_days_after_the_cutoff_are_estimated_from_what_is_known(landing: Landing) -> None:
    """Without a curve the forecast stands in unless more is known; an estimated day is whole unless absurdly low."""
    found = {row["cost_date"]: row for row in rows(landing, "forecast_nowcasts", series_id="total")}
    forecast = base_days(landing, "total")
    first, second, third = (CUTOFF + timedelta(days=ahead) for ahead in (1, 2, 3))
    assert list(found) == [first, second, third]
    nearly = Decimal("1e-6")
    assert Decimal(found[first]["nowcast_cost_usd"]) == pytest.approx(max(Decimal("60.5"), forecast[first]), abs=nearly)
    assert Decimal(found[second]["nowcast_cost_usd"]) == Decimal(61)
    assert Decimal(found[third]["nowcast_cost_usd"]) == pytest.approx(forecast[third], abs=nearly)
    assert {row["completeness_ratio"] for row in found.values()} == {None}
    assert Decimal(found[third]["known_cost_usd"]) == Decimal(2)


def burnt(landing: Landing, day: date) -> list[Decimal]:
    """Quantiles of what the whole will have burnt since the cutoff, up to a day of the running month."""
    wanted: dict[str, object] = {**MARCH, "period_end_date": day, "series_id": "total", "scenario": "base"}
    [row] = rows(landing, "forecast_periods", period_name="to_date", **wanted)
    return [Decimal(row[quantile_column(level)]) - Decimal(row["actual_to_cutoff_usd"]) for level in QUANTILES]


def landed_with(late: LateDay, completeness: Completeness | None = None) -> Landing:
    """The company with a monthly budget, of whose first day after the cutoff something is known."""
    history = history_of(budgets=BUDGETS, late_days={"total": {CUTOFF + timedelta(days=1): late}})
    plan, studies = make_plan(history), studies_of(history)
    noise = np.random.default_rng(1).lognormal(0, 0.3, (200, HORIZON_DAYS))
    landing = Landing(history, plan, studies, {study.series.series_id: noise for study in studies}, completeness)
    points = reconciled(studies, SELECTED)
    landing.add(points, SELECTED, "base", with_changes(points, plan))
    return landing


def test_a_runaway_day_burns_a_budget_before_its_bill_has_settled() -> None:
    """1,000 dollars of the day after the cutoff are spent on every path, and the days after them come on top."""
    calm, wild = (landed_with(LateDay(Decimal(cost), is_estimated=True)) for cost in (65, 1000))
    first, last = CUTOFF + timedelta(days=1), date(2026, 3, 31)
    assert burnt(calm, first) == [65] * len(QUANTILES)
    assert burnt(wild, first) == [1000] * len(QUANTILES)
    for before, after in zip(burnt(calm, last), burnt(wild, last), strict=True):
        assert after - before == pytest.approx(Decimal(935), abs=Decimal("1e-6"))
        assert before > 65


def test_what_is_still_to_come_of_a_day_keeps_its_spread_in_a_budget() -> None:
    """40 dollars of a day are known, half is to come: 40 + path / 2. Without a curve: what 40 lacks of the forecast."""
    late, day = LateDay(Decimal(40), is_estimated=False), CUTOFF + timedelta(days=1)
    ages = dict.fromkeys(product(("openai", "anthropic"), (day,)), 0)
    half = Completeness({"openai": {0: 0.5}, "anthropic": {0: 0.5}}, ages)
    lognormal = np.random.default_rng(1).lognormal(0, 0.3, (200, HORIZON_DAYS))[:, 0]
    paths = lognormal * float(base_days(landed_with(late), "total")[day])
    lacking = 1 - 40 / float(base_days(landed_with(late), "total")[day])
    for completeness, expected in ((half, 40 + paths / 2), (None, 40 + lacking * paths)):
        found = [float(amount) for amount in burnt(landed_with(late, completeness), day)]
        assert found == pytest.approx(np.quantile(expected, QUANTILES).tolist(), abs=1e-6)


def test_nowcasts_are_made_of_one_share_for_all_series(landing: Landing) -> None:
    """What is known of each, and of the rest the same share of each forecast: so they add up as both do."""
    day = CUTOFF + timedelta(days=1)
    found = {row["series_id"]: row for row in rows(landing, "forecast_nowcasts", cost_date=day)}
    lacking = 1 - Decimal("60.5") / base_days(landing, "total")[day]
    for series_id in ("total", "team=docs", "team=search", "provider=openai"):
        known = Decimal({"total": "60.5", "team=docs": "4"}.get(series_id, "0"))
        expected = known + max(lacking, Decimal(0)) * base_days(landing, series_id)[day]
        assert Decimal(found[series_id]["nowcast_cost_usd"]) == pytest.approx(expected, abs=Decimal("1e-6"))


def test_a_curve_of_completeness_says_what_is_missing() -> None:
    """80 % of OpenAI and 50 % of Anthropic are usually known at that age, at 45 and 20 dollars a day.

    Completeness (45 x 0.8 + 20 x 0.5) / 65 = 0.707692; nowcast 60.5 + 0.292308 x forecast.
    """
    history = history_of(late_days=LATE)
    plan, studies = make_plan(history), studies_of(history)
    relative = {study.series.series_id: np.ones((2, HORIZON_DAYS)) for study in studies}
    day = CUTOFF + timedelta(days=1)
    ages = dict.fromkeys(product(("openai", "anthropic"), (day,)), 0)
    completeness = Completeness({"openai": {0: 0.8}, "anthropic": {0: 0.5}}, ages)
    landing = Landing(history, plan, studies, relative, completeness)
    points = reconciled(studies, SELECTED)
    landing.add(points, SELECTED, "base", with_changes(points, plan))
    landing.add_nowcasts()
    row = rows(landing, "forecast_nowcasts", series_id="total", cost_date=day)[0]
    assert row["completeness_ratio"] == "0.707692"
    forecast = base_days(landing, "total")[day]
    assert Decimal(row["nowcast_cost_usd"]) == Decimal("60.5") + Decimal("0.292308") * forecast


def test_paths_of_zero_points_are_zero() -> None:
    """A silent series has rows of zeros, and no range."""
    history = history_of(scenarios=())
    plan, studies = make_plan(history), studies_of(history)
    nothing: FloatArray = np.zeros(HORIZON_DAYS)
    landing = Landing(history, plan, studies, {"total": np.full((3, HORIZON_DAYS), 2.0)})
    landing.add(Points({("a", "x"): nothing}, {"provider": {"openai": nothing}}, {}), SELECTED, "base")
    for row in rows(landing, "forecast_days"):
        assert {Decimal(row[name]) for name in row if name.endswith("_usd")} == {Decimal(0)}
    ahead = rows(landing, "forecast_periods", period_name="days_ahead")
    assert {Decimal(row["total_p99_usd"]) for row in ahead} == {Decimal(0)}
