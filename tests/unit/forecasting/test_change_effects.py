"""Planned changes over forecasts: the right part of every series, and sums that hold in every dimension."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from forecasting.change_effects import ChangePlan, LaidChanges, plan_changes, rebase_history, reference_mix
from forecasting.cost_mix import SLICE_DIMENSIONS, Cell, CostMix
from forecasting.errors import ForecastError
from forecasting.planned_changes import PlannedChange
from forecasting.series import FloatArray
from tests.unit.forecasting.test_planned_changes import CUTOFF, change

CHAT, RAG = ("support", "chat"), ("search", "rag")
SLICES = {
    # team, feature, environment, provider, model, family, segment: dollars of the last weeks
    ("support", "chat", "production", "openai", "gpt-5", "gpt", "enterprise"): 60.0,
    ("support", "chat", "production", "anthropic", "opus", "claude", "enterprise"): 20.0,
    ("support", "chat", "staging", "anthropic", "opus", "claude", "unattributed"): 20.0,
    ("search", "rag", "production", "openai", "gpt-5", "gpt", "small"): 30.0,
    ("search", "rag", "production", "openai", "mini", "gpt", "small"): 10.0,
}
MIX = CostMix.of(SLICES.items(), SLICE_DIMENSIONS)
POINTS = {CHAT: np.array([100.0, 200.0, 100.0]), RAG: np.array([40.0, 40.0, 80.0])}


def plan_of(*changes: PlannedChange, points: Mapping[Cell, FloatArray] = POINTS) -> ChangePlan:
    return plan_changes(changes, MIX, CUTOFF, points)


def laid_over(*changes: PlannedChange, points: Mapping[Cell, FloatArray] = POINTS) -> LaidChanges:
    return plan_of(*changes, points=points).lay_over(points)


def test_a_price_cut_of_one_model_moves_its_share_of_each_series() -> None:
    """gpt-5 at half price: 60 % of chat and 75 % of rag; nothing at anthropic."""
    laid = laid_over(change(model_id="gpt-5"))
    np.testing.assert_allclose(laid.cells()[CHAT], POINTS[CHAT] * 0.7)
    np.testing.assert_allclose(laid.cells()[RAG], POINTS[RAG] * 0.625)
    np.testing.assert_allclose(laid.effect({"provider_name": "anthropic"}).factor, 1)
    # On the first day openai has 60 of chat and 40 of rag, of which 60 + 30 are gpt-5.
    assert laid.effect({"provider_name": "openai"}).factor[0] == pytest.approx(1 - 45 / 100)


def test_a_launch_adds_its_amount_once_however_it_is_looked_at() -> None:
    """Ten dollars a day for chat at anthropic: shared by its two slices, the same ten in every dimension."""
    launch = change(
        change_kind="launch", factor=None, daily_amount_usd=Decimal(10), feature="chat", provider_name="anthropic"
    )
    laid = laid_over(launch)
    np.testing.assert_allclose(laid.cells()[CHAT], POINTS[CHAT] + 10)
    for scope in ({}, {"team": "support"}, {"model_family": "claude"}):
        np.testing.assert_allclose(laid.effect(scope).amount_usd, 10, err_msg=str(scope))
    np.testing.assert_allclose(laid.effect({"environment": "staging"}).amount_usd, 5)
    np.testing.assert_allclose(laid.effect({"team": "search"}).amount_usd, 0)


@pytest.mark.parametrize("dimension", ["environment", "provider_name", "model_family", "customer_segment", "model_id"])
def test_every_dimension_adds_up_to_the_cells(dimension: str) -> None:
    """Several changes at once, and node forecasts that weigh the slices differently than the cells do."""
    changes = (
        change(change_id="a", model_id="gpt-5", ramp_days=2),
        change(change_id="b", team="support", driver="requests", factor=Decimal("1.4")),
        change(change_id="c", change_kind="launch", factor=None, daily_amount_usd=Decimal(25), model_id="opus"),
        change(change_id="d", change_kind="go_live", factor=None, daily_amount_usd=Decimal(7), customer_segment="new"),
        change(change_id="e", change_kind="other", factor=None, daily_amount_usd=Decimal(-300), model_id="mini"),
    )
    total = np.sum(list(POINTS.values()), axis=0)
    values = MIX.values(dimension)
    weights = np.arange(1.0, len(values) + 1)
    nodes = {value: total * weight / weights.sum() for value, weight in zip(values, weights, strict=True)}
    laid = laid_over(*changes)
    after = laid.dimension(dimension, nodes)
    np.testing.assert_allclose(np.sum(list(after.values()), axis=0), np.sum(list(laid.cells().values()), axis=0))
    assert all((path >= 0).all() for path in after.values())


def test_without_changes_nothing_moves() -> None:
    """Neither points nor paths nor the history."""
    laid = laid_over()
    paths = np.array([[90.0, 210.0, 95.0]])
    np.testing.assert_array_equal(laid.effect({"team": "support"}).on_paths(paths, POINTS[CHAT]), paths)
    np.testing.assert_allclose(laid.cells()[CHAT], POINTS[CHAT])
    values = np.array([1.0, 2.0])
    np.testing.assert_array_equal(rebase_history(values, plan_of().past_effect({}, CUTOFF, 2)), values)


def test_a_saving_never_takes_more_than_there_is() -> None:
    """A cost that is planned to end leaves zero behind, not a credit."""
    laid = laid_over(change(factor=None, daily_amount_usd=Decimal(-1000), feature="rag"))
    np.testing.assert_array_equal(laid.cells()[RAG], 0)
    np.testing.assert_allclose(laid.effect({}).on_points(POINTS[CHAT] + POINTS[RAG]), POINTS[CHAT])


def test_paths_keep_their_relative_error() -> None:
    """A path twice as high as the forecast is so after the change as well; a new series has the amount itself."""
    launch = change(change_kind="launch", factor=None, daily_amount_usd=Decimal(100), feature="chat")
    effect = laid_over(launch).effect({"feature": "chat"})
    paths = np.array([POINTS[CHAT] * 2, POINTS[CHAT] / 2])
    np.testing.assert_allclose(effect.on_paths(paths, POINTS[CHAT])[:, 0], [400, 100])
    np.testing.assert_allclose(effect.on_paths(np.zeros((2, 3)), np.zeros(3)), 100)


def test_a_scope_without_cost_has_no_effect_and_is_told_with_its_id() -> None:
    """A misspelt model must not pass in silence."""
    plan = plan_of(change(change_id="cut-7", model_id="gtp-5", team="search"))
    (finding,) = plan.findings
    assert finding.change_id == "cut-7"
    assert "team search, model_id gtp-5" in finding.message
    assert "no effect" in finding.message
    np.testing.assert_allclose(plan.lay_over(POINTS).cells()[CHAT], POINTS[CHAT])


def test_a_finished_change_of_a_model_that_is_gone_is_no_finding() -> None:
    """A migration of last year has left nothing in its scope, as it should."""
    assert plan_of(change(model_id="gpt-3", start_date=CUTOFF - timedelta(days=200))).findings == ()


def test_the_launch_of_a_new_feature_opens_a_cell() -> None:
    """It spends from its first day on, in its own cell, and says that it is new."""
    launch = change(
        change_kind="launch",
        factor=None,
        daily_amount_usd=Decimal(30),
        team="search",
        feature="agents",
        provider_name="openai",
    )
    plan = plan_of(launch)
    laid = plan.lay_over(POINTS)
    np.testing.assert_allclose(laid.cells()[("search", "agents")], 30)
    np.testing.assert_allclose(laid.effect({"provider_name": "openai"}).amount_usd, 30)
    np.testing.assert_allclose(laid.effect({"environment": "unattributed"}).amount_usd, 30)
    assert "opens a new series" in plan.findings[0].message


def test_a_new_segment_of_a_known_feature_joins_its_cell() -> None:
    """A customer of a new kind goes live on chat: on the models and environments that chat runs on."""
    go_live = change(
        change_kind="go_live", factor=None, daily_amount_usd=Decimal(50), feature="chat", customer_segment="public"
    )
    laid = laid_over(go_live)
    np.testing.assert_allclose(laid.cells()[CHAT], POINTS[CHAT] + 50)
    np.testing.assert_allclose(laid.effect({"customer_segment": "public"}).amount_usd, 50)
    np.testing.assert_allclose(laid.effect({"model_id": "gpt-5"}).amount_usd, 30)


def test_a_cell_without_recent_cost_still_follows_the_changes_of_its_team() -> None:
    """Its make-up is unknown, its owner is not."""
    points = {**POINTS, ("search", "old"): np.array([5.0, 5.0, 5.0])}
    halved = change(team="search", driver="requests")
    np.testing.assert_allclose(laid_over(halved, points=points).cells()[("search", "old")], 2.5)


def test_a_cell_that_the_plan_does_not_know_is_an_error() -> None:
    """Forgetting cells must not lose their cost."""
    with pytest.raises(ForecastError, match="new-team"):
        plan_of().lay_over({("new-team", "x"): np.ones(3)})


def test_a_dimension_that_the_mix_lacks_is_an_error() -> None:
    """A scope that cannot be seen must not be taken for one without cost."""
    with pytest.raises(ForecastError, match="customer_segment"):
        plan_changes([change(customer_segment="small")], CostMix.of([(("a", "b"), 1.0)], ("team", "feature")), CUTOFF)


def test_history_before_a_price_cut_is_brought_to_the_new_level() -> None:
    """Half price for 60 of 100 dollars of chat: the days before are trained on at 70, those after as they are."""
    began = CUTOFF - timedelta(days=1)
    cut = change(model_id="gpt-5", start_date=began)
    first_day = CUTOFF - timedelta(days=3)
    # 60 dollars of gpt-5 before the cut, 30 after it, and 40 of anthropic throughout.
    rows = [
        (values, first_day + timedelta(days=day), cost * (0.5 if values[4] == "gpt-5" and day >= 2 else 1))
        for values, cost in SLICES.items()
        for day in range(4)
    ]
    mix = reference_mix(rows, SLICE_DIMENSIONS, [cut], CUTOFF)
    plan = plan_changes([cut], mix, CUTOFF, POINTS)
    values = np.array([100.0, 100.0, 70.0, 70.0])
    rebased = rebase_history(values, plan.past_effect({"team": "support"}, first_day, 4))
    np.testing.assert_allclose(rebased, 70)
    np.testing.assert_allclose(plan.lay_over(POINTS).effect({"team": "support"}).factor, 1)


def test_a_holiday_in_the_history_is_filled_up_but_not_without_bound() -> None:
    """A fifth of the traffic is multiplied by five; a shutdown to a thousandth is not multiplied by a thousand."""
    day = CUTOFF - timedelta(days=1)
    for factor, expected in ((Decimal("0.2"), 50.0), (Decimal("0.001"), 200.0)):
        holiday = change(change_kind="holiday", driver="requests", factor=factor, start_date=day, end_date=day)
        effect = plan_of(holiday).past_effect({}, day, 2)
        np.testing.assert_allclose(rebase_history(np.array([10.0, 10.0]), effect), [expected, 10])


def test_each_change_moves_its_own_driver() -> None:
    """A price cut is no fall of requests."""
    laid = laid_over(
        change(change_id="a", team="search"), change(change_id="b", driver="requests", factor=Decimal(2), team="search")
    )
    factors = laid.driver_factors({"team": "search"})
    assert [factors[name][0] for name in ("requests", "tokens_per_request", "price")] == pytest.approx([2, 1, 0.5])


def test_growth_of_a_cell_reaches_every_dimension_and_keeps_the_sums() -> None:
    """Chat twice as large on the second day: its slices grow, and with them what it has of each provider."""
    laid = laid_over(change(model_id="gpt-5"))
    grown = laid.grown({CHAT: np.array([1.0, 2.0, 1.0])})
    np.testing.assert_allclose(grown.cells()[CHAT], laid.cells()[CHAT] * [1, 2, 1])
    np.testing.assert_allclose(grown.cells()[RAG], laid.cells()[RAG])
    total = np.sum(list(POINTS.values()), axis=0)
    nodes = grown.dimension("provider_name", {"openai": total * 0.7, "anthropic": total * 0.3})
    np.testing.assert_allclose(np.sum(list(nodes.values()), axis=0), np.sum(list(grown.cells().values()), axis=0))
    assert grown.effect({"environment": "staging"}).factor[1] == pytest.approx(2)
    assert grown.driver_factors({"team": "support"})["requests"].tolist() == pytest.approx([1, 2, 1])


def test_an_overlap_of_two_factors_multiplies() -> None:
    """Half the price and half the traffic is a quarter of the cost."""
    laid = laid_over(change(change_id="a"), change(change_id="b", driver="requests"))
    np.testing.assert_allclose(laid.effect({}).factor, 0.25)
