"""How good forecasts are on real series that nothing was tuned on. The scorecard has all of them; here are a dozen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasting.backtest import Origin, run_backtest
from forecasting.models.experts import SEASONAL_NAIVE
from forecasting.models.prophet_default import NAME as PROPHET_DEFAULT
from forecasting.scorecard import score_totals
from forecasting.series import ONE_DAY, DailySeries
from forecasting.study import SELECTED, study_series
from tests.benchmarks.real_series import RealSeries, held_out_origins, load_real_series

pytestmark = pytest.mark.integration

SERIES = {
    *("demand/pedestrians", "demand/web", "demand/taxi"),
    *("demand/madrid_metro", "demand/madrid_bus", "demand/madrid_road", "demand/madrid_train"),
    *("llm/aider_c", "llm/aider_t", "llm/aider_n", "llm/event=command_add", "llm/event=launched"),
}
"""Public transport, a street, a website and a city's taxis; cost, tokens and messages of one developer's LLM tool."""

ROBUST_COUNT = 3
HORIZON_DAYS = 30


@pytest.fixture(scope="module")
def real(shared_data: Path) -> list[RealSeries]:
    """The dozen, of all real series."""
    found = [one for one in load_real_series(shared_data) if one.series.series_id in SERIES]
    assert {one.series.series_id for one in found} == SERIES
    return found


@pytest.fixture(scope="module")
def scores(real: list[RealSeries]) -> pd.DataFrame:
    """Scores of totals by series, model and horizon, on six held-out cutoffs of each series."""
    origins = held_out_origins(real, count=6)
    found = run_backtest([one.series for one in real], origins, seed=1, with_default_prophet=True, workers=1)
    return score_totals(found.totals)


def by_series(scores: pd.DataFrame, column: str, model_name: str, horizon: int) -> pd.Series:
    wanted = scores[(scores["model_name"] == model_name) & (scores["horizon"] == horizon)]
    return wanted.set_index("series_id")[column]


def test_totals_of_a_quarter_are_better_than_last_week_again(scores: pd.DataFrame) -> None:
    """Errors pooled over the cutoffs of each series: a fifth lower on the mean, and lower on two series in three."""
    shipped, naive = (by_series(scores, "error_ratio", name, 90) for name in (SELECTED, SEASONAL_NAIVE))
    assert shipped.mean() < 0.8 * naive.mean()
    assert (shipped < naive).mean() > 2 / 3


def test_totals_of_a_month_are_better_than_last_week_again(scores: pd.DataFrame) -> None:
    """On seven series in ten, and much worse on none."""
    shipped, naive = (by_series(scores, "error_ratio", name, 30) for name in (SELECTED, SEASONAL_NAIVE))
    assert (shipped < naive).mean() >= 0.7
    assert (shipped > 1.1 * naive).mean() <= 0.1


def test_ranges_of_monthly_totals_hold_about_what_they_promise(scores: pd.DataFrame) -> None:
    """The 80 % range holds 65 to 95 % of the months of these few series, the 95 % range at least 80 %."""
    assert 0.65 <= by_series(scores, "covered_80", SELECTED, 30).mean() <= 0.95
    assert by_series(scores, "covered_95", SELECTED, 30).mean() >= 0.8


def test_ranges_of_monthly_totals_are_worth_more_than_those_of_prophet(scores: pd.DataFrame) -> None:
    """Pinball loss over five quantiles, against the paths of Prophet as it comes, which are far too sure of a total."""
    shipped, theirs = (by_series(scores, "pinball_ratio", name, 30) for name in (SELECTED, PROPHET_DEFAULT))
    assert shipped.mean() < 0.85 * theirs.mean()
    assert by_series(scores, "covered_80", PROPHET_DEFAULT, 30).mean() < 0.5


# ---------------------------------------------------------------- flaws of the last days


def multiplied(series: DailySeries, origin: Origin, days_ago: int, factor: str) -> DailySeries:
    """What would have been known at the cutoff if one of the last days had come as a multiple of itself."""
    known = series.up_to(origin.cutoff)
    assert known is not None
    costs = list(known.costs)
    costs[-1 - days_ago] *= Decimal(factor)
    return replace(known, costs=tuple(costs))


def mean_error(real: list[RealSeries], known_at: Callable[[DailySeries, Origin], DailySeries]) -> float:
    """Mean over series of the pooled error ratio of 30-day totals, forecast from what was known at each cutoff."""
    errors = []
    for one in real:
        missed = actual = 0.0
        for origin in held_out_origins([one], count=ROBUST_COUNT, horizon_days=HORIZON_DAYS):
            [study] = study_series(known_at(one.series, origin), [origin.cutoff], HORIZON_DAYS)
            truth = float(one.series.actuals(origin.cutoff + ONE_DAY, HORIZON_DAYS).sum())
            missed += abs(float(study.points[SELECTED].sum()) - truth)
            actual += truth
        errors.append(missed / actual)
    return float(np.mean(errors))


@pytest.fixture(scope="module")
def clean_error(real: list[RealSeries]) -> float:
    """The error on histories as they are."""
    return mean_error(real, lambda series, origin: multiplied(series, origin, 0, "1"))


def test_a_last_day_that_is_not_complete_costs_little(real: list[RealSeries], clean_error: float) -> None:
    """30 % of the last day are known: at most 5 % of accuracy are lost."""
    dirty = mean_error(real, lambda series, origin: multiplied(series, origin, 0, "0.3"))
    assert dirty <= 1.05 * clean_error


@pytest.mark.parametrize("days_ago", [0, 5], ids=["the last day", "five days ago"])
def test_one_day_priced_fifty_times_costs_little(real: list[RealSeries], clean_error: float, days_ago: int) -> None:
    """At most 10 % of accuracy are lost."""
    dirty = mean_error(real, lambda series, origin: multiplied(series, origin, days_ago, "50"))
    assert dirty <= 1.1 * clean_error


def test_held_out_cutoffs_have_their_days(real: list[RealSeries]) -> None:
    """Four weeks before each and thirty known days after it, or the errors above would be of nothing."""
    for origin in held_out_origins(real, count=6):
        [one] = [found.series for found in real if found.series.series_id == origin.series_id]
        assert (origin.cutoff - one.first_day).days + 1 >= 28
        assert origin.cutoff + timedelta(days=30) <= one.last_day
