"""Rolling origins, and tidy tables of what the shipped models would have said."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.backtest import Backtest, Origin, rolling_origins, run_backtest
from forecasting.errors import SeriesError
from forecasting.models.prophet_default import NAME as PROPHET_DEFAULT
from forecasting.series import DailySeries
from forecasting.study import STORED_MODELS
from tests.unit.forecasting.series_of import FIRST_DAY, poisoned_after, series_of, weekly_growth

# ---------------------------------------------------------------- origins


@given(st.integers(1, 900), st.integers(1, 8), st.integers(1, 400))
def test_origins_of_any_series_keep_their_promises(days: int, count: int, horizon: int) -> None:
    """Four weeks of history (or half of a shorter series), never past the end, equally far apart, so many at most."""
    series = series_of([1] * days)
    origins = rolling_origins([series], count=count, horizon_days=horizon)
    if days < 35:
        assert origins == []
        return
    assert 1 <= len(origins) <= count
    for origin in origins:
        assert (origin.cutoff - series.first_day).days + 1 >= min(28, days - days // 2)
        assert origin.cutoff + timedelta(days=origin.horizon_days) <= series.last_day
        assert 1 <= origin.horizon_days <= horizon
    assert origins[-1].cutoff + timedelta(days=origins[-1].horizon_days) == series.last_day
    steps = {(later.cutoff - earlier.cutoff).days for earlier, later in pairwise(origins)}
    assert len(steps) <= 1
    assert all(1 <= step <= origins[0].horizon_days for step in steps)


@pytest.mark.parametrize(
    ("days", "count", "horizon", "seen", "ahead"),
    [
        (700, 3, 90, [430, 520, 610], 90),
        # 200 - 90 - 28 = 82 days of room for five steps: 16 days each.
        (200, 6, 90, [30, 46, 62, 78, 94, 110], 90),
        # Too short for 90 days: 32 days from the 28th on.
        (60, 6, 90, [28], 32),
        # Shorter still: 20 days from its middle on.
        (40, 6, 90, [20], 20),
        (35, 6, 8, [27], 8),
        (34, 6, 90, [], 0),
        (700, 1, 30, [670], 30),
    ],
)
def test_origins_lie_a_horizon_apart_or_closer(
    days: int, count: int, horizon: int, seen: list[int], ahead: int
) -> None:
    """Hand-worked: how many days each cutoff has seen."""
    origins = rolling_origins([series_of([1] * days)], count=count, horizon_days=horizon)
    assert [(origin.cutoff - FIRST_DAY).days + 1 for origin in origins] == seen
    assert {origin.horizon_days for origin in origins} == ({ahead} if seen else set())


def test_origins_come_by_series_and_day() -> None:
    """Each series has its own."""
    series = [series_of([1] * 100, "b"), series_of([1] * 60, "a"), series_of([1] * 10, "new")]
    origins = rolling_origins(series, count=2, horizon_days=30)
    assert [origin.series_id for origin in origins] == ["a", "a", "b", "b"]


# ---------------------------------------------------------------- tables

LAST = FIRST_DAY + timedelta(days=89)
EARLY, LATE = FIRST_DAY + timedelta(days=54), FIRST_DAY + timedelta(days=69)
ORIGINS = [
    Origin("a", EARLY, 35),
    Origin("a", LATE, 35),
    Origin("b", EARLY, 10),
]


def two_series() -> list[DailySeries]:
    return [series_of(weekly_growth(90, seed=seed), name) for seed, name in enumerate("ab")]


@pytest.fixture(scope="module")
def found() -> Backtest:
    """Two series, three origins; one of them reaches 15 days past the end of its series."""
    return run_backtest(two_series(), ORIGINS, seed=1, with_default_prophet=True)


def test_the_tables_have_the_columns_that_others_can_score(found: Backtest) -> None:
    """Exactly these, in this order."""
    assert list(found.predictions.columns) == [
        *("series_id", "cutoff_date", "ds", "model_name", "actual", "forecast"),
        *("lower_80", "upper_80", "lower_95", "upper_95"),
    ]
    assert list(found.totals.columns) == [
        *("series_id", "cutoff_date", "horizon", "model_name", "actual_total", "forecast_total"),
        *("q0.025", "q0.1", "q0.5", "q0.9", "q0.975"),
    ]


def test_there_is_one_row_for_each_origin_day_and_model(found: Backtest) -> None:
    """35 + 35 + 10 days, eight models with Prophet as it comes; each day after its cutoff, none twice."""
    days = found.predictions
    assert set(days["model_name"]) == {*STORED_MODELS, PROPHET_DEFAULT}
    assert len(days) == (35 + 35 + 10) * 8
    assert not days.duplicated(["series_id", "cutoff_date", "ds", "model_name"]).any()
    ahead = (pd.to_datetime(days["ds"]) - pd.to_datetime(days["cutoff_date"])).dt.days
    assert ahead.min() == 1
    assert ahead.groupby([days["series_id"], days["cutoff_date"]]).max().tolist() == [35, 35, 10]


def test_totals_are_those_of_7_30_and_90_days_and_the_horizon(found: Backtest) -> None:
    """As far as the origin reaches."""
    totals = found.totals
    horizons = totals.groupby(["series_id", "cutoff_date"])["horizon"].unique().map(list).to_dict()
    assert horizons == {("a", EARLY): [7, 30, 35], ("a", LATE): [7, 30, 35], ("b", EARLY): [7, 10]}
    assert not totals.duplicated(["series_id", "cutoff_date", "horizon", "model_name"]).any()


def test_actuals_are_those_of_the_series_and_unknown_past_its_end(found: Backtest) -> None:
    """A day that has not come is no zero, and neither is a total with such a day."""
    a = two_series()[0]
    shipped = found.predictions[found.predictions["model_name"] == "selected"]
    early = shipped[(shipped["series_id"] == "a") & (shipped["cutoff_date"] == EARLY)]
    assert early["actual"].tolist() == a.actuals(EARLY + timedelta(days=1), 35).tolist()
    late = shipped[(shipped["series_id"] == "a") & (shipped["cutoff_date"] == LATE)]
    assert late["actual"].isna().tolist() == [False] * 20 + [True] * 15
    totals = found.totals[(found.totals["cutoff_date"] == LATE) & (found.totals["model_name"] == "selected")]
    assert totals.set_index("horizon")["actual_total"].isna().to_dict() == {7: False, 30: True, 35: True}
    assert totals.set_index("horizon")["actual_total"][7] == pytest.approx(late["actual"][:7].sum())


def test_ranges_lie_around_points_and_totals_are_sums_of_points(found: Backtest) -> None:
    """Days: lower_95 <= lower_80 <= forecast <= upper_80 <= upper_95. Totals: rising quantiles."""
    days, totals = found.predictions, found.totals
    for narrow, wide in pairwise(["lower_95", "lower_80", "forecast", "upper_80", "upper_95"]):
        assert (days[narrow] <= days[wide]).all()
    quantiles = totals[["q0.025", "q0.1", "q0.5", "q0.9", "q0.975"]].to_numpy(dtype=float)
    assert (np.diff(quantiles, axis=1) >= 0).all()
    keys = ["series_id", "cutoff_date", "model_name"]
    sums = days.groupby(keys)["forecast"].sum()
    longest = totals.sort_values("horizon").groupby(keys)["forecast_total"].last()
    pd.testing.assert_series_equal(sums, longest, check_names=False)


def test_every_origin_has_the_scale_of_its_errors(found: Backtest) -> None:
    """Mean absolute error of "last week again" within the history up to the cutoff."""
    history = two_series()[1].actuals(FIRST_DAY, 55)
    assert found.scales[("b", EARLY)] == pytest.approx(np.abs(history[7:] - history[:-7]).mean())
    assert set(found.scales) == {("a", EARLY), ("a", LATE), ("b", EARLY)}


def test_a_run_repeated_gives_the_same_tables(found: Backtest) -> None:
    """To the last bit, Prophet's own samples included; another seed moves ranges and no point."""
    again = run_backtest(two_series(), ORIGINS, seed=1, with_default_prophet=True)
    pd.testing.assert_frame_equal(found.predictions, again.predictions, check_exact=True)
    pd.testing.assert_frame_equal(found.totals, again.totals, check_exact=True)
    other = run_backtest(two_series(), ORIGINS, seed=2)
    shipped = [table[table["model_name"] == "selected"] for table in (found.totals, other.totals)]
    assert shipped[0]["forecast_total"].tolist() == shipped[1]["forecast_total"].tolist()
    assert shipped[0]["q0.9"].tolist() != shipped[1]["q0.9"].tolist()


