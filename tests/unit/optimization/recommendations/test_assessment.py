# ruff: noqa: E501 - SQL in strings
"""From marts to ranked recommendations, and savings on the same traffic counted once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import pytest

from ingestion.records import RecommendationRow
from optimization.recommendations.assessment import Owner, assess
from optimization.recommendations.model import Recommendation, State
from optimization.recommendations.overlap import place
from optimization.recommendations.sources import read_candidates
from optimization.recommendations.state import Rules, replay
from tests.unit.optimization.recommendations.marts import create_company, create_savings
from tests.unit.optimization.recommendations.test_state import candidate

DAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
OWNERS = {"devx": Owner("devx-lead@acme.example", "devx-lead@acme.example")}


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with one finding of each kind."""
    with duckdb.connect() as made:
        create_company(made, str(DAY))
        yield made


def recommendation(
    feature: str | None, model: str | None, saving: float, *, state: State = State.OPEN
) -> Recommendation:
    found = candidate(saving, feature=feature or "", target=f"{feature}/{model}/{saving}")
    found = type(found)(**found.__dict__ | {"feature": feature, "model_id": model})
    return Recommendation(found.recommendation_id, state, "", None, found, DAY, DAY, 1, DAY)


def test_each_mart_gives_its_kinds(connection: duckdb.DuckDBPyConnection) -> None:
    """Swaps to make and to test, caches, waste, prompts, experiments and commitments; not what is to be kept."""
    found = {(each.kind, each.target): each for each in read_candidates(connection, DAY)}
    kinds = {kind for kind, _ in found}
    assert kinds == {
        *("model_swap", "cache_reuse", "batch_eligible", "flex_eligible", "billed_retry", "prompt_rollback"),
        *("experiment_rollout", "idle_commitment"),
    }
    assert ("model_swap", "anthropic/claude-opus-4-6") not in found
    tested = found["model_swap", "anthropic/claude-haiku-4-5"]
    assert (tested.saving_usd, tested.saving_lower_usd, tested.confidence) == (16, 0, "low")
    assert "Test moving" in tested.title
    assert "counts as 50 % of that" in tested.evidence
    proven = found["model_swap", "anthropic/claude-sonnet-5"]
    assert (proven.saving_usd, proven.confidence) == (12, "high")
    assert "counts as" not in proven.evidence
    rolled = found["experiment_rollout", "exp-triage: treatment"]
    # 1,000 requests of the control in 30 days, each 0.4 cents dearer.
    assert round(rolled.saving_usd, 4) == round(Decimal(1000) / 30 * Decimal("30.4375") * Decimal("0.004"), 4)
    assert rolled.saving_lower_usd < rolled.saving_usd < rolled.saving_upper_usd
    back = found["prompt_rollback", "triage v1"]
    assert round(back.saving_usd, 4) == round(Decimal(900) / 60 * Decimal("30.4375") * Decimal("0.01"), 4)


def test_daily_marts_are_carried_over_to_a_month_with_an_interval(connection: duckdb.DuckDBPyConnection) -> None:
    """The mean of four weeks times the days of a month; days before the window do not count."""
    (cache,) = (each for each in read_candidates(connection, DAY) if each.kind == "cache_reuse")
    ((mean,),) = connection.execute(
        "select avg(missed_saving_usd) from finops.mart_cache_economics_daily where usage_date > date '2026-10-25'"
    ).fetchall()
    assert float(cache.saving_usd) == pytest.approx(mean * 30.4375)
    assert 0 < cache.saving_lower_usd < cache.saving_usd < cache.saving_upper_usd


def test_a_mart_that_is_not_there_is_no_error() -> None:
    """A home of an earlier version has fewer marts; the others still speak."""
    with duckdb.connect() as made:
        create_savings(made, str(DAY))
        made.execute("drop table finops.mart_experiments")
        assert {each.kind for each in read_candidates(made, DAY)} >= {"model_swap", "batch_eligible"}


def test_rows_are_ranked_owned_and_complete(connection: duckdb.DuckDBPyConnection) -> None:
    """Every column of the record; owners by team; ranks without a gap; rivals once."""
    assessed = assess(connection, {}, OWNERS, NOW, Rules())
    assert assessed is not None
    rows = {row["recommendation_kind"]: row for row in assessed.rows}
    assert all(set(row) == set(RecommendationRow.__dataclass_fields__) for row in assessed.rows)
    assert sorted(row["rank"] for row in assessed.rows) == list(range(1, len(assessed.rows) + 1))
    assert rows["model_swap"]["owner"] == "devx-lead@acme.example"
    assert rows["model_swap"]["is_budget_at_risk"]
    assert rows["model_swap"]["budget_hint"] == "Developer tools"
    assert rows["batch_eligible"]["owner"] is None
    commitment = rows["idle_commitment"]
    assert (commitment["owner"], commitment["owner_email"]) == ("buyer@acme.example", "buyer@acme.example")
    assert commitment["title"] == 'Use up "Promise" by 2027-01-21, or renegotiate it'
    assert rows["experiment_rollout"]["owner"] == "tester@acme.example"
    assert "flex_eligible" not in rows
    assert "billed_retry" not in rows


