"""What the marts find worth doing, as candidates: one function for each mart, all of the same shape."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb

from optimization.intervals import mean_interval
from optimization.recommendations import words
from optimization.recommendations.model import DAYS_PER_MONTH, Candidate, Confidence

WINDOW_DAYS = 28
"""Four whole weeks: what daily marts say of them is carried over to a month."""
TEST_CHANCE = Decimal("0.5")
TEST_PRICE_RATIO = Decimal("0.25")
"""A model that has not been tried is as likely as not to hold up in a test, down to a quarter of the cost of now. Below
that its chance falls with the cost: what is far cheaper is far smaller, or everybody would run everything on it."""

_log = logging.getLogger(__name__)

Row = dict[str, Any]


@dataclass(frozen=True)
class Source:
    """One mart and what becomes of its rows. ``sql`` is asked with ``$day``, and ``$first_day`` of the window."""

    table: str
    sql: str
    candidates: Callable[[Sequence[Row]], Iterable[Candidate]]


def read_candidates(connection: duckdb.DuckDBPyConnection, day: date) -> list[Candidate]:
    """Everything that the marts find worth doing as of a day, whatever its size."""
    found: dict[str, Candidate] = {}
    for source in SOURCES:
        if not _is_there(connection, source.table):
            _log.warning("%s is not there, so nothing is recommended from it", source.table)
            continue
        first_day = day - timedelta(days=WINDOW_DAYS - 1)
        values = {name: value for name, value in (("day", day), ("first_day", first_day)) if f"${name}" in source.sql}
        cursor = connection.execute(source.sql, values)
        names = [column[0] for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        for candidate in source.candidates(rows):
            found[candidate.recommendation_id] = candidate
    return _without_repeats(list(found.values()))


def _without_repeats(candidates: list[Candidate]) -> list[Candidate]:
    """Idle capacity of a provider whose commitment is at risk is that commitment, seen so far instead of to its end."""
    promised = {each.provider_name for each in candidates if each.kind == "idle_commitment"}
    return [each for each in candidates if not (each.kind == "idle_capacity" and each.provider_name in promised)]


def _is_there(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    schema, name = table.split(".")
    sql = "select 1 from information_schema.tables where table_schema = ? and table_name = ?"
    return bool(connection.execute(sql, [schema, name]).fetchall())


# ---------------------------------------------------------------- models


_SWAPS = """
    select * from finops.mart_model_swaps
    where verdict in ('switch', 'test first') and saving_usd_per_month > 0
    order by team, feature, provider_name, model_id, candidate_provider_name, candidate_model_id
