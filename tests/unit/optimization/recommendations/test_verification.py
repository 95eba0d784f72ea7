# ruff: noqa: E501 - SQL in strings
"""Checks of changes whose true effect is known: found within the interval, and price cuts are not claimed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from optimization.recommendations.model import Candidate, Confidence, Recommendation, State
from optimization.recommendations.verification import Effect, Span, check_all, judge, method_of, spans_of, verify

FIRST, DONE, LAST = date(2026, 9, 1), date(2026, 10, 13), date(2026, 11, 22)
PRICES = {"large": (2.5, 10.0), "small": (0.5, 2.0)}
SPAN = Span(FIRST, DONE, LAST)


def company(
    seed: int, *, factor: float = 1.0, price_cut: float = 1.0, discount: float = 1.0, model_after: str = "large"
) -> duckdb.DuckDBPyConnection:
    """Requests of one feature whose input is multiplied by a factor from the day of the change on.

    On the same day the list price may be cut and a discount may begin, which are not the change's doing.
    """
    chance = np.random.default_rng(seed)
    days = np.repeat(np.arange((LAST - FIRST).days + 1), 40)
    is_after = days >= (DONE - FIRST).days
    tokens = np.exp(np.log(8000) + 0.6 * chance.standard_normal(len(days))) * np.where(is_after, factor, 1.0)
    output = np.exp(np.log(500) + 0.6 * chance.standard_normal(len(days)))
    model = np.where(is_after, model_after, "large")
    cut = np.where(is_after, price_cut, 1.0)
    price = np.array([PRICES[name] for name in model]) * cut[:, None]
    listed = (np.rint(tokens) * price[:, 0] + np.rint(output) * price[:, 1]) / 1e6
    dates = [FIRST + timedelta(days=int(day)) for day in days]
    made = duckdb.connect()
    rows = pa.table(
        {
            "feature": ["ask"] * len(days),
            "environment": ["prod"] * len(days),
            "provider_name": ["openai"] * len(days),
            "model_id": model.tolist(),
            "service_tier": ["standard"] * len(days),
            "price_id": model.tolist(),
            "usage_date": pa.array(dates, pa.date32()),
            "uncached_input_tokens": np.rint(tokens).astype(np.int64),
            "output_tokens": np.rint(output).astype(np.int64),
            **{
                f"{kind}_tokens": np.zeros(len(days), dtype=np.int64)
                for kind in (
                    *("cache_read", "cache_write_5m", "cache_write_1h", "audio_input", "audio_output"),
                    *("image_input", "image_output"),
                )
            },
            "web_search_requests": np.zeros(len(days), dtype=np.int64),
            "list_cost_usd": listed,
            "effective_cost_usd": listed * np.where(is_after, discount, 1.0),
        }
    )
    made.register("rows", rows)
    made.execute("create schema core; create table core.fct_llm_requests as select * from rows")
    made.execute(
        f"""
        create table core.dim_model_prices as
        select
            name as price_id, 'openai' as provider_name, name as model_name, name as model_id, 'standard' as service_tier,
            0 as min_input_tokens, null::bigint as max_input_tokens, day::date as usage_date,
            input * case when day >= timestamp '{DONE}' then {price_cut} else 1 end as uncached_input_usd_per_mtok,
            output * case when day >= timestamp '{DONE}' then {price_cut} else 1 end as output_usd_per_mtok,
            null::double as cache_read_usd_per_mtok, null::double as cache_write_5m_usd_per_mtok,
            null::double as cache_write_1h_usd_per_mtok, null::double as audio_input_usd_per_mtok,
            null::double as audio_output_usd_per_mtok, null::double as image_input_usd_per_mtok,
            null::double as image_output_usd_per_mtok, null::double as web_search_usd_per_thousand
        from generate_series(timestamp '{FIRST}', timestamp '{LAST}', interval 1 day) as days (day)
        cross join (values ('large', 2.5, 10.0), ('small', 0.5, 2.0)) as models (name, input, output)
        """
    )
    return made


def done(
    kind: str, *, feature: str = "ask", model: str | None = None, target: str | None = None, day: date = DONE
) -> Recommendation:
    """A change that was made on a day."""
    candidate = Candidate(
        kind=kind,
        team="search",
        feature=feature,
        environment=None,
        provider_name=None if model is None else "openai",
        model_id=model,
        target=target,
        title="",
        evidence="",
        evidence_table="",
        how_to="",
        confidence=Confidence.HIGH,
        saving_usd=Decimal(1),
        saving_lower_usd=Decimal(1),
        saving_upper_usd=Decimal(1),
        parameters={
            "candidate_provider_name": "openai",
            "candidate_model_id": target or "",
            "service_tier": "standard",
            "token_ratio": "1",
        },
    )
    return Recommendation(
        candidate.recommendation_id, State.DONE, "", "ann", candidate, day, day, 2, day, done_date=day
    )


@pytest.fixture(scope="module")
def shorter() -> Iterator[duckdb.DuckDBPyConnection]:
    """Prompts that became a fifth shorter on the day that prices fell by 30 % and a discount of 10 % began."""
    with company(1, factor=0.8, price_cut=0.7, discount=0.9) as made:
        yield made


def test_a_shorter_prompt_is_found_and_a_price_cut_is_not_claimed(shorter: duckdb.DuckDBPyConnection) -> None:
    """The saving is a quarter of the input since then, at the new price and discount: the interval holds it."""
    found = verify(shorter, done("prompt_rollback"), SPAN)
    ((truth,),) = shorter.execute(
        "select sum(uncached_input_tokens) * 0.25 * 2.5 * 0.7 * 0.9 / 1e6 from core.fct_llm_requests where usage_date >= ?",
        [DONE],
    ).fetchall()
    assert found.status == "saved"
    assert found.saving_usd is not None
    assert found.saving_lower_usd is not None
    assert found.saving_upper_usd is not None
    assert found.saving_lower_usd <= truth <= found.saving_upper_usd
    assert float(found.saving_usd) == pytest.approx(truth, rel=0.2)
    assert found.day_count == 41
    assert float(found.saving_usd_per_month or 0) == pytest.approx(float(found.saving_usd) / 41 * 30.4375)


def test_a_price_cut_alone_saves_nothing_that_a_change_could_claim() -> None:
    """Nothing was changed but prices and discounts: whatever is found lies around zero, and the interval holds zero."""
    with company(2, price_cut=0.5, discount=0.9) as made:
        found = verify(made, done("cache_reuse"), SPAN)
    assert found.status in ("inconclusive", "no difference")
    assert found.saving_lower_usd is not None
    assert found.saving_upper_usd is not None
    assert found.saving_lower_usd < 0 < found.saving_upper_usd


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Of 60 companies with a change of 10 %, the interval of nearly all holds the true saving."""
    held = 0
    for seed in range(60):
        with company(1000 + seed, factor=0.9) as made:
            found = verify(made, done("prompt_rollback"), SPAN)
            ((truth,),) = made.execute(
                "select sum(uncached_input_tokens) * (1 / 0.9 - 1) * 2.5 / 1e6 from core.fct_llm_requests where usage_date >= ?",
                [DONE],
            ).fetchall()
        assert found.saving_lower_usd is not None
        assert found.saving_upper_usd is not None
        held += found.saving_lower_usd <= truth <= found.saving_upper_usd
    assert held >= 54


