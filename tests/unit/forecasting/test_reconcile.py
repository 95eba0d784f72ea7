"""Forecasts of teams, features and cells that add up to that of the organization."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.cost_mix import UNATTRIBUTED
from forecasting.reconcile import follow, reconcile, scaled_to
from forecasting.series import FloatArray

DAYS = 3
CELLS = [("search", "chat"), ("search", "rank"), ("docs", "chat"), ("docs", "gen")]

amounts = st.floats(min_value=0, max_value=1e6).map(lambda amount: 0.0 if amount < 1e-6 else amount)
paths = st.lists(amounts, min_size=DAYS, max_size=DAYS).map(np.array)


def summed(cells: dict[tuple[str, str], FloatArray], position: int) -> dict[str, FloatArray]:
    sums: dict[str, FloatArray] = {}
    for cell, daily in cells.items():
        sums[cell[position]] = sums.get(cell[position], np.zeros(DAYS)) + daily
    return sums


@settings(max_examples=150)
@given(
    paths,
    st.fixed_dictionaries({}, optional={"search": paths, "docs": paths}),
    st.fixed_dictionaries({}, optional={"chat": paths, "rank": paths, "gen": paths}),
    st.lists(paths, min_size=4, max_size=4),
)
def test_parts_add_up_and_stay_above_zero(
    total: FloatArray, teams: dict[str, FloatArray], features: dict[str, FloatArray], parts: list[FloatArray]
) -> None:
    """For any forecasts: the cells sum to the agreed total, nothing is negative, and what is zero stays zero.

    The agreed total is the mean of the levels' own totals: the total's, and the sums of teams, features and cells.
    """
    cells = dict(zip(CELLS, parts, strict=True))
    agreed = reconcile(total, teams, features, cells)
    assert list(agreed) == CELLS
    levels = [total, *(np.sum(list(one.values()), axis=0) for one in (teams, features, cells) if one)]
    expected = np.where(np.sum(parts, axis=0) > 1e-9, np.mean(levels, axis=0), 0.0)
    np.testing.assert_allclose(np.sum(list(agreed.values()), axis=0), expected, rtol=1e-9, atol=1e-6)
    for cell, daily in agreed.items():
        assert np.isfinite(daily).all()
        assert (daily >= 0).all()
        assert (daily[cells[cell] == 0] == 0).all()


def test_forecasts_that_agree_are_left_alone() -> None:
    """Nothing to reconcile, nothing moved."""
    rng = np.random.default_rng(1)
    cells = {cell: rng.uniform(1, 100, DAYS) for cell in CELLS}
    agreed = reconcile(np.sum(list(cells.values()), axis=0), summed(cells, 0), summed(cells, 1), cells)
    for cell, daily in cells.items():
        np.testing.assert_allclose(agreed[cell], daily, rtol=1e-12)


def test_the_agreed_total_is_the_mean_of_the_levels() -> None:
    """Total 40, teams 20, features 30, cells 10 + 20: (40 + 20 + 30 + 30) / 4 = 30, shared 1 to 2."""
    agreed = reconcile(
        np.array([40.0]),
        {"a": np.array([20.0])},
        {"x": np.array([10.0]), "y": np.array([20.0])},
        {("a", "x"): np.array([10.0]), ("a", "y"): np.array([20.0])},
    )
    assert agreed[("a", "x")] == pytest.approx(10)
    assert agreed[("a", "y")] == pytest.approx(20)


def test_teams_and_features_get_what_they_were_forecast_where_both_can() -> None:
    """Raking: cells that are all alike meet the margins 30 + 10 and 24 + 16 at once, as products of shares."""
    teams = {"search": np.full(DAYS, 30.0), "docs": np.full(DAYS, 10.0)}
    features = {"chat": np.full(DAYS, 24.0), "gen": np.full(DAYS, 16.0)}
    cells = {(team, feature): np.full(DAYS, 10.0) for team in teams for feature in features}
    agreed = reconcile(np.full(DAYS, 40.0), teams, features, cells)
    assert agreed[("search", "chat")] == pytest.approx(np.full(DAYS, 40 * 0.75 * 0.6))
    assert agreed[("docs", "gen")] == pytest.approx(np.full(DAYS, 40 * 0.25 * 0.4))


def test_a_team_whose_cells_are_all_zero_is_not_waited_for() -> None:
    """A team is forecast at 50 that none of its cells will owe: the others keep the shares that they were forecast."""
    zero = np.zeros(DAYS)
    cells = {
        ("search", "chat"): np.full(DAYS, 30.0),
        ("docs", "gen"): np.full(DAYS, 10.0),
        ("ended", "gen"): zero,
    }
    teams = {"search": np.full(DAYS, 30.0), "docs": np.full(DAYS, 10.0), "ended": np.full(DAYS, 50.0)}
    agreed = reconcile(np.full(DAYS, 40.0), teams, {}, cells)
    assert not agreed[("ended", "gen")].any()
    assert agreed[("search", "chat")] == pytest.approx(3 * agreed[("docs", "gen")])


def test_teams_that_are_all_forecast_at_nothing_do_not_silence_their_cells() -> None:
    """Total 0, teams 0 and 0, cells 1 and 2: the agreed total of 1 is shared as the cells are."""
    zero = np.zeros(DAYS)
    cells = {("a", "x"): np.full(DAYS, 1.0), ("b", "x"): np.full(DAYS, 2.0)}
    agreed = reconcile(zero, {"a": zero, "b": zero}, {}, cells)
    assert agreed[("a", "x")] == pytest.approx(np.full(DAYS, 1 / 3))
    assert agreed[("b", "x")] == pytest.approx(np.full(DAYS, 2 / 3))


def test_where_nobody_spends_there_is_no_total() -> None:
    """There is nobody to owe it; and without cells there is nothing at all."""
    agreed = reconcile(np.full(DAYS, 9.0), {}, {}, {("a", "x"): np.zeros(DAYS)})
    assert not agreed[("a", "x")].any()
    assert reconcile(np.full(DAYS, 9.0), {}, {}, {}) == {}


def test_days_are_reconciled_each_by_itself() -> None:
    """A cell that begins on the second day owes nothing of the first."""
    cells = {("a", "x"): np.array([10.0, 10, 10]), ("b", "y"): np.array([0.0, 5, 5])}
    agreed = reconcile(np.array([20.0, 15, 15]), {}, {}, cells)
    assert agreed[("a", "x")].tolist() == pytest.approx([15, 10, 10])
    assert agreed[("b", "y")].tolist() == pytest.approx([0, 5, 5])


def test_a_team_without_a_forecast_of_its_own_has_what_is_left() -> None:
    """The level is incomplete where a team began after the others."""
    cells = {("a", "x"): np.full(DAYS, 10.0), ("b", "x"): np.full(DAYS, 20.0)}
    agreed = reconcile(np.full(DAYS, 30.0), {"a": np.full(DAYS, 10.0)}, {}, cells)
    # Total 30, teams 10, cells 30: 70 / 3, of which 10 are forecast of team a.
    assert agreed[("a", "x")] == pytest.approx(np.full(DAYS, 10))
    assert agreed[("b", "x")] == pytest.approx(np.full(DAYS, 70 / 3 - 10))


def test_parts_of_nothing_stay_nothing() -> None:
    """There is no factor that makes zeros sum to ten."""
    parts = np.array([[0.0, 1], [0.0, 3]])
    assert scaled_to(parts, np.array([10.0, 8])).tolist() == [[0, 2], [0, 6]]


def test_another_dimension_follows_the_agreed_total() -> None:
    """Scaled alike; on days that none of its values owns, the total is unattributed."""
    nodes = {"openai": np.array([10.0, 0, 6]), "anthropic": np.array([30.0, 0, 2])}
    followed = follow(nodes, np.array([80.0, 5, 4]))
    assert followed["openai"].tolist() == [20, 0, 3]
    assert followed["anthropic"].tolist() == [60, 0, 1]
    assert followed[UNATTRIBUTED].tolist() == [0, 5, 0]


def test_what_is_unattributed_already_keeps_what_nobody_owns() -> None:
    """No second value of the same name; and a dimension without values is unattributed as a whole."""
    followed = follow({UNATTRIBUTED: np.array([0.0, 2])}, np.array([5.0, 4]))
    assert followed[UNATTRIBUTED].tolist() == [5, 4]
    assert follow({}, np.array([5.0, 0]))[UNATTRIBUTED].tolist() == [5, 0]


@given(st.dictionaries(st.sampled_from(["a", "b", "c", UNATTRIBUTED]), paths), paths)
def test_a_dimension_that_follows_adds_up(nodes: dict[str, FloatArray], total: FloatArray) -> None:
    """For any values: they sum to the total on every day, and none is negative."""
    followed = follow(nodes, total)
    sums = np.sum(list(followed.values()), axis=0) if followed else np.zeros(DAYS)
    np.testing.assert_allclose(sums, total, rtol=1e-9, atol=1e-6)
    assert all((daily >= 0).all() for daily in followed.values())
