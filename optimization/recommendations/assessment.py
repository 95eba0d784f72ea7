"""One run of recommendations: what the marts find, how everything that is known moves on, and the rows of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb

from optimization.recommendations.model import DAYS_PER_MONTH, Event, Recommendation, State
from optimization.recommendations.overlap import Cell, Placed, place
from optimization.recommendations.sources import WINDOW_DAYS, read_candidates
from optimization.recommendations.state import (
    EXPIRES_AFTER,
    REJECTED_COMES_BACK_AFTER,
    Rules,
    advance,
    thresholds_of,
    verified,
)
from optimization.recommendations.verification import check_all


@dataclass(frozen=True)
class Owner:
    """Who answers for a team."""

    name: str
    email: str | None


@dataclass(frozen=True)
class Assessed:
    """What a run came to. ``rows`` are those of the landed record ``RecommendationRow``, by column."""

    known: Mapping[str, Recommendation]
    events: Sequence[Event]
    rows: Sequence[dict[str, Any]]


def assess(
    connection: duckdb.DuckDBPyConnection,
    known: Mapping[str, Recommendation],
    owners: Mapping[str, Owner],
    now: datetime,
    rules: Rules,
) -> Assessed | None:
    """Moves recommendations on to the last day of the ledger. None: there is no day of spend yet.

    The same warehouse and log of events give the same rows and no further event.

    Args:
        connection: The warehouse, read-only, in UTC.
        known: Where everything stands by the log of events.
        owners: By team.
        rules: What the user wants otherwise than shipped.
    """
    day = _last_day(connection, now)
    if day is None:
        return None
    costs = _monthly_costs(connection, day)
    thresholds = thresholds_of(sum(costs.values(), Decimal(0)), rules)
    after, events = advance(known, read_candidates(connection, day), thresholds, day, now)
    for recommendation_id, found in check_all(connection, after, day).items():
        event = verified(after[recommendation_id], found, day, now)
        if event is not None:
            events.append(event)
        after[recommendation_id] = replace(after[recommendation_id], verification=found)
    return Assessed(after, events, rows_of(after, costs, owners, _budgets_at_risk(connection), day))


def rows_of(
    known: Mapping[str, Recommendation],
    costs: Mapping[Cell, Decimal],
    owners: Mapping[str, Owner],
    budgets_at_risk: Mapping[str, str],
    day: date,
) -> list[dict[str, Any]]:
    """One row for each recommendation. Those that stand are ranked; where two add the same, a budget at risk decides.

    Args:
        budgets_at_risk: Name of the most endangered budget, by team; of all spend under the empty name.
    """
    placed = {
        each.recommendation.recommendation_id: each
        for each in place([one for one in known.values() if one.state.is_standing], costs)
    }
    order = sorted(
        placed.values(),
        key=lambda each: (
            -round(each.additional_usd, 2),
            each.recommendation.candidate.team not in budgets_at_risk,
            each.recommendation.recommendation_id,
        ),
    )
    ranks = {each.recommendation.recommendation_id: rank for rank, each in enumerate(order, 1)}
    return [
        _row(one, placed.get(recommendation_id), ranks.get(recommendation_id), owners, budgets_at_risk, day)
        for recommendation_id, one in sorted(known.items())
    ]


def _row(
    one: Recommendation,
    placed: Placed | None,
    rank: int | None,
    owners: Mapping[str, Owner],
    budgets_at_risk: Mapping[str, str],
    day: date,
) -> dict[str, Any]:
    candidate, check = one.candidate, one.verification
    owner = owners.get(candidate.team or "")
    if candidate.owner_email:
        owner = Owner(candidate.owner_email, candidate.owner_email)
    # A commitment that is used more relieves no budget.
    budget = None if candidate.kind == "idle_commitment" else budgets_at_risk.get(candidate.team or "")
    return {
        "recommendation_id": one.recommendation_id,
        "recommendation_kind": candidate.kind,
        **{name: getattr(candidate, name) for name in ("team", "feature", "environment", "provider_name", "model_id")},
        **{name: getattr(candidate, name) for name in ("target", "title", "evidence", "evidence_table", "how_to")},
        "owner": None if owner is None else owner.name,
        "owner_email": None if owner is None else owner.email,
        "state": one.state.value,
        "state_reason": one.reason,
        "decided_by": one.person,
        "confidence": candidate.confidence.value,
        "overlap_group": None if placed is None else placed.group,
        "budget_hint": budget if one.state.is_standing else None,
        "verification_status": None if check is None else check.status,
        "verification_method": None if check is None else check.method,
        "verification_finding": None if check is None else check.finding,
        "expected_saving_usd_per_month": _cut(candidate.saving_usd),
        "expected_saving_lower_usd_per_month": _cut(candidate.saving_lower_usd),
        "expected_saving_upper_usd_per_month": _cut(candidate.saving_upper_usd),
        "additional_saving_usd_per_month": _cut(Decimal(0) if placed is None else placed.additional_usd),
        "current_cost_usd_per_month": None if candidate.current_cost_usd is None else _cut(candidate.current_cost_usd),
        "rank": rank,
        "verified_saving_usd": None if check is None else check.saving_usd,
        "verified_saving_lower_usd": None if check is None else check.saving_lower_usd,
        "verified_saving_upper_usd": None if check is None else check.saving_upper_usd,
        "verified_saving_usd_per_month": None if check is None else check.saving_usd_per_month,
        "verified_days": None if check is None else check.day_count,
        "is_best_of_group": placed is not None and placed.is_best_of_group,
        "is_budget_at_risk": one.state.is_standing and budget is not None,
        "first_seen_date": one.first_seen_date,
        "last_seen_date": one.last_seen_date,
        "decided_date": one.decided_date,
        "done_date": one.done_date,
        "expires_date": _expires(one),
        "assessment_date": day,
    }


def _expires(one: Recommendation) -> date | None:
    """When it lapses if it is not found again; of a rejection, when it may come back by itself."""
    if one.state.is_standing:
        return one.last_seen_date + EXPIRES_AFTER
    if one.state is State.REJECTED and one.decided_date is not None:
        return one.decided_date + REJECTED_COMES_BACK_AFTER
    return None


def _cut(amount: Decimal) -> Decimal:
    """A billionth of a dollar is finer than any estimate."""
    return round(amount, 9)


# ---------------------------------------------------------------- what is read


def _last_day(connection: duckdb.DuckDBPyConnection, now: datetime) -> date | None:
    row = connection.execute(
        "select max(usage_date) from core.fct_cost_ledger where usage_date <= ?", [now.date()]
    ).fetchone()
    day: date | None = None if row is None else row[0]
    return day


def _monthly_costs(connection: duckdb.DuckDBPyConnection, day: date) -> dict[Cell, Decimal]:
    """Dollars a month of each feature, provider and model, from the last whole weeks."""
    rows = connection.execute(
        """
        select coalesce(feature, ''), provider_name, coalesce(model_id, ''), sum(effective_cost_usd)
        from core.fct_cost_ledger
        where usage_date between ? and ? and effective_cost_usd is not null
        group by 1, 2, 3
        """,
        [day - timedelta(days=WINDOW_DAYS - 1), day],
    ).fetchall()
    return {(feature, provider, model): cost / WINDOW_DAYS * DAYS_PER_MONTH for feature, provider, model, cost in rows}


def _budgets_at_risk(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Name of the running budget of each team that is most likely to be passed; of all spend under the empty name."""
    rows = connection.execute(
        """
        select
            case when series_id = 'total' then '' else split_part(split_part(series_id, '=', 2), '/', 1) end as team,
            arg_max(coalesce(budget_name, budget_id), coalesce(breach_probability, 1)) as budget_name
        from finops.mart_budget_status
        where
            is_latest and status in ('at_risk', 'breached') and budget_kind <> 'commitment'
            and assessment_date between period_start_date and period_end_date
            and (series_id = 'total' or series_id like 'team=%' or series_id like 'team_feature=%')
        group by 1
        """
    ).fetchall()
    return {str(team): str(name) for team, name in rows}
