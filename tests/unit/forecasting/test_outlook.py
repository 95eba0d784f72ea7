"""Every dimension of one cutoff in every scenario: planned changes, growth, and sums that agree."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest

from forecasting.budgets import Budget
from forecasting.cost_mix import SLICE_DIMENSIONS, UNATTRIBUTED
from forecasting.outlook import (
    MIX_COLUMNS,
    Points,
    holidays_of,
    in_scenario,
    make_plan,
    moved,
    rebased,
    reconciled,
    with_changes,
)
from forecasting.planned_changes import PlannedChange
from forecasting.scenarios import LARGEST_MULTIPLE
from forecasting.series import FloatArray
from forecasting.study import SELECTED, study_series
from tests.unit.forecasting.company import CELLS, CUTOFF, SCENARIOS, history_of, silenced, slice_of, studies_of
from tests.unit.forecasting.series_of import series_of

START = CUTOFF + timedelta(days=11)
"""Day 10 after the cutoff, counted from zero."""

PRICE_CUT = PlannedChange(
    "cut", "Claude at half price", "price", "price", START, factor=Decimal("0.5"), model_family="claude"
)
LAUNCH = PlannedChange(
    "launch",
    "Voice for docs",
    "launch",
    "requests",
    START,
    daily_amount_usd=Decimal(12),
    team="docs",
    feature="voice",
    provider_name="openai",
    model_family="gpt",
    environment="prod",
)
SCOPED = Budget("claude-search", (("team", "search"), ("model_family", "claude")), "month", date.min, date.max)


def points_in(*changes: PlannedChange, scenario: str | None = None) -> Points:
    """Points of the shipped model of the made-up company in one scenario."""
    history = history_of(changes=changes, budgets=[SCOPED])
    plan = make_plan(history)
    points = reconciled(studies_of(history), SELECTED)
    laid = with_changes(points, plan)
    if scenario is not None:
        [growth] = [one for one in SCENARIOS if one.name == scenario]
        laid = in_scenario(laid, growth)
    return moved(points, laid, plan)


def assert_coherent(points: Points) -> None:
    """Every dimension sums to the total on every day, and nothing is negative."""
    for nodes in points.others.values():
        np.testing.assert_allclose(np.sum(list(nodes.values()), axis=0), points.total, rtol=1e-9)
        assert all((daily >= 0).all() for daily in nodes.values())
    assert all((daily >= 0).all() for daily in points.cells.values())


every_scenario = pytest.mark.parametrize("scenario", [None, *(one.name for one in SCENARIOS)], ids=str)


@every_scenario
@pytest.mark.parametrize("changes", [(), (PRICE_CUT,), (LAUNCH,), (PRICE_CUT, LAUNCH)], ids=len)
def test_every_dimension_adds_up_in_every_scenario(changes: tuple[PlannedChange, ...], scenario: str | None) -> None:
    """Total, providers, families, environments and segments, with and without planned changes."""
    points = points_in(*changes, scenario=scenario)
    assert set(points.others) == set(MIX_COLUMNS)
    assert_coherent(points)


def test_without_changes_the_base_is_what_was_reconciled() -> None:
    """Laying nothing over a forecast leaves it, new cells included."""
    history = history_of()
    before = reconciled(studies_of(history), SELECTED)
    after = points_in()
    assert set(after.cells) == set(CELLS)
    for cell, daily in before.cells.items():
        np.testing.assert_allclose(after.cells[cell], daily, rtol=1e-12)


def test_a_price_cut_halves_its_family_from_its_day_on() -> None:
    """The cell, the provider, the family and the budget of that family; the other families stay."""
    before, after = points_in(), points_in(PRICE_CUT)
    expected = np.where(np.arange(120) < 10, 1.0, 0.5)
    assert after.cells[("search", "rank")] / before.cells[("search", "rank")] == pytest.approx(expected)
    family = after.others["model_family"]["claude"] / before.others["model_family"]["claude"]
    # The dimension is scaled to the total that its cells agreed on, so that its days waver around the half.
    assert family[:10] == pytest.approx(np.ones(10))
    assert family[10:].mean() == pytest.approx(0.5, rel=0.03)
    assert after.cells[("search", "chat")] == pytest.approx(before.cells[("search", "chat")])
    assert after.budgets["claude-search"] == pytest.approx(before.budgets["claude-search"] * expected)


def test_a_launch_opens_a_cell_that_every_dimension_knows() -> None:
    """12 dollars a day from its day on, in a cell that had never spent, at a provider that had."""
    before, after = points_in(), points_in(LAUNCH)
    expected = np.where(np.arange(120) < 10, 0.0, 12.0)
    assert after.cells[("docs", "voice")] == pytest.approx(expected)
    assert after.total - before.total == pytest.approx(expected)
    grown = after.others["provider"]["openai"] - before.others["provider"]["openai"]
    assert grown == pytest.approx(expected, abs=0.5)


def test_a_budget_of_another_scope_is_left_alone() -> None:
    """A launch for docs is no matter of search."""
    assert points_in(LAUNCH).budgets["claude-search"] == pytest.approx(points_in().budgets["claude-search"])


@pytest.mark.parametrize("name", ["accelerated", "conservative", "s_curve"])
def test_scenarios_begin_at_the_base_and_stay_within_reason(name: str) -> None:
    """The first day is that of the base; growth goes one way; no day is beyond ten times or below a tenth of it."""
    base, grown = points_in(PRICE_CUT), points_in(PRICE_CUT, scenario=name)
    for cell in CELLS:
        ratio = grown.cells[cell] / base.cells[cell]
        assert ratio[0] == pytest.approx(1)
        assert ((ratio <= LARGEST_MULTIPLE) & (ratio >= 1 / LARGEST_MULTIPLE)).all()
        steps = np.diff(ratio) * (-1 if name == "conservative" else 1)
        assert (steps >= -1e-9).all()


def test_a_scenario_for_one_feature_leaves_the_others() -> None:
    """The s-curve is for chat: other features have their base."""
    base, grown = points_in(), points_in(scenario="s_curve")
    assert grown.cells[("search", "rank")] == pytest.approx(base.cells[("search", "rank")])
    ratio = grown.cells[("search", "chat")] / base.cells[("search", "chat")]
    assert 1.3 < ratio[31] < 1.5
    assert ratio[-1] < 3


@every_scenario
def test_a_year_of_a_short_steep_history_does_not_explode(scenario: str | None) -> None:
    """Three weeks that grew by a tenth a day: base within half as much again, and no scenario beyond ten times that."""
    history = history_of()
    values = np.round(1.1 ** np.arange(21), 6)
    [study] = study_series(series_of(values), [date(2026, 1, 25)], 365)
    highest = float(values.max())
    laid = with_changes(Points(dict.fromkeys(CELLS, study.points[SELECTED]), {}, {}), make_plan(history))
    if scenario is not None:
        laid = in_scenario(laid, next(one for one in SCENARIOS if one.name == scenario))
    most = 1.5 * highest * (1 if scenario is None else LARGEST_MULTIPLE)
    assert all(daily.max() <= most for daily in laid.cells().values())


def test_a_team_whose_cells_have_ended_stays_at_nothing() -> None:
    """In base and in the steepest scenario, with its neighbours alive."""
    history = history_of()
    ended = [
        silenced(study) if study.series.series_id == "team_feature=docs/chat" else study
        for study in studies_of(history)
    ]
    points = reconciled(ended, SELECTED)
    plan = make_plan(history)
    laid = with_changes(points, plan)
    for one in (laid, in_scenario(laid, SCENARIOS[0])):
        after = moved(points, one, plan)
        assert not after.cells[("docs", "chat")].any()
        assert (after.total > 0).all()
        assert_coherent(after)


# ---------------------------------------------------------------- what the history already contains


def test_a_price_cut_of_last_week_is_taken_out_of_the_days_before_it() -> None:
    """What models train on is at the level of the cutoff: older claude days count half, and others are untouched."""
    cut = PlannedChange(
        **{
            **{
                name: getattr(PRICE_CUT, name)
                for name in ("change_id", "change_name", "change_kind", "driver", "factor")
            },
            "model_family": "claude",
            "start_date": CUTOFF - timedelta(days=6),
        }
    )
    history = history_of(changes=[cut])
    fallen = []
    for one in history.series:
        is_claude = one.series_id in ("team_feature=search/rank", "model_family=claude", "provider=anthropic")
        costs = (*one.costs[:-7], *(cost / 2 for cost in one.costs[-7:])) if is_claude else one.costs
        fallen.append(type(one)(one.series_id, one.dimension_name, one.dimension_value, one.first_day, costs))
    mix = [
        (values, day, cost / 2 if "claude" in values and day >= cut.start_date else cost)
        for values, day, cost in history.mix
    ]
    history = type(history)(**{**vars(history), "series": fallen, "mix": mix})
    plan = make_plan(history)
    leveled = {one.series_id: rebased(one, plan) for one in history.series}
    assert set(leveled["team_feature=search/rank"].costs) == {Decimal(10)}
    gpt = next(one for one in history.series if one.series_id == "model_family=gpt")
    assert leveled["model_family=gpt"] is gpt


def test_without_a_change_in_the_past_a_series_is_itself() -> None:
    """Not even copied."""
    history = history_of(changes=[PRICE_CUT])
    plan = make_plan(history)
    assert all(rebased(one, plan) is one for one in history.series)


def test_a_change_that_concerns_nothing_is_told_and_does_nothing() -> None:
    """A misspelt family is a finding with its id, and the forecast is as without it."""
    typo = PlannedChange("typo", "t", "price", "price", START, factor=Decimal("0.1"), model_family="cluade")
    [finding] = make_plan(history_of(changes=[typo])).findings
    assert finding.change_id == "typo"
    assert "cluade" in finding.message
    assert points_in(typo).total == pytest.approx(points_in().total)


def test_only_holidays_that_have_ended_are_taught_to_prophet() -> None:
    """Each of their days by name; those to come are laid over the forecast as any other change."""

    def holiday(change_id: str, start: date, end: date | None) -> PlannedChange:
        return PlannedChange(change_id, change_id, "holiday", "requests", start, end, factor=Decimal("0.3"))

    past = holiday("carnival", date(2026, 2, 16), date(2026, 2, 17))
    changes = [past, holiday("easter", date(2026, 4, 3), date(2026, 4, 6)), holiday("for ever", date(2026, 2, 1), None)]
    assert holidays_of(history_of(changes=changes)) == {"carnival": [date(2026, 2, 16), date(2026, 2, 17)]}


# ---------------------------------------------------------------- budgets of single customers

CUSTOMER = Budget("acme", (("customer_id", "c-1"),), "month", date.min, date.max)
"""Of the segment ``business``, at seven dollars a day."""


def customer_points(*changes: PlannedChange, internal: tuple[str, str] | None = None) -> tuple[FloatArray, FloatArray]:
    """Points of the customer's budget without and with changes; one cell may be of no customer's segment."""
    history = history_of(changes=changes, budgets=[CUSTOMER])
    if internal is not None:
        theirs, segment = slice_of(internal), SLICE_DIMENSIONS.index("customer_segment")
        ours = (*theirs[:segment], UNATTRIBUTED, *theirs[segment + 1 :])
        history = replace(history, mix=[(ours if one == theirs else one, day, cost) for one, day, cost in history.mix])
    plan = make_plan(history)
    points = reconciled(studies_of(history), SELECTED)
    return points.budgets["acme"], moved(points, with_changes(points, plan), plan).budgets["acme"]


def test_an_added_amount_is_nobodys_in_particular() -> None:
    """Twelve dollars a day for a launch are not a customer's, who spends seven in all."""
    before, after = customer_points(LAUNCH)
    np.testing.assert_array_equal(after, before)


def test_a_factor_moves_a_customer_as_it_moves_its_segment() -> None:
    """Half price for 20 of 65 dollars: 1 - 10 / 65. If those 20 are spent on no customer, the customer is not moved."""
    before, after = customer_points(PRICE_CUT)
    np.testing.assert_allclose((after / before)[10:], 1 - 10 / 65, rtol=0.1)
    before, after = customer_points(PRICE_CUT, internal=("search", "rank"))
    np.testing.assert_array_equal(after, before)


def test_the_history_of_a_customer_is_not_lowered_by_what_was_added_for_all() -> None:
    """A launch of 12 dollars a day that has been there for two weeks."""
    begun = replace(LAUNCH, start_date=CUTOFF - timedelta(days=14), team="search", feature="chat")
    history = history_of(changes=[begun], budgets=[CUSTOMER])
    plan = make_plan(history)
    [mine] = [one for one in history.series if one.series_id == "budget=acme"]
    assert rebased(mine, plan) is mine