"""


def _swaps(rows: Sequence[Row]) -> Iterator[Candidate]:
    for row in rows:
        is_proven = row["verdict"] == "switch"
        chance = Decimal(1) if is_proven else chance_of(row)
        saving, upper = _money(row["saving_usd_per_month"]), _money(row["saving_upper_usd_per_month"])
        lower = _money(row["saving_lower_usd_per_month"]) if is_proven else Decimal(0)
        tier, new_tier = row["service_tier"] or "standard", row["candidate_service_tier"] or "standard"
        is_observed = (row["candidate_outcome_count"] or 0) > 0
        yield Candidate(
            kind="model_swap",
            team=row["team"],
            feature=row["feature"],
            environment=None,
            provider_name=row["provider_name"],
            model_id=row["model_id"],
            target=f"{row['candidate_provider_name']}/{row['candidate_model_id']}"
            + ("" if new_tier == tier == "standard" else f" ({tier} to {new_tier})"),
            title=words.swap_title(row, is_proven=is_proven),
            evidence=words.swap_evidence(row, chance),
            evidence_table="finops.mart_model_swaps",
            how_to=words.swap_steps(row, is_proven=is_proven),
            confidence=Confidence.LOW if not is_proven else (Confidence.HIGH if is_observed else Confidence.MEDIUM),
            saving_usd=saving * chance,
            saving_lower_usd=min(lower, saving * chance),
            saving_upper_usd=max(upper, saving * chance),
            current_cost_usd=_money(row["current_cost_usd_per_month"]),
            rival_key=f"model/{row['team']}/{row['feature']}/{row['provider_name']}/{row['model_id']}/{tier}",
            parameters={
                "candidate_provider_name": row["candidate_provider_name"],
                "candidate_model_id": row["candidate_model_id"],
                "service_tier": tier,
                "candidate_service_tier": new_tier,
                "token_ratio": str(row["token_ratio"] or 1),
                "token_uncertainty_ratio": str(row["token_uncertainty_ratio"] or 0),
            },
        )


def chance_of(row: Row) -> Decimal:
    """How likely a model that has not been tried is to hold up."""
    current, candidate = _money(row["current_cost_usd_per_month"]), _money(row["candidate_cost_usd_per_month"])
    if current <= 0:
        return TEST_CHANCE
    return TEST_CHANCE * min(candidate / current / TEST_PRICE_RATIO, Decimal(1))


# ---------------------------------------------------------------- caches


_CACHE = """
    with scoped as (
        select
            team, feature, provider_name, model_id,
            coalesce(prompt_name, '') as prompt_name,
            usage_date,
            sum(coalesce(missed_saving_usd, 0)) as missed_usd,
            sum(greatest(-coalesce(net_saving_usd, 0), 0)) as lost_usd,
            sum(coalesce(write_premium_usd, 0)) as write_premium_usd,
            sum(coalesce(read_saving_usd, 0)) as read_saving_usd,
            arg_max(missed_reason, missed_saving_usd) as missed_reason
        from finops.mart_cache_economics_daily
        where usage_date between $first_day and $day
        group by 1, 2, 3, 4, 5, 6
    )

    select
        team, feature, provider_name, model_id, prompt_name,
        sum(missed_usd) as missed_usd,
        sum(cast(missed_usd as double) * cast(missed_usd as double)) as missed_squares,
        sum(write_premium_usd) - sum(read_saving_usd) as unpaid_usd,
        sum(cast(write_premium_usd - read_saving_usd as double) * cast(write_premium_usd - read_saving_usd as double))
            as unpaid_squares,
        sum(write_premium_usd) as write_premium_usd,
        sum(read_saving_usd) as read_saving_usd,
        arg_max(missed_reason, missed_usd) as missed_reason
    from scoped
    group by 1, 2, 3, 4, 5
    order by 1, 2, 3, 4, 5
"""


def _cache(rows: Sequence[Row]) -> Iterator[Candidate]:
    for row in rows:
        scope: dict[str, Any] = {
            "team": row["team"],
            "feature": row["feature"],
            "environment": None,
            "provider_name": row["provider_name"],
            "model_id": row["model_id"],
            "target": row["prompt_name"] or None,
            "evidence_table": "finops.mart_cache_economics_daily",
            "parameters": {"prompt_name": row["prompt_name"]} if row["prompt_name"] else {},
        }
        if row["missed_usd"] and row["missed_usd"] > 0:
            saving = _monthly(row["missed_usd"], row["missed_squares"])
            yield Candidate(
                kind="cache_reuse",
                title=words.cache_reuse_title(row),
                evidence=words.cache_reuse_evidence(row, WINDOW_DAYS),
                how_to=words.cache_reuse_steps(row),
                confidence=Confidence.MEDIUM,
                **saving,
                **scope,
            )
        if row["write_premium_usd"] and row["unpaid_usd"] > 0:
            yield Candidate(
                kind="cache_write",
                title=words.cache_write_title(row),
                evidence=words.cache_write_evidence(row, WINDOW_DAYS),
                how_to=words.CACHE_WRITE_STEPS,
                confidence=Confidence.HIGH,
                **_monthly(row["unpaid_usd"], row["unpaid_squares"]),
                **scope,
            )


# ---------------------------------------------------------------- waste


_WASTE = """
    with days as (
        select
            waste_kind, team, feature, provider_name, model_id, usage_date,
            sum(recoverable_cost_usd) as recoverable_usd,
            sum(request_count) as request_count,
            bool_or(is_estimate) as is_estimate,
            arg_max(evidence, recoverable_cost_usd) as evidence
        from finops.mart_waste_daily
        where usage_date between $first_day and $day and recoverable_cost_usd is not null
        group by 1, 2, 3, 4, 5, 6
    )

    select
        waste_kind, team, feature, provider_name, model_id,
        sum(recoverable_usd) as recoverable_usd,
        sum(cast(recoverable_usd as double) * cast(recoverable_usd as double)) as recoverable_squares,
        sum(request_count) as request_count,
        bool_or(is_estimate) as is_estimate,
        arg_max(evidence, recoverable_usd) as evidence
    from days
    group by 1, 2, 3, 4, 5
    having sum(recoverable_usd) > 0
    order by 1, 2, 3, 4, 5