def test_a_swap_is_the_same_requests_at_the_old_price() -> None:
    """To the last decimal: a fifth of the price saves four fifths of what they would have cost, at the old discount."""
    with company(3, model_after="small", discount=0.95) as made:
        found = verify(made, done("model_swap", model="large", target="small"), SPAN)
        ((actual,),) = made.execute(
            "select sum(effective_cost_usd) from core.fct_llm_requests where usage_date >= ?", [DONE]
        ).fetchall()
    assert found.status == "saved"
    assert float(found.saving_usd or 0) == pytest.approx(actual * 4)


def test_a_swap_that_costs_more_says_so() -> None:
    """From small to large: a negative saving is shown, not hidden."""
    with company(4) as made:
        made.execute(
            "update core.fct_llm_requests set model_id = 'small', price_id = 'small' where usage_date < ?", [DONE]
        )
        found = verify(made, done("model_swap", model="small", target="large"), SPAN)
    assert found.status == "cost more"
    assert (found.saving_usd or 0) < 0


def test_only_traffic_that_moved_is_counted() -> None:
    """Half of the requests ran on the small model before: only the other half is the change's doing."""
    with company(5, model_after="small") as made:
        made.execute(
            "update core.fct_llm_requests set model_id = 'small', price_id = 'small' where usage_date < ? and rowid % 2 = 0",
            [DONE],
        )
        found = verify(made, done("model_swap", model="large", target="small"), SPAN)
        ((actual,),) = made.execute(
            "select sum(effective_cost_usd) from core.fct_llm_requests where usage_date >= ?", [DONE]
        ).fetchall()
    assert float(found.saving_usd or 0) == pytest.approx(actual * 4 / 2, rel=0.01)


