"""Revisions of prompts: what they did is found, what else changed with them is taken out or said."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from optimization.prompt_revisions import ModelKey, Revision, compare
from optimization.reading import MomentsOf
from optimization.statistics import Moments

DAY = date(2026, 11, 22)
CHEAP, DEAR = ("openai", "cheap"), ("openai", "dear")


def moments(
    sessions: int,
    *,
    price: float,
    tokens: float = 1000.0,
    success: float = 0.8,
    judged: float = 1.0,
    discount: float = 1.0,
    seed: int = 1,
) -> MomentsOf:
    """One model: a request a session, whose cost follows its input tokens."""
    chance = np.random.default_rng(seed)
    used = tokens * chance.gamma(8.0, 1 / 8, sessions)
    cost = price * used / 1000
    outcomes = (chance.random(sessions) < judged).astype(float)
    succeeded = outcomes * (chance.random(sessions) < success)
    ones = np.ones(sessions)
    return {
        "list_per_effective": Moments.from_units(cost, cost * discount),
        "list_cost_per_request": Moments.from_units(cost, ones),
        "list_cost_per_success": Moments.from_units(cost, succeeded),
        "success": Moments.from_units(succeeded[outcomes > 0], outcomes[outcomes > 0]),
        "outcomes_per_request": Moments.from_units(outcomes, ones),
        "input_tokens": Moments.from_units(used, ones),
        "output_tokens": Moments.from_units(ones * 100, ones),
        "cache_hit": Moments.from_units(0.4 * used, used),
        "duration": Moments.from_units(2 + 0.001 * used, ones),
    }


def revision(version: str, models: dict[ModelKey, MomentsOf]) -> Revision:
    return Revision("ask", "ask-prompt", version, models)


def test_a_longer_prompt_is_found_and_flagged() -> None:
    """A quarter more input: the interval of the change holds 25 %, cost per success is worse, both are named."""
    before = revision("v1", {CHEAP: moments(2000, price=1.0)})
    after = revision("v2", {CHEAP: moments(2000, price=1.0, tokens=1250, seed=2)})
    row = compare(after, before, DAY)
    assert row["change_input_tokens_ratio_lower"] < 0.25 < row["change_input_tokens_ratio_upper"]  # type: ignore[operator]
    assert (row["verdict"], row["is_regression"], row["is_confounded"]) == ("worse", True, False)
    assert "input tokens per request +" in str(row["regression_reasons"])
    assert "cost per successful outcome +" in str(row["regression_reasons"])
    assert "success rate" not in str(row["regression_reasons"])


def test_a_changed_mix_of_models_is_weighted_out() -> None:
    """The same prompt on more of the dear model costs more and is no regression: it is compared model by model."""
    before = revision("v1", {CHEAP: moments(3000, price=1.0), DEAR: moments(1000, price=10.0, seed=2)})
    after = revision("v2", {CHEAP: moments(1000, price=1.0, seed=3), DEAR: moments(3000, price=10.0, seed=4)})
    row = compare(after, before, DAY)
    assert abs(float(str(row["change_cost_per_request_ratio"]))) < 0.05
    assert (row["is_regression"], row["is_confounded"]) == (False, True)
    assert "mix of models changed" in str(row["finding"])


def test_models_that_only_one_revision_ran_on_are_left_out() -> None:
    """Compared on what both ran on; where that is hardly anything, nothing is said."""
    before = revision("v1", {CHEAP: moments(2000, price=1.0)})
    half = revision("v2", {CHEAP: moments(1000, price=1.0, seed=2), DEAR: moments(1000, price=10.0, seed=3)})
    row = compare(half, before, DAY)
    assert row["comparable_request_ratio"] == 0.5
    assert abs(float(str(row["change_cost_per_request_ratio"]))) < 0.05
    hardly = {CHEAP: moments(100, price=1.0, seed=2), DEAR: moments(2000, price=10.0, seed=3)}
    other = compare(revision("v2", hardly), before, DAY)
    assert (other["verdict"], other["is_regression"], other["is_confounded"]) == ("inconclusive", False, True)
    assert other["change_cost_per_request_ratio"] is None
    assert "models changed together with the prompt" in str(other["finding"])


def test_a_discount_is_not_the_doing_of_a_prompt() -> None:
    """A tenth off from the day of the revision: no difference, in the dollars of now."""
    before = revision("v1", {CHEAP: moments(20_000, price=1.0)})
    after = revision("v2", {CHEAP: moments(20_000, price=1.0, discount=0.9, seed=2)})
    row = compare(after, before, DAY)
    assert row["verdict"] == "no difference"
    assert float(str(row["cost_per_successful_outcome_usd"])) == pytest.approx(0.9 / 0.8, rel=0.03)


def test_outcomes_that_are_still_to_come_make_it_inconclusive() -> None:
    """Half of the outcomes of the new revision are not there yet: its cost looks doubled and is not judged."""
    before = revision("v1", {CHEAP: moments(2000, price=1.0)})
    after = revision("v2", {CHEAP: moments(2000, price=1.0, judged=0.5, seed=2)})
    row = compare(after, before, DAY)
    assert (row["verdict"], row["is_regression"]) == ("inconclusive", False)
    assert "still to come" in str(row["finding"])


def test_the_first_revision_has_nothing_to_be_compared_with() -> None:
    """Its own cost and success rate are there, every change is null."""
    row = compare(revision("v1", {CHEAP: moments(200, price=1.0)}), None, DAY)
    assert (row["verdict"], row["previous_prompt_version"]) == ("first", None)
    assert row["cost_per_successful_outcome_lower_usd"] is not None
    assert all(value is None for name, value in row.items() if name.startswith("change_"))


def test_equal_revisions_are_hardly_ever_flagged() -> None:
    """Seven metrics are looked at, and yet at most 5 % of 100 pairs of equal revisions have any regression."""
    flagged = sum(
        bool(
            compare(
                revision("v2", {CHEAP: moments(300, price=1.0, seed=seed + 5000)}),
                revision("v1", {CHEAP: moments(300, price=1.0, seed=seed)}),
                DAY,
            )["is_regression"]
        )
        for seed in range(100)
    )
    assert flagged <= 0.05 * 100