"""


def _waste(rows: Sequence[Row]) -> Iterator[Candidate]:
    for row in rows:
        kind = row["waste_kind"]
        if kind not in words.WASTE:
            continue
        yield Candidate(
            kind=kind,
            team=row["team"],
            feature=row["feature"],
            environment=None,
            provider_name=row["provider_name"],
            model_id=row["model_id"],
            target=None,
            title=words.waste_title(row),
            evidence=words.waste_evidence(row, WINDOW_DAYS),
            evidence_table="finops.mart_waste_daily",
            how_to=words.WASTE[kind].steps,
            confidence=Confidence.MEDIUM if row["is_estimate"] else Confidence.HIGH,
            # Batch and flex are two ways out of the same full price.
            rival_key=f"tier/{row['team']}/{row['feature']}/{row['model_id']}"
            if kind in ("batch_eligible", "flex_eligible")
            else "",
            parameters={"waste_kind": kind, "service_tier": kind.removesuffix("_eligible")}
            if kind.endswith("_eligible")
            else {"waste_kind": kind},
            **_monthly(row["recoverable_usd"], row["recoverable_squares"]),
        )


# ---------------------------------------------------------------- prompts


_PROMPTS = """
    with latest as (
        select *, (last_date - first_date) + 1 as day_count
        from finops.mart_prompt_revisions
        where last_date >= $first_day
        -- What has been replaced since cannot be taken back any more.
        qualify row_number() over (
            partition by team, feature, prompt_name order by first_date desc, prompt_version desc
        ) = 1
    )

    select *
    from latest
    where is_regression and previous_prompt_version is not null
    order by team, feature, prompt_name, prompt_version
"""


def _prompts(rows: Sequence[Row]) -> Iterator[Candidate]:
    for row in rows:
        outcomes = Decimal(row["successful_outcome_count"] or 0)
        change = row.get("change_cost_per_successful_outcome_usd")
        if change is None or change <= 0 or outcomes == 0 or not row["day_count"]:
            continue
        per_month = outcomes / Decimal(row["day_count"]) * DAYS_PER_MONTH
        lower = row.get("change_cost_per_successful_outcome_lower_usd")
        upper = row.get("change_cost_per_successful_outcome_upper_usd")
        yield Candidate(
            kind="prompt_rollback",
            team=row["team"],
            feature=row["feature"],
            environment=None,
            provider_name=None,
            model_id=None,
            target=f"{row['prompt_name']} {row['previous_prompt_version']}",
            title=words.prompt_title(row),
            evidence=words.prompt_evidence(row),
            evidence_table="finops.mart_prompt_revisions",
            how_to=words.prompt_steps(row),
            confidence=Confidence.HIGH if row["verdict"] == "worse" else Confidence.MEDIUM,
            saving_usd=_money(change) * per_month,
            saving_lower_usd=_money(change if lower is None else lower) * per_month,
            saving_upper_usd=_money(change if upper is None else upper) * per_month,
            parameters={"prompt_name": row["prompt_name"], "prompt_version": row["prompt_version"]},
        )


# ---------------------------------------------------------------- experiments


_EXPERIMENTS = """
    select
        experiments.*,
        (experiments.last_date - experiments.first_date) + 1 as day_count,
        sum(experiments.request_count) over (partition by experiment_id) as all_request_count,
        max(case when is_control then variant end) over (partition by experiment_id) as control_variant
    from finops.mart_experiments as experiments
    where experiments.status in ('running', 'stopped', 'finished', 'undeclared')
    qualify not experiments.is_control and experiments.verdict in ('better', 'worse') and experiments.is_significant
    order by experiment_id, variant
