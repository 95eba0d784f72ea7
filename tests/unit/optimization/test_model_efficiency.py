"""Which models are needless, and what is not said where it is not known."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from optimization.model_efficiency import Option, dominance, frontier_rows, make_option
from optimization.statistics import Moments

DAY = date(2026, 11, 22)
SESSIONS = 400


def option(
    model_id: str,
    *,
    cost: float,
    success: float = 0.8,
    score: float | None = 0.8,
    sessions: int = SESSIONS,
    seed: int = 1,
) -> Option:
    """A model whose sessions make one attempt each."""
    chance = np.random.default_rng(seed)
    costs = cost * chance.gamma(4.0, 0.25, sessions)
    succeeded = (chance.random(sessions) < success).astype(float)
    ones = np.ones(sessions)
    moments = {
        "cost_per_request": Moments.from_units(costs, ones),
        "cost_per_attempt": Moments.from_units(costs, ones),
        "cost_of_pass": Moments.from_units(costs, succeeded),
        "success": Moments.from_units(succeeded, ones),
    }
    if score is not None:
        scores = np.clip(score + 0.1 * chance.standard_normal(sessions), 0, 1)
        moments |= {
            "quality": Moments.from_units(scores, ones),
            "quality_adjusted_price": Moments.from_units(costs, scores),
        }
    return make_option("ask", "openai", model_id, moments, None)


def test_a_model_is_dominated_by_one_that_is_cheaper_and_no_worse() -> None:
    """Surely cheaper, and better by what may be noise: dominated, with how sure that is."""
    dear, cheap = option("dear", cost=2.0, score=0.80), option("cheap", cost=1.0, score=0.81, seed=2)
    found = dominance(dear, [dear, cheap])
    assert found is not None
    assert found.by is cheap
    assert 0.5 < found.probability <= 1
    assert dominance(cheap, [dear, cheap]) is None


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"cost": 1.0, "score": 0.7}, id="cheaper and surely worse"),
        pytest.param({"cost": 2.0, "score": 0.8}, id="no different beyond noise"),
        pytest.param({"cost": 0.5, "score": 0.9, "sessions": 9}, id="too few sessions to tell"),
    ],
)
def test_a_model_that_is_not_surely_beaten_stays_on_the_frontier(other: dict[str, float]) -> None:
    """A trade-off, noise, or too little data is no reason to call a model needless."""
    mine = option("mine", cost=2.0)
    assert dominance(mine, [mine, option("other", **other, seed=3)]) is None  # type: ignore[arg-type]


def test_without_scores_models_are_compared_by_their_success_rates() -> None:
    """A dearer model that surely succeeds more often is not needless; a cheaper one that does so makes it so."""
    mine = option("mine", cost=1.0, success=0.6, score=None)
    better = option("better", cost=1.0, success=0.9, score=None, seed=5)
    assert dominance(mine, [mine, better]) is not None
    assert dominance(better, [mine, better]) is None


def test_chance_alone_hardly_ever_makes_a_model_needless() -> None:
    """Of 100 pairs of equal models, at most 5 % in each direction have one that is called dominated."""
    false = 0
    for seed in range(100):
        one = option("one", cost=1.0, seed=seed, sessions=120)
        two = option("two", cost=1.0, seed=seed + 10_000, sessions=120)
        false += sum(dominance(each, [one, two]) is not None for each in (one, two))
    assert false <= 0.05 * 2 * 100


def test_a_configured_score_scales_the_price_and_has_no_interval_of_its_own() -> None:
    """A dollar per request at 0.5 is two dollars per entirely good one; a score of 0 gives no price."""
    units = np.full(50, 1.0)
    moments = {"cost_per_request": Moments.from_units(units, units)}
    half = make_option("ask", "openai", "m", moments, 0.5)
    assert (half.quality.value, half.quality.lower) == (0.5, None)
    assert half.quality_adjusted_price.value == pytest.approx(2.0)
    assert make_option("ask", "openai", "m", moments, 0.0).quality_adjusted_price.value is None


def test_rows_say_what_is_not_known() -> None:
    """A model without outcomes is neither on the frontier nor dominated, and says why."""
    (row,) = frontier_rows([make_option("ask", "openai", "m", {}, None)], DAY)
    assert (row["frontier_status"], row["is_on_frontier"], row["is_dominated"]) == ("not known", False, False)
    assert row["cost_of_pass_usd"] is None
    assert "fewer than 10 sessions" in str(row["finding"])