def forecasts_at(found: Backtest, cutoff: date) -> list[pd.DataFrame]:
    """Everything that was said at a cutoff, without what became of it."""
    return [
        table[table["cutoff_date"] == cutoff].drop(columns=column).reset_index(drop=True)
        for table, column in ((found.predictions, "actual"), (found.totals, "actual_total"))
    ]


@pytest.mark.parametrize("amount", [10**9, 0, -500], ids=["absurd", "silent", "credits"])
def test_nothing_after_a_cutoff_reaches_the_forecasts_of_any_series(found: Backtest, amount: int) -> None:
    """Both series poisoned after the early cutoff: the same points and ranges there, and others at the late one."""
    poisoned = [poisoned_after(one, EARLY, amount) for one in two_series()]
    blind = run_backtest(poisoned, ORIGINS, seed=1, with_default_prophet=True)
    for expected, got in zip(forecasts_at(found, EARLY), forecasts_at(blind, EARLY), strict=True):
        pd.testing.assert_frame_equal(expected, got, check_exact=True)
    assert not forecasts_at(found, LATE)[0].equals(forecasts_at(blind, LATE)[0])


def test_the_check_of_a_run_would_catch_a_leak(found: Backtest, monkeypatch: pytest.MonkeyPatch) -> None:
    """One day too many reaches the models: the tables differ."""
    up_to = DailySeries.up_to
    monkeypatch.setattr(DailySeries, "up_to", lambda series, cutoff: up_to(series, cutoff + timedelta(days=1)))
    tables = []
    for series in (two_series(), [poisoned_after(one, EARLY) for one in two_series()]):
        tables.append(forecasts_at(run_backtest(series, ORIGINS[::2], seed=1), EARLY)[0])
    assert not tables[0].equals(tables[1])


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("origin", "message"),
    [
        (Origin("c", EARLY, 30), "series that is not in the file.*series c"),
        (Origin("a", FIRST_DAY - timedelta(days=1), 30), "outside its series.*2026-01-05 to 2026-04-04"),
        (Origin("a", LAST + timedelta(days=1), 30), "outside its series.*cutoff 2026-04-05"),
        (Origin("a", EARLY, 0), "horizon is below one day"),
    ],
    ids=["unknown series", "before the first day", "after the last day", "no horizon"],
)
def test_an_origin_that_cannot_be_forecast_is_said(origin: Origin, message: str) -> None:
    """With its series and cutoff, before anything is fitted."""
    with pytest.raises(SeriesError, match=f"(?s){message}"):
        run_backtest(two_series(), [origin], seed=1)


def test_without_origins_the_tables_are_empty() -> None:
    """They have their columns all the same."""
    nothing = run_backtest(two_series(), [], seed=1)
    assert nothing.predictions.empty
    assert nothing.totals.empty
    assert list(nothing.predictions.columns)[:2] == ["series_id", "cutoff_date"]


def test_the_first_and_the_last_day_are_cutoffs_too() -> None:
    """One day of history is forecast; after the last day nothing is known."""
    last = run_backtest(two_series(), [Origin("a", LAST, 7), Origin("b", FIRST_DAY, 7)], seed=1)
    assert last.predictions[last.predictions["series_id"] == "a"]["actual"].isna().all()
    assert last.predictions["forecast"].notna().all()