def test_other_models_than_before_cannot_be_compared() -> None:
    """Cost per request of another model says nothing of a prompt."""
    with company(6, factor=0.8, model_after="small") as made:
        found = verify(made, done("prompt_rollback"), SPAN)
    assert found.status == "inconclusive"
    assert found.saving_usd is None
    assert "0 % of the cost" in found.finding


def test_a_change_of_yesterday_is_too_early(shorter: duckdb.DuckDBPyConnection) -> None:
    """A week is needed."""
    span = Span(FIRST, LAST - timedelta(days=2), LAST)
    found = verify(shorter, done("prompt_rollback", day=span.done), span)
    assert found.status == "too early"
    assert found.saving_usd is None


def test_waste_is_compared_by_its_share_of_cost() -> None:
    """A tenth of the cost was retries, and now it is a fiftieth: the rest would have cost a tenth more."""
    with duckdb.connect() as made:
        made.execute(
            f"""
            create schema core; create schema finops;
            create table core.fct_cost_ledger as
            select day::date as usage_date, 'ask' as feature, 'openai' as provider_name, 'large' as model_id, 100 as request_count,
                case when day < timestamp '{DONE}' then 100 else 90 / 0.98 end + extract(day from day) % 3 as effective_cost_usd
            from generate_series(timestamp '{FIRST}', timestamp '{LAST}', interval 1 day) as days (day);
            create table finops.mart_waste_daily as
            select usage_date, 'billed_retry' as waste_kind, feature, provider_name, model_id,
                effective_cost_usd * case when usage_date < date '{DONE}' then 0.1 else 0.02 end as wasted_cost_usd
            from core.fct_cost_ledger
            """
        )
        found = verify(made, done("billed_retry", model="large"), SPAN)
        ((actual,),) = made.execute(
            "select sum(effective_cost_usd) from core.fct_cost_ledger where usage_date >= ?", [DONE]
        ).fetchall()
    assert found.status == "saved"
    assert float(found.saving_usd or 0) == pytest.approx(float(actual) * (0.98 / 0.9 - 1), rel=1e-6)


def test_two_changes_of_one_feature_do_not_claim_the_same_days() -> None:
    """Each is compared with the days since the one before it, and until the one after it."""
    first, second = done("prompt_rollback", day=DONE), done("cache_reuse", day=DONE + timedelta(days=14))
    other = done("prompt_rollback", target="x", day=DONE + timedelta(days=3))
    other = replace(other, candidate=replace(other.candidate, feature="find"))
    spans = spans_of({each.recommendation_id: each for each in (first, second, other)}, LAST)
    assert spans[first.recommendation_id].last == second.done_date - timedelta(days=1)  # type: ignore[operator]
    assert spans[second.recommendation_id].first == first.done_date
    assert spans[second.recommendation_id].last == LAST
    assert spans[other.recommendation_id].first == DONE + timedelta(days=3) - timedelta(days=56)