"""


def _experiments(rows: Sequence[Row]) -> Iterator[Candidate]:
    for row in rows:
        # Once somebody has decided, there is nothing left to recommend.
        if row.get("decision") or not row["day_count"]:
            continue
        difference = row["difference_cost_per_request_usd"]
        lower, upper = row["difference_cost_per_request_lower_usd"], row["difference_cost_per_request_upper_usd"]
        if difference is None:
            continue
        is_better = row["verdict"] == "better"
        # To roll out moves the requests of the other arms; to stop moves those of this arm back.
        moved = row["all_request_count"] - row["request_count"] if is_better else row["request_count"]
        per_month = Decimal(moved) / Decimal(row["day_count"]) * DAYS_PER_MONTH
        sign = Decimal(-1) if is_better else Decimal(1)
        ends = sorted(_money(difference if end is None else end) * sign * per_month for end in (lower, upper))
        yield Candidate(
            kind="experiment_rollout" if is_better else "experiment_stop",
            team=row["team"],
            feature=row["feature"],
            environment=None,
            provider_name=None,
            model_id=None,
            target=f"{row['experiment_id']}: {row['variant']}",
            title=words.experiment_title(row, is_better=is_better),
            evidence=words.experiment_evidence(row),
            evidence_table="finops.mart_experiments",
            how_to=words.experiment_steps(row, is_better=is_better),
            confidence=Confidence.MEDIUM if row["has_sample_ratio_mismatch"] else Confidence.HIGH,
            saving_usd=_money(difference) * sign * per_month,
            saving_lower_usd=ends[0],
            saving_upper_usd=ends[1],
            rival_key=f"experiment/{row['experiment_id']}",
            parameters={"experiment_id": row["experiment_id"], "variant": row["variant"]},
            owner_email=row.get("owner_email"),
        )


# ---------------------------------------------------------------- commitments


_COMMITMENTS = """
    select *, date_diff('day', assessment_date, period_end_date) as left_days
    from finops.mart_budget_status
    where
        is_latest and budget_kind = 'commitment' and status = 'at_risk' and projected_p50_usd < budget_usd
        and assessment_date between period_start_date and period_end_date
    order by budget_id
"""


def _commitments(rows: Sequence[Row]) -> Iterator[Candidate]:
    for row in rows:
        months = max(Decimal(row["left_days"]) / DAYS_PER_MONTH, Decimal(1))
        short = [
            max(row["budget_usd"] - row[name], Decimal(0)) / months
            for name in ("projected_p90_usd", "projected_p50_usd", "projected_p10_usd")
        ]
        series, _, value = str(row["series_id"]).partition("=")
        yield Candidate(
            kind="idle_commitment",
            team=value if series == "team" else None,
            feature=None,
            environment=None,
            provider_name=value if series == "provider" else None,
            model_id=None,
            target=row["budget_id"],
            title=words.commitment_title(row),
            evidence=words.commitment_evidence(row),
            evidence_table="finops.mart_budget_status",
            how_to=words.COMMITMENT_STEPS,
            confidence=Confidence.MEDIUM,
            saving_usd=short[1],
            saving_lower_usd=short[0],
            saving_upper_usd=short[2],
            parameters={"budget_id": row["budget_id"]},
            owner_email=row.get("owner_email"),
        )


SOURCES = (
    Source("finops.mart_model_swaps", _SWAPS, _swaps),
    Source("finops.mart_cache_economics_daily", _CACHE, _cache),
    Source("finops.mart_waste_daily", _WASTE, _waste),
    Source("finops.mart_prompt_revisions", _PROMPTS, _prompts),
    Source("finops.mart_experiments", _EXPERIMENTS, _experiments),
    Source("finops.mart_budget_status", _COMMITMENTS, _commitments),
)


# ---------------------------------------------------------------- amounts


def _money(amount: Any) -> Decimal:
    """An amount of a mart; floats are converted here, at the border."""
    return amount if isinstance(amount, Decimal) else Decimal(f"{float(amount):.9f}")


def _monthly(total: Any, squares: float) -> dict[str, Any]:
    """Saving a month and its interval, from the sum and the sum of squares of the days of the window."""
    lower, upper = mean_interval(WINDOW_DAYS, float(total), float(squares))
    mean = _money(total) / WINDOW_DAYS
    return {
        "saving_usd": mean * DAYS_PER_MONTH,
        "saving_lower_usd": min(max(_money(float(lower)), Decimal(0)), mean) * DAYS_PER_MONTH,
        "saving_upper_usd": max(_money(float(upper)), mean) * DAYS_PER_MONTH,
    }
