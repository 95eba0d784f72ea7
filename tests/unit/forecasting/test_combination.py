"""One forecast out of many: the weighted median, and how a series' own past moves the weights."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.combination import (
    _LAST_WEEK_SHARE,
    HORIZONS,
    PRIOR_WEIGHTS,
    Evidence,
    combine,
    prior,
    select,
    weighted_median,
)
from forecasting.models.experts import LEVELS, PROPHET_VARIANTS, RUN_RATE, SEASONAL_NAIVE
from forecasting.series import FloatArray

MODELS = tuple(dict.fromkeys(name for weights in PRIOR_WEIGHTS.values() for name in weights))

# ---------------------------------------------------------------- the weighted median


@pytest.mark.parametrize(
    ("values", "weights", "middle"),
    [
        ([7.0], [0.3], 7.0),
        ([1.0, 2.0, 9.0], [1.0, 1.0, 1.0], 2.0),
        ([9.0, 1.0, 2.0], [1.0, 1.0, 1.0], 2.0),
        ([1.0, 3.0], [0.5, 0.5], 2.0),
        # Centres of weight at 0.375 and 0.875: an eighth of the way of four eighths.
        ([10.0, 20.0], [0.75, 0.25], 12.5),
        # Centres at 0.1, 0.4 and 0.8: a quarter of the way from 2 to 6.
        ([1.0, 2.0, 6.0], [0.2, 0.4, 0.4], 3.0),
        ([1.0, 2.0, 6.0], [2.0, 4.0, 4.0], 3.0),
        ([5.0, 5.0, 5.0], [0.1, 0.2, 0.7], 5.0),
    ],
)
def test_the_weighted_median_lies_on_a_line_between_centres_of_weight(
    values: list[float], weights: list[float], middle: float
) -> None:
    """Hand-worked: each value stands at the middle of its share of the weight; the median is read at one half."""
    assert weighted_median(np.array(values), np.array(weights)) == pytest.approx(middle, rel=1e-15)


def test_one_model_that_runs_away_does_not_move_the_median() -> None:
    """A million times too much is as bad as ten times."""
    weights = np.full(5, 0.2)
    near = weighted_median(np.array([1.0, 2, 3, 4, 50]), weights)
    assert near == pytest.approx(3)
    assert weighted_median(np.array([1.0, 2, 3, 4, 5e7]), weights) == near


@given(
    st.lists(st.tuples(st.floats(0, 1e9), st.floats(0.01, 10)), min_size=1, max_size=12),
    st.floats(0.01, 1e3),
)
def test_the_median_stays_among_its_values_and_moves_with_their_scale(
    pairs: list[tuple[float, float]], factor: float
) -> None:
    """For any values and weights: within their range, and in whatever currency."""
    values, weights = (np.array(column) for column in zip(*pairs, strict=True))
    middle = weighted_median(values, weights)
    assert values.min() <= middle <= values.max()
    assert weighted_median(values * factor, weights) == pytest.approx(middle * factor, rel=1e-9, abs=1e-9)


# ---------------------------------------------------------------- the weights


def evidence(
    actual: float, totals: Mapping[str, float], *, horizon: int = 30, count: int = 1, age: int = 30
) -> list[Evidence]:
    """So many finished cutoffs on which every model but these forecast 100."""
    full = {name: totals.get(name, 100.0) for name in MODELS}
    return [Evidence(horizon, age, full, actual)] * count


def test_every_model_with_a_weight_exists_and_the_weights_sum_to_one() -> None:
    """Weights of a name that no model has would be lost in silence."""
    known = {SEASONAL_NAIVE, RUN_RATE, *(level.name for level in LEVELS), "last_year", "theta", "ets"}
    assert set(MODELS) <= known | set(PROPHET_VARIANTS)
    assert tuple(PRIOR_WEIGHTS) == HORIZONS
    for weights in prior(MODELS).values():
        assert sum(weights.values()) == pytest.approx(1)


def test_models_that_a_series_lacks_leave_their_weight_to_the_others() -> None:
    """In proportion: a short history has no last year."""
    everything, short = prior(MODELS), prior([name for name in MODELS if name != "last_year"])
    for horizon in HORIZONS:
        assert "last_year" not in short[horizon]
        left = 1 - everything[horizon]["last_year"]
        assert short[horizon]["ets" if horizon < 365 else "prophet_flat"] == pytest.approx(
            everything[horizon]["ets" if horizon < 365 else "prophet_flat"] / left
        )


def test_without_a_finished_cutoff_the_weights_are_the_common_ones() -> None:
    """And the reason says so, for each horizon."""
    selection = select(MODELS, [])
    assert selection.weights == prior(MODELS)
    assert selection.reason == "; ".join(f"{days} days: no finished cutoff, the common weights" for days in HORIZONS)


def test_weights_move_towards_the_model_that_was_right() -> None:
    """ETS alone was right on twelve cutoffs: it gains most, everybody else loses, and the reason has both numbers."""
    before = prior(MODELS)[30]
    selection = select(MODELS, evidence(200, {"ets": 200.0}, count=12))
    after = selection.weights[30]
    assert after["ets"] > 2 * before["ets"]
    assert all(after[name] < before[name] for name in before if name != "ets")
    expected = f"30 days: 12 finished cutoffs, most for ets ({before['ets']:.0%} to {after['ets']:.0%})"
    assert expected in selection.reason.split("; ")


def test_weights_move_away_from_the_model_that_was_wrong() -> None:
    """Twice too much is as bad as half."""
    before = prior(MODELS)[30]
    high = select(MODELS, evidence(100, {"seasonal_naive": 200.0}, count=6)).weights[30]
    low = select(MODELS, evidence(100, {"seasonal_naive": 50.0}, count=6)).weights[30]
    assert high["seasonal_naive"] < 0.7 * before["seasonal_naive"]
    assert high == pytest.approx(low)


def test_thin_evidence_moves_weights_little() -> None:
    """Half the error on one cutoff gains less than on three, and on twelve clearly more. Always weights."""
    shares = [prior(MODELS)[30]["ets"]]
    for count in (1, 3, 12):
        weights = select(MODELS, evidence(200, {"ets": 140.0}, count=count)).weights[30]
        assert sum(weights.values()) == pytest.approx(1)
        shares.append(weights["ets"])
    assert shares == sorted(shares)
    assert shares[1] < 1.75 * shares[0]
    assert shares[-1] > 2.25 * shares[0]


def test_old_cutoffs_count_less_than_young_ones() -> None:
    """After half a year they count half."""
    young = select(MODELS, evidence(200, {"ets": 200.0}, count=4, age=30)).weights[30]["ets"]
    old = select(MODELS, evidence(200, {"ets": 200.0}, count=4, age=365)).weights[30]["ets"]
    # 0.5 ** (0 / 180) * 2 cutoffs = 0.5 ** (180 / 180) * 4 cutoffs
    two_now = select(MODELS, evidence(200, {"ets": 200.0}, count=2, age=0)).weights[30]["ets"]
    four_then = select(MODELS, evidence(200, {"ets": 200.0}, count=4, age=180)).weights[30]["ets"]
    assert young > old > prior(MODELS)[30]["ets"]
    assert two_now == pytest.approx(four_then)


def test_cutoffs_that_prefer_no_model_leave_the_common_weights() -> None:
    """All equally wrong, or all right: nothing to choose, and the reason says so."""
    for actual in (100.0, 250.0):
        selection = select(MODELS, evidence(actual, {}, count=8))
        assert selection.weights[30] == pytest.approx(prior(MODELS)[30])
        assert "30 days: 8 finished cutoffs prefer no model, the common weights" in selection.reason


def test_a_model_that_could_not_forecast_back_then_is_neither_rewarded_nor_punished() -> None:
    """Slow models are tried on few cutoffs: where they are missing they count as the median model."""
    finished = [Evidence(30, 30, {name: 100.0 for name in MODELS if name != "ets"}, 200.0)] * 8
    assert select(MODELS, finished).weights[30] == pytest.approx(prior(MODELS)[30])


def test_evidence_of_one_horizon_moves_no_other() -> None:
    """What was right for a month may be wrong for a quarter."""
    weights = select(MODELS, evidence(200, {"ets": 200.0}, horizon=30, count=9)).weights
    assert weights[7] == prior(MODELS)[7]
    assert weights[90] == prior(MODELS)[90]


def test_a_year_ahead_borrows_from_the_quarter_until_a_year_has_finished() -> None:
    """And says so."""
    quarter = evidence(200, {"last_year": 200.0}, horizon=90, count=6, age=100)
    borrowed = select(MODELS, quarter)
    assert borrowed.weights[365]["last_year"] > prior(MODELS)[365]["last_year"]
    assert "365 days: 6 finished 90-day cutoffs, most for last_year" in borrowed.reason
    year = evidence(100, {}, horizon=365, count=1, age=365)
    assert select(MODELS, [*quarter, *year]).weights[365] == pytest.approx(prior(MODELS)[365])


@pytest.mark.parametrize("actual", [0.0, 1e-9, 1e9, -50.0])
def test_any_actual_gives_weights(actual: float) -> None:
    """Nothing spent, or credits above the spend: losses stay between 0 and 1."""
    weights = select(MODELS, evidence(actual, {"ets": 0.0}, count=5)).weights[30]
    assert sum(weights.values()) == pytest.approx(1)
    assert all(0 <= weight <= 1 for weight in weights.values())


# ---------------------------------------------------------------- the combination


def points_of(levels: Mapping[str, float], days: int = 28) -> dict[str, FloatArray]:
    return {name: np.full(days, levels.get(name, 10.0)) for name in MODELS}


def test_models_that_agree_are_the_combination() -> None:
    """To the last digit: a constant cost is forecast as itself, not as its mean of sixteen digits."""
    points = {name: np.full(400, 33.333333) for name in MODELS}
    assert (combine(points, prior(MODELS)) == 33.333333).all()


def test_a_week_has_the_level_of_the_median_and_the_shape_of_the_mean() -> None:
    """Two models of equal weight in the third week: weekly totals 70 and 140, so the median is 105.

    The last week was 210; the level is drawn towards it, and shared as the days of the mean are.
    """
    weights = {days: {"level_fast": 0.5, "ets": 0.5} for days in HORIZONS}
    shape = np.array([1.0, 1, 1, 1, 1, 0.5, 1.5])
    points = {
        "level_fast": np.full(28, 10.0),
        "ets": np.tile(20 * shape, 4),
        "seasonal_naive": np.full(28, 30.0),
    }
    drawn = _LAST_WEEK_SHARE[30]
    week = combine(points, weights)[14:21]
    assert week.sum() == pytest.approx((1 - drawn) * 105 + drawn * 210)
    assert week / week.sum() == pytest.approx((10 + 20 * shape) / 210)


def test_weights_of_neighbouring_horizons_are_blended_between_them() -> None:
    """Only one model weighs at each horizon, and counts alone in the first week, to the fifth, and so on.

    The eighth week lies at day 52.5, 21 / 35 of the way from 31.5 to 66.5. Beyond a quarter the last week has no say.
    """
    names = {7: "level_fast", 30: "level_medium", 90: "level_slow", 365: "last_year"}
    weights = {days: {name: 1.0} for days, name in names.items()}
    levels = {"level_fast": 1.0, "level_medium": 2.0, "level_slow": 3.0, "last_year": 4.0}
    points = {name: np.full(400, level) for name, level in levels.items()} | {"seasonal_naive": np.zeros(400)}
    daily = combine(points, weights)
    week, month = (1 - _LAST_WEEK_SHARE[7]) * 1, (1 - _LAST_WEEK_SHARE[30]) * 2
    assert daily[:7] == pytest.approx(np.full(7, week))
    assert daily[7:35] == pytest.approx(np.full(28, month))
    assert daily[49:56] == pytest.approx(np.full(7, 0.4 * month + 0.6 * 3))
    assert daily[63:91] == pytest.approx(np.full(28, 3))
    assert daily[154:] == pytest.approx(np.full(246, 4))


def test_a_model_that_explodes_is_outvoted() -> None:
    """A million dollars a day by one model leaves the combination near the others."""
    calm, wild = points_of({}, 365), points_of({"prophet_damped": 1e6}, 365)
    wild["ets"] = np.full(365, 1e6)
    assert combine(wild, prior(MODELS)).max() < 1.5 * combine(calm, prior(MODELS)).max()


def test_a_part_of_a_week_at_the_end_is_a_part_of_a_week() -> None:
    """Any horizon: its last days are forecast like others."""
    for days in (1, 6, 8, 30):
        daily = combine(points_of({}, days), prior(MODELS))
        assert daily.shape == (days,)
        assert daily == pytest.approx(np.full(days, 10))


def test_nothing_is_combined_to_nothing() -> None:
    """All models at zero."""
    assert not combine({name: np.zeros(30) for name in MODELS}, prior(MODELS)).any()
