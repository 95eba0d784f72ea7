"""Cutoffs, leakage, coherence, determinism."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from forecasting.backtest import COLUMNS, backtest
from forecasting.forecast import Forecaster, make_cutoffs
from forecasting.models.base import RepeatedPattern
from forecasting.models.baselines import RecentMean, SeasonalNaive
from forecasting.models.prophet_model import ProphetModel
from forecasting.reconcile import reconcile
from forecasting.series import DailySeries
from tests.unit.forecasting.series_of import FIRST_DAY, series_of, weekly_growth

DAYS = 150
CUTOFF = FIRST_DAY + timedelta(days=99)


def company(days: int = DAYS) -> list[DailySeries]:
    teams = [
        series_of(weekly_growth(days, level=100 * (1 + number), seed=number), f"team=t{number}", kind="team")
        for number in range(3)
    ]
    total = DailySeries(
        "total",
        "total",
        "total",
        FIRST_DAY,
        tuple(sum(day, Decimal(0)) for day in zip(*(team.costs for team in teams), strict=True)),
    )
    return [total, *teams]


def poisoned_after(series: DailySeries, cutoff: date) -> DailySeries:
    known = (cutoff - series.first_day).days + 1
    costs = series.costs[:known] + (Decimal(10**9),) * (len(series.costs) - known)
    return DailySeries(series.series_id, series.dimension_name, series.dimension_value, series.first_day, costs)


def test_cutoffs_leave_history_before_and_known_days_after() -> None:
    """Each cutoff can be fitted and scored."""
    last = FIRST_DAY + timedelta(days=199)
    cutoffs = make_cutoffs(FIRST_DAY, last, step_days=14, count=5, min_history_days=28, min_finished_days=7)
    assert len(cutoffs) == 5
    assert cutoffs == sorted(cutoffs)
    assert (last - cutoffs[-1]).days >= 7
    everything = make_cutoffs(FIRST_DAY, last, step_days=14, count=99, min_history_days=28, min_finished_days=7)
    assert (everything[0] - FIRST_DAY).days >= 27
    assert {(later - earlier).days for earlier, later in pairwise(everything)} == {14}


def test_cutoffs_do_not_move_as_days_come_in() -> None:
    """The calendar of cutoffs is fixed, and a coarse one is part of a fine one."""
    last = FIRST_DAY + timedelta(days=199)
    before = make_cutoffs(FIRST_DAY, last, step_days=28, count=99)
    after = make_cutoffs(FIRST_DAY, last + timedelta(days=1), step_days=28, count=99)
    assert set(before) <= set(after)
    assert set(before) <= set(make_cutoffs(FIRST_DAY, last, step_days=14, count=99))


def test_a_history_that_is_too_short_has_no_cutoff() -> None:
    """Nothing to go back to."""
    assert make_cutoffs(FIRST_DAY, FIRST_DAY + timedelta(days=20), step_days=14, count=5) == []


def test_nothing_after_the_cutoff_reaches_a_forecast() -> None:
    """Points and paths are the same, to the last bit, when every later day is absurd."""
    series = company()
    for model in (SeasonalNaive(), RecentMean(), ProphetModel()):
        honest = Forecaster(series, horizon_days=30, seed=1).forecast(model, CUTOFF)
        blind = Forecaster([poisoned_after(one, CUTOFF) for one in series], horizon_days=30, seed=1)
        for expected, got in zip(honest, blind.forecast(model, CUTOFF), strict=True):
            assert (expected.daily == got.daily).all()
            assert (expected.paths == got.paths).all()


@dataclass(frozen=True)
class Clairvoyant:
    """A model that fails when it is shown a poisoned day."""

    name: str = "clairvoyant"

    def fit(self, series: DailySeries) -> RepeatedPattern:
        assert max(series.costs) < 10**9
        return RepeatedPattern(np.array([float(series.costs[-1])]))


def test_models_are_never_handed_a_later_day() -> None:
    """The series that a model gets ends at the cutoff, in calibration as well."""
    forecaster = Forecaster([poisoned_after(one, CUTOFF) for one in company()], horizon_days=30, seed=1)
    assert forecaster.forecast(Clairvoyant(), CUTOFF)


def test_a_forecast_does_not_depend_on_what_else_was_asked() -> None:
    """Order and company of the questions change nothing."""
    alone = Forecaster(company(), horizon_days=30, seed=1).forecast(RecentMean(), CUTOFF)
    busy = Forecaster(company(), horizon_days=30, seed=1)
    busy.forecast(SeasonalNaive(), CUTOFF)
    busy.forecast(RecentMean(), CUTOFF - timedelta(days=20))
    for expected, got in zip(alone, busy.forecast(RecentMean(), CUTOFF), strict=True):
        assert (expected.paths == got.paths).all()


def test_teams_that_begin_later_are_left_out_before() -> None:
    """A series has no forecast before its first day."""
    late = series_of([5] * 20, "team=late", kind="team", first_day=CUTOFF + timedelta(days=1))
    ids = [
        one.series.series_id
        for one in Forecaster([*company(), late], horizon_days=7, seed=1).forecast(RecentMean(), CUTOFF)
    ]
    assert "team=late" not in ids


amounts = st.floats(min_value=0, max_value=1e6)


@given(
    st.lists(amounts, min_size=3, max_size=3),
    st.lists(st.lists(amounts, min_size=3, max_size=3), min_size=1, max_size=5),
)
def test_reconciled_parts_add_up_and_stay_above_zero(total: list[float], parts: list[list[float]]) -> None:
    """For any forecasts: the sum of the parts is the total, and nothing is negative."""
    agreed, moved = reconcile(np.array(total), {str(i): np.array(part) for i, part in enumerate(parts)})
    np.testing.assert_allclose(np.sum(list(moved.values()), axis=0), agreed, rtol=1e-9, atol=1e-6)
    assert all((part >= 0).all() for part in moved.values())


def test_reconciliation_leaves_what_agrees_alone() -> None:
    """Forecasts that add up already are not moved."""
    agreed, moved = reconcile(np.array([30.0]), {"a": np.array([10.0]), "b": np.array([20.0])})
    assert agreed.tolist() == [30]
    assert moved["a"].tolist() == [10]


def test_backtests_have_the_one_table_shape() -> None:
    """One row per series, cutoff, model and known day, actual inside the frame, intervals around the point."""
    cutoffs = [CUTOFF - timedelta(days=28), CUTOFF]
    table = backtest(company(), [SeasonalNaive(), RecentMean()], cutoffs, horizon_days=14, seed=1)
    assert list(table.columns) == COLUMNS
    assert len(table) == 4 * 2 * 2 * 14
    assert not table.duplicated(["series_id", "cutoff_date", "cost_date", "model_name"]).any()
    assert (table["cost_date"] > table["cutoff_date"]).all()
    assert table["lower_cost_usd"].le(table["forecast_cost_usd"]).all()
    assert table["upper_cost_usd"].ge(table["forecast_cost_usd"]).all()


def test_a_backtest_ends_where_the_series_does() -> None:
    """Days that are not known are no rows, rather than zeros."""
    table = backtest(company(), [RecentMean()], [FIRST_DAY + timedelta(days=DAYS - 4)], horizon_days=14, seed=1)
    assert set(table.groupby("series_id").size()) == {3}