def test_the_same_assessment_again_gives_the_same_rows_and_no_event(connection: duckdb.DuckDBPyConnection) -> None:
    """A run can be repeated."""
    first = assess(connection, {}, OWNERS, NOW, Rules())
    assert first is not None
    second = assess(connection, replay(first.events), OWNERS, NOW, Rules())
    assert second is not None
    assert second.events == []
    assert second.rows == first.rows


def test_savings_on_the_same_traffic_are_applied_to_what_is_left() -> None:
    """Half the price on what a model at a fifth leaves: 80 and then half of 20, not 80 and 50."""
    costs = {("ask", "openai", "large"): Decimal(100), ("find", "openai", "large"): Decimal(100)}
    swap, batch, other = (
        recommendation("ask", "large", 80),
        recommendation("ask", "large", 50),
        recommendation("find", "large", 5),
    )
    placed = {each.recommendation.recommendation_id: each for each in place([batch, other, swap], costs)}
    assert placed[swap.recommendation_id].additional_usd == 80
    assert placed[batch.recommendation_id].additional_usd == 10
    assert placed[other.recommendation_id].additional_usd == 5
    assert placed[swap.recommendation_id].group == placed[batch.recommendation_id].group is not None
    assert placed[other.recommendation_id].group is None
    assert [placed[each.recommendation_id].is_best_of_group for each in (swap, batch, other)] == [True, False, True]


def test_a_saving_of_a_whole_feature_meets_those_of_its_models() -> None:
    """A prompt touches every model of its feature; what it leaves of each is what is left to be saved there."""
    costs = {("ask", "openai", "large"): Decimal(60), ("ask", "openai", "small"): Decimal(40)}
    prompt, swap = recommendation("ask", None, 50), recommendation("ask", "large", 30)
    placed = {each.recommendation.recommendation_id: each.additional_usd for each in place([swap, prompt], costs)}
    assert placed == {prompt.recommendation_id: 50, swap.recommendation_id: 15}


def test_what_was_accepted_comes_before_what_saves_more() -> None:
    """It will be done; the other one adds to it."""
    costs = {("ask", "openai", "large"): Decimal(100)}
    accepted = recommendation("ask", "large", 40, state=State.ACCEPTED)
    larger = recommendation("ask", "large", 80)
    placed = {each.recommendation.recommendation_id: each for each in place([larger, accepted], costs)}
    assert placed[accepted.recommendation_id].additional_usd == 40
    assert placed[larger.recommendation_id].additional_usd == 48
    assert placed[accepted.recommendation_id].is_best_of_group


def test_savings_together_never_exceed_what_is_spent() -> None:
    """However many claims there are on the same traffic."""
    costs = {("ask", "openai", "large"): Decimal(100)}
    claims = [recommendation("ask", "large", 30 + number) for number in range(20)]
    assert sum(each.additional_usd for each in place(claims, costs)) < 100


def test_what_is_far_cheaper_is_less_likely_to_hold_up(connection: duckdb.DuckDBPyConnection) -> None:
    """Of two models that were never tried, one at a third of the cost is tested before one at a hundredth."""
    connection.execute(
        """
        insert into finops.mart_model_swaps by name
        select * replace (
            'tiny' as candidate_model_id, 47.5 as saving_usd_per_month, 0.5 as candidate_cost_usd_per_month,
            45 as saving_lower_usd_per_month, 48 as saving_upper_usd_per_month
        )
        from finops.mart_model_swaps where verdict = 'test first'
        """
    )
    found = {each.target: each.saving_usd for each in read_candidates(connection, DAY) if each.kind == "model_swap"}
    assert found["anthropic/claude-haiku-4-5"] == 16
    assert 0 < found["anthropic/tiny"] < 2
    assessed = assess(connection, {}, OWNERS, NOW, Rules())
    assert assessed is not None
    assert [row["target"] for row in assessed.rows if row["recommendation_kind"] == "model_swap"] == [
        "anthropic/claude-haiku-4-5"
    ]


def test_a_prompt_that_was_replaced_since_is_not_taken_back(connection: duckdb.DuckDBPyConnection) -> None:
    """Only the revision in use can be; that it replaced a worse one is no news."""
    connection.execute(
        """
        insert into finops.mart_prompt_revisions by name
        select * replace ('v3' as prompt_version, 'v2' as previous_prompt_version, false as is_regression, first_date + 30 as first_date)
        from finops.mart_prompt_revisions
        """
    )
    assert "prompt_rollback" not in {each.kind for each in read_candidates(connection, DAY)}


def test_a_commitment_is_not_counted_as_idle_capacity_too(connection: duckdb.DuckDBPyConnection) -> None:
    """The same dollars of one provider, seen to the end of the period and seen so far."""
    connection.execute(
        """
        insert into finops.mart_waste_daily by name
        select * exclude (provider) replace ('idle_capacity' as waste_kind, provider as provider_name)
        from finops.mart_waste_daily cross join (values ('openai'), ('anthropic')) as providers (provider)
        where waste_kind = 'batch_eligible'
        """
    )
    idle = [each.provider_name for each in read_candidates(connection, DAY) if each.kind == "idle_capacity"]
    assert idle == ["anthropic"]
