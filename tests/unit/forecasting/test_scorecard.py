"""Scores against hand-worked numbers."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from forecasting.scorecard import SCORE_COLUMNS, score_days, score_totals, scorecard

FIRST, SECOND = date(2026, 3, 1), date(2026, 4, 1)
QUANTILES = ("q0.025", "q0.1", "q0.5", "q0.9", "q0.975")


def total(
    series_id: str, cutoff: date, model: str, actual: float, forecast: float, quantiles: tuple[float, ...] = ()
) -> dict[str, object]:
    return {
        "series_id": series_id,
        "cutoff_date": cutoff,
        "horizon": 7,
        "model_name": model,
        "actual_total": actual,
        "forecast_total": forecast,
        **dict(zip(QUANTILES, quantiles or (forecast,) * 5, strict=True)),
    }


TOTALS = pd.DataFrame(
    [
        total("a", FIRST, "selected", 100, 110, (80, 90, 110, 130, 150)),
        total("a", SECOND, "selected", 50, 40, (20, 30, 40, 45, 60)),
        total("a", FIRST, "seasonal_naive", 100, 130),
        total("a", SECOND, "seasonal_naive", 50, 50),
        total("a", FIRST, "mean_28d", 100, 100),
        total("a", SECOND, "mean_28d", 50, 60),
        total("b", FIRST, "selected", 200, 120, (50, 60, 120, 180, 190)),
        total("b", FIRST, "seasonal_naive", 200, 240),
        total("b", FIRST, "mean_28d", 200, 160),
    ]
)


def day(series_id: str, cutoff: date, model: str, ahead: int, actual: float, forecast: float) -> dict[str, object]:
    ranges = {"lower_80": forecast - 1, "upper_80": forecast + 1, "lower_95": forecast - 2, "upper_95": forecast + 2}
    return {
        "series_id": series_id,
        "cutoff_date": cutoff,
        "ds": cutoff + timedelta(days=ahead),
        "model_name": model,
        "actual": actual,
        "forecast": forecast,
        **ranges,
    }


DAYS = pd.DataFrame(
    [
        day("a", FIRST, "selected", 1, 10, 11),
        day("a", FIRST, "selected", 2, 10, 8),
        day("a", SECOND, "selected", 1, 20, 26),
        day("a", SECOND, "selected", 2, np.nan, 26),
        day("a", FIRST, "selected", 8, 10, 1000),
        day("b", FIRST, "selected", 1, 5, 5),
    ]
)
SCALES = {("a", FIRST): 2.0, ("a", SECOND): 4.0, ("b", FIRST): 0.0}


def row(table: pd.DataFrame, **wanted: object) -> pd.Series:
    for name, value in wanted.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_errors_are_pooled_over_the_cutoffs_of_a_series() -> None:
    """Series a: (10 + 10) / (100 + 50); the bias is (10 - 10) / 150."""
    a = row(score_totals(TOTALS), series_id="a", model_name="selected")
    assert a["error_ratio"] == pytest.approx(20 / 150)
    assert a["bias_ratio"] == pytest.approx(0)
    assert a["total_count"] == 2


def test_coverage_is_the_share_of_cutoffs_within() -> None:
    """100 lies within 90..130, 50 not within 30..45, but within 20..60."""
    a = row(score_totals(TOTALS), series_id="a", model_name="selected")
    assert (a["covered_80"], a["covered_95"]) == (0.5, 1.0)


def test_pinball_is_the_mean_over_the_quantiles_and_cutoffs_as_a_share_of_the_actual() -> None:
    """An actual above its quantile costs level x error, one below (1 - level) x error.

    First cutoff, actual 100: 0.025 x 20 + 0.1 x 10 + 0.5 x 10 + 0.1 x 30 + 0.025 x 50 = 10.75, a fifth of it 2.15.
    Second, actual 50: 0.025 x 30 + 0.1 x 20 + 0.5 x 10 + 0.9 x 5 + 0.025 x 10 = 12.5, a fifth 2.5. (2.15 + 2.5) / 150.
    """
    a = row(score_totals(TOTALS), series_id="a", model_name="selected")
    assert a["pinball_ratio"] == pytest.approx(4.65 / 150)


def test_unknown_totals_and_series_without_spend_are_not_scored() -> None:
    """A day that has not come, a sum of zero, and a sum of credits."""
    extra = [
        total("a", date(2026, 5, 1), "selected", np.nan, 5),
        total("silent", FIRST, "selected", 0, 5),
        total("credits", FIRST, "selected", -5, 5),
    ]
    scores = score_totals(pd.concat([TOTALS, pd.DataFrame(extra)], ignore_index=True))
    assert set(scores["series_id"]) == {"a", "b"}
    assert row(scores, series_id="a", model_name="selected")["total_count"] == 2


def test_a_bound_that_was_rounded_on_its_way_through_a_file_still_covers() -> None:
    """A constant series of 0.1 a day has a total of 0.7000000000000001."""
    constant = pd.DataFrame([total("c", FIRST, "selected", 0.7, 0.7000000000000001)])
    assert score_totals(constant)["covered_80"].tolist() == [1.0]


def test_days_are_scored_up_to_the_horizon() -> None:
    """Series a within 7 days: errors 1, 2 and 6 of actuals 10, 10 and 20: 9 / 40. The eighth day has no part in it.

    MASE: mean of 1 / 2, 2 / 2 and 6 / 4. Within 1 dollar: one of three; within 2: two.
    """
    a = row(score_days(DAYS, [7], SCALES), series_id="a")
    assert a["day_wape_ratio"] == pytest.approx(9 / 40)
    assert a["mase"] == pytest.approx((0.5 + 1 + 1.5) / 3)
    assert (a["day_covered_80"], a["day_covered_95"]) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    longer = row(score_days(DAYS, [7, 30], SCALES), series_id="a", horizon=30)
    assert longer["day_wape_ratio"] == pytest.approx(999 / 50)


def test_a_series_without_errors_of_its_own_has_no_mase() -> None:
    """A scale of zero or none says nothing, and not that the error was infinite."""
    assert np.isnan(row(score_days(DAYS, [7], SCALES), series_id="b")["mase"])
    assert np.isnan(row(score_days(DAYS, [7], {**SCALES, ("a", FIRST): None}), series_id="b")["mase"])
    partly = row(score_days(DAYS, [7], {**SCALES, ("a", FIRST): None}), series_id="a")
    assert partly["mase"] == pytest.approx(1.5)


def test_the_scorecard_has_one_row_per_model_over_all_series() -> None:
    """Series a and b count the same: errors 20 / 150 and 80 / 200, against 30 / 150 and 40 / 200 of last week again.

    Better on one of two; on b 0.4 is above 1.1 x 0.2. Skill 1 - 0.2667 / 0.2; against the run rate (10 / 150 and
    40 / 200): 1 - 0.2667 / 0.1333.
    """
    card = scorecard(DAYS, TOTALS, SCALES)
    assert list(card.columns) == SCORE_COLUMNS
    shipped = row(card, model_name="selected", horizon=7)
    error, naive, run_rate = [(20 / 150 + 0.4) / 2, (0.2 + 0.2) / 2, (10 / 150 + 0.2) / 2]
    assert (shipped["series_count"], shipped["total_count"]) == (2, 3)
    assert shipped["median_error_ratio"] == shipped["mean_error_ratio"] == pytest.approx(error)
    assert shipped["bias_ratio"] == pytest.approx((0 - 0.4) / 2)
    assert shipped["total_coverage_80"] == pytest.approx((0.5 + 0) / 2)
    assert shipped["total_coverage_95"] == pytest.approx((1 + 0) / 2)
    assert (shipped["better_than_naive_ratio"], shipped["much_worse_than_naive_ratio"]) == (0.5, 0.5)
    assert shipped["skill_vs_naive"] == pytest.approx(1 - error / naive)
    assert shipped["skill_vs_run_rate"] == pytest.approx(1 - error / run_rate)
    assert shipped["day_wape_ratio"] == pytest.approx((9 / 40 + 0) / 2)
    assert shipped["mase"] == pytest.approx(1.0)
    # b within 7 days: its one day is within both ranges.
    assert shipped["day_coverage_80"] == pytest.approx((1 / 3 + 1) / 2)


def test_nobody_is_better_than_itself() -> None:
    """Last week again against last week again: no skill, never better, never much worse."""
    naive = row(scorecard(DAYS, TOTALS, SCALES), model_name="seasonal_naive", horizon=7)
    assert (naive["better_than_naive_ratio"], naive["much_worse_than_naive_ratio"]) == (0, 0)
    assert naive["skill_vs_naive"] == pytest.approx(0)


def test_a_constant_series_is_no_defeat() -> None:
    """Where last week again is exact, equally exact is not much worse; there was nothing to win either."""
    exact = pd.DataFrame([total("c", FIRST, name, 70, 70) for name in ("selected", "seasonal_naive", "mean_28d")])
    card = row(scorecard(DAYS, exact, SCALES), model_name="selected")
    assert (card["better_than_naive_ratio"], card["much_worse_than_naive_ratio"]) == (0, 0)
    assert np.isnan(card["skill_vs_naive"])


def test_rows_come_by_horizon_and_then_the_best_first() -> None:
    """The table is read from the top."""
    card = scorecard(DAYS, TOTALS, SCALES)
    assert card["median_error_ratio"].is_monotonic_increasing
    assert card["model_name"].iloc[0] == "mean_28d"


def test_where_no_total_can_be_scored_the_card_is_empty() -> None:
    """A silent series, and a cutoff at the last day of another: nothing is above zero and known."""
    nothing = [total("z", FIRST, model, 0, 0) for model in ("selected", "seasonal_naive")]
    unknown = [total("u", FIRST, model, np.nan, 10) for model in ("selected", "seasonal_naive")]
    card = scorecard(DAYS, pd.DataFrame(nothing + unknown), SCALES)
    assert card.empty
    assert list(card.columns) == SCORE_COLUMNS