@pytest.mark.parametrize(
    ("saving", "variance", "status"),
    [(50, 100, "saved"), (-50, 100, "cost more"), (10, 100, "inconclusive"), (1, 0.1, "no difference")],
)
def test_the_verdict_follows_the_interval(saving: float, variance: float, status: str) -> None:
    """Zero inside: not proven; below two per cent: nobody would call it a difference."""
    assert judge(Effect(saving, 200, variance, 30, 1000), "rates", 30).status == status


def test_each_kind_has_a_method() -> None:
    """What cannot be measured says so."""
    assert method_of("model_swap") == "repriced"
    assert method_of("batch_eligible") == "repriced"
    assert method_of("billed_retry") == "share"
    assert method_of("experiment_rollout") == "arms"
    assert method_of("cache_write") == "rates"
    assert judge(None, method_of("idle_commitment"), 30).status == "inconclusive"


def test_a_swap_from_a_model_without_a_price_says_so() -> None:
    """There is nothing to compare with; that is not the same as too early."""
    with company(7, model_after="small") as made:
        made.execute("delete from core.dim_model_prices where model_id = 'large'")
        found = verify(made, done("model_swap", model="large", target="small"), SPAN)
    assert found.status == "inconclusive"
    assert found.saving_usd is None
    assert "have no price" in found.finding


def test_work_that_left_the_priority_tier_is_compared_with_the_priority_price() -> None:
    """Batch at half of the standard price saves three quarters of a priority price that was twice it, not a half."""
    with company(3) as made:
        made.execute(
            "update core.fct_llm_requests set service_tier = case when usage_date >= ? then 'batch' else 'priority' end",
            [DONE],
        )
        made.execute(
            "update core.fct_llm_requests set list_cost_usd = list_cost_usd / 2, effective_cost_usd = effective_cost_usd / 2 "
            "where service_tier = 'batch'"
        )
        for tier, factor in (("priority", 2), ("batch", 0.5)):
            made.execute(
                "insert into core.dim_model_prices select * replace (price_id || $tier as price_id, $tier as service_tier, "
                "uncached_input_usd_per_mtok * $factor as uncached_input_usd_per_mtok, "
                "output_usd_per_mtok * $factor as output_usd_per_mtok) "
                "from core.dim_model_prices where service_tier = 'standard'",
                {"tier": tier, "factor": factor},
            )
        one = done("batch_eligible", model="large")
        one = replace(one, candidate=replace(one.candidate, parameters={"service_tier": "batch"}))
        found = verify(made, one, SPAN)
        ((spent,),) = made.execute(
            "select sum(effective_cost_usd) from core.fct_llm_requests where service_tier = 'batch'"
        ).fetchall()
    assert float(found.saving_usd or 0) == pytest.approx(spent * 3, rel=1e-6)


def test_two_changes_of_one_day_do_not_both_claim_what_they_saved(shorter: duckdb.DuckDBPyConnection) -> None:
    """The larger one has it; a change of another model of the feature is measured by itself."""
    prompt, context = done("prompt_rollback"), done("oversized_context", model="large")
    prompt = replace(prompt, candidate=replace(prompt.candidate, saving_usd=Decimal(5)))
    other = done("oversized_context", model="small")
    known = {each.recommendation_id: each for each in (prompt, context)}
    found = check_all(shorter, known, LAST)
    assert found[prompt.recommendation_id].status == "saved"
    assert found[context.recommendation_id].saving_usd is None
    assert prompt.recommendation_id in found[context.recommendation_id].finding
    known = {each.recommendation_id: each for each in (context, other)}
    assert check_all(shorter, known, LAST)[context.recommendation_id].status == "saved"
