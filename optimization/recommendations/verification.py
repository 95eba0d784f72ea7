"""What a change has saved: its traffic since then against what the same work would have cost without it (ADR 24)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np

from optimization.intervals import LEVEL, normal_quantile, ratio_variance
from optimization.moments import FloatArray, Moments
from optimization.recommendations import counterfactuals as sql
from optimization.recommendations.model import DAYS_PER_MONTH, Recommendation, State, Verification

BEFORE_DAYS = 56
"""Days before the change that are compared with: eight whole weeks, and no season more."""
MIN_DAYS = 7
MIN_REQUESTS = 30
MIN_SEGMENT_REQUESTS = 20
"""A segment with fewer requests before the change says nothing of what they would cost."""
MIN_COVERED_RATIO = 0.5
NEGLIGIBLE_RATIO = 0.02
"""Below this part of the counterfactual nobody would call it a difference."""

REPRICED = frozenset({"model_swap", "batch_eligible", "flex_eligible"})
SHARES = frozenset({"billed_failure", "billed_retry", "aborted_stream", "duplicate_prompt"})
ARMS = frozenset({"experiment_rollout", "experiment_stop"})

METHODS = {
    "repriced": "the same requests at the price of the model and tier before",
    "rates": "cost per request of the weeks before, by model, tier and environment, at today's prices",
    "arms": "cost per request of the weeks before, at today's discount",
    "share": "share of cost that was wasted before",
    "idle": "idle capacity a day before",
    "none": "cannot be measured on usage",
}


@dataclass(frozen=True)
class Effect:
    """Dollars over the whole span since the change.

    Attributes:
        counterfactual_usd: What the same work would have cost.
        variance: Of the saving, in dollars squared.
        slack_usd: What a fixed doubt adds on both sides, whatever the number of requests.
        covered_ratio: Part of the cost since the change that could be compared.
    """

    saving_usd: float
    counterfactual_usd: float
    variance: float
    day_count: int
    request_count: int
    slack_usd: float = 0.0
    covered_ratio: float = 1.0


@dataclass(frozen=True)
class Span:
    """The days compared: from ``first`` before the change on, changed on ``done``, up to ``last``."""

    first: date
    done: date
    last: date


def spans_of(known: Mapping[str, Recommendation], last: date) -> dict[str, Span]:
    """The days of each change that was done, so that no two changes of one feature are claimed for the same days.

    A change is compared with the days since the change before it, and until the one after it.
    """
    done = [one for one in known.values() if one.state is State.DONE and one.done_date is not None]
    spans = {}
    for one in done:
        day = one.done_date or one.changed_date
        others = [
            other.done_date
            for other in done
            if other is not one
            and other.done_date is not None
            and other.done_date != day
            and other.candidate.feature == one.candidate.feature
        ]
        first = max([day - timedelta(days=BEFORE_DAYS), *(other for other in others if other < day)])
        until = min([last, *(other - timedelta(days=1) for other in others if other > day)])
        spans[one.recommendation_id] = Span(first, day, until)
    return spans


def verify(connection: duckdb.DuckDBPyConnection, one: Recommendation, span: Span) -> Verification:
    """Checks a change that was done.

    Args:
        connection: The warehouse, read-only, in UTC.
    Source: ADR 24, why each kind is measured in its way, and what is taken out of it.
    """
    method = method_of(one.candidate.kind)
    measures: dict[str, Callable[[duckdb.DuckDBPyConnection, Recommendation, Span], Effect | None]] = {
        "repriced": _repriced,
        "rates": _rates,
        "arms": _rates,
        "share": _share,
        "idle": _idle,
    }
    measure = measures.get(method)
    effect = None if measure is None else measure(connection, one, span)
    return judge(effect, method, (span.last - span.done).days + 1)


def method_of(kind: str) -> str:
    """How a kind of change is checked; one of ``METHODS``."""
    for method, kinds in (("repriced", REPRICED), ("share", SHARES), ("arms", ARMS)):
        if kind in kinds:
            return method
    return {"idle_capacity": "idle", "idle_commitment": "none"}.get(kind, "rates")


def judge(effect: Effect | None, method: str, days: int) -> Verification:
    """The verdict on a measured effect."""
    told = METHODS[method]
    if method == "none":
        return Verification("inconclusive", told, "The provider's statement at the end of the period will tell.")
    if effect is None or days < MIN_DAYS or effect.request_count < MIN_REQUESTS:
        count = 0 if effect is None else effect.request_count
        finding = f"Too early to tell: {count:,} requests in {max(days, 0)} days since the change."
        return Verification("too early", told, finding, day_count=max(days, 0))
    if effect.covered_ratio < MIN_COVERED_RATIO:
        finding = (
            f"Only {effect.covered_ratio * 100:.0f} % of the cost since the change can be compared with the weeks "
            "before: models, tiers or environments have changed too, or have no price."
        )
        return Verification("inconclusive", told, finding, day_count=days)
    half = normal_quantile(LEVEL) * math.sqrt(max(effect.variance, 0.0)) + effect.slack_usd
    lower, upper = effect.saving_usd - half, effect.saving_usd + half
    status = _status(effect, lower, upper)
    finding = (
        f"The same work would have cost ${effect.counterfactual_usd:,.2f} without the change; it cost "
        f"${effect.counterfactual_usd - effect.saving_usd:,.2f}."
    )
    if effect.covered_ratio < 0.95:
        finding += f" {effect.covered_ratio * 100:.0f} % of the cost could be compared."
    return Verification(
        status,
        told,
        finding,
        _dollars(effect.saving_usd),
        _dollars(lower),
        _dollars(upper),
        _dollars(effect.saving_usd / days * float(DAYS_PER_MONTH)),
        days,
    )


def _status(effect: Effect, lower: float, upper: float) -> str:
    negligible = NEGLIGIBLE_RATIO * abs(effect.counterfactual_usd)
    if max(abs(lower), abs(upper)) <= negligible:
        return "no difference"
    if lower > 0:
        return "saved"
    return "cost more" if upper < 0 else "inconclusive"


def _dollars(amount: float) -> Decimal:
    # A zero has no sign for people.
    return Decimal(f"{amount:.9f}") + Decimal(0)


# ---------------------------------------------------------------- the measures


def _repriced(connection: duckdb.DuckDBPyConnection, one: Recommendation, span: Span) -> Effect | None:
    """The requests that were moved, at the prices of where they came from on the day that they were made."""
    candidate, given = one.candidate, one.candidate.parameters
    is_tier = candidate.kind != "model_swap"
    tier = given.get("service_tier", "standard")
    provider = candidate.provider_name or ""
    new_provider = provider if is_tier else given["candidate_provider_name"]
    values: dict[str, Any] = {
        "feature": candidate.feature,
        "old_provider": provider,
        "old_model": candidate.model_id,
        "old_tier": tier,
        "new_provider": new_provider,
        "new_model": candidate.model_id if is_tier else given["candidate_model_id"],
        "new_tier": tier if is_tier else given.get("candidate_service_tier", tier),
        # Tokens of the old model for one of the new one.
        "token_ratio": 1.0 if is_tier else 1.0 / float(given.get("token_ratio") or 1),
        "first": span.first,
        "done": span.done,
        "last": span.last,
    }
    if is_tier:
        values["old_tier"] = _tier_before(connection, values)
    asked = {name: values[name] for name in sql.parameters(sql.REPRICED)}
    columns = connection.execute(sql.REPRICED, asked).fetchnumpy()
    days = {name: np.asarray(column, np.float64) for name, column in columns.items() if name != "usage_date"}
    if len(days["requests"]) == 0:
        return None
    moved = _moved_share(connection, values)
    requests = days["requests"]
    covered = float(days["compared"].sum() / days["actual"].sum())
    if covered < MIN_COVERED_RATIO:
        return Effect(0.0, 0.0, 0.0, len(requests), round(float(requests.sum())), covered_ratio=covered)
    compared = np.nan_to_num(days["counterfactual"])
    savings = (compared - days["compared"]) * moved
    # Days differ in volume; what is left after that is how much a request saves more on one day than on another.
    moments = Moments.from_units(savings, requests)
    variance = float(ratio_variance(moments)) * float(requests.sum()) ** 2 if len(savings) > 1 else 0.0
    whole = float(compared.sum()) * moved
    # Tokens of another tokenizer are estimated: by so much they may be off, whatever the number of requests.
    slack = float(given.get("token_uncertainty_ratio") or 0) * whole
    count = round(float(requests.sum()) * moved)
    return Effect(float(savings.sum()), whole, variance, len(requests), count, slack, covered)


def _tier_before(connection: duckdb.DuckDBPyConnection, values: Mapping[str, Any]) -> str:
    """The tier that most of the work came from: leaving the priority price saves more than leaving the standard one."""
    row = connection.execute(sql.OLD_TIER, {name: values[name] for name in sql.parameters(sql.OLD_TIER)}).fetchone()
    return "standard" if row is None else str(row[0])


def _moved_share(connection: duckdb.DuckDBPyConnection, values: Mapping[str, Any]) -> float:
    """Of the requests that are now where the change led, the part that was not there before it."""
    used = {name: values[name] for name in sql.parameters(sql.SHARE_OF_NEW)}
    row = connection.execute(sql.SHARE_OF_NEW, used).fetchone()
    assert row is not None  # noqa: S101 - an aggregate has one row
    before, after = row
    return 1.0 if before is None or not after else min(max((after - before) / after, 0.0), 1.0)


def _rates(connection: duckdb.DuckDBPyConnection, one: Recommendation, span: Span) -> Effect | None:
    """Requests since the change at the cost per request of before it, segment by segment."""
    candidate = one.candidate
    is_arm = candidate.kind in ARMS
    query = sql.ARMS if is_arm else sql.RATES
    values = {
        "feature": candidate.feature,
        "provider": None if is_arm else candidate.provider_name,
        "model": None if is_arm else candidate.model_id,
        "first": span.first,
        "done": span.done,
        "last": span.last,
    }
    rows = connection.execute(query, {name: values[name] for name in sql.parameters(query)}).fetchall()
    if not rows:
        return None
    return _over_segments(rows)


def _over_segments(rows: list[tuple[Any, ...]]) -> Effect:
    """Adds up segments: (segment, is_after, requests, cost) of each day of each."""
    segments: dict[Any, dict[bool, list[tuple[float, float]]]] = {}
    for segment, is_after, requests, cost in rows:
        segments.setdefault(segment, {True: [], False: []})[bool(is_after)].append((float(cost), float(requests)))
    saving = counterfactual = variance = covered = whole = 0.0
    count = 0
    for sides in segments.values():
        after, before = np.array(sides[True]).reshape(-1, 2), np.array(sides[False]).reshape(-1, 2)
        whole += float(after[:, 0].sum())
        count += round(float(after[:, 1].sum()))
        if before[:, 1].sum() < MIN_SEGMENT_REQUESTS or len(before) < 2 or len(after) == 0:
            continue
        requests = float(after[:, 1].sum())
        expected = requests * float(before[:, 0].sum() / before[:, 1].sum())
        actual = float(after[:, 0].sum())
        covered += actual
        saving += expected - actual
        counterfactual += expected
        # The same requests would have varied as they do now, only at the level of before.
        level = (expected / actual) ** 2 if actual > 0 else 1.0
        variance += requests**2 * (_variance(before) + _variance(after) * level)
    ratio = covered / whole if whole > 0 else 0.0
    return Effect(saving, counterfactual, variance, 0, count, covered_ratio=ratio)


def _variance(days: FloatArray) -> float:
    """Variance of cost per request over days."""
    if len(days) < 2:
        return 0.0
    return float(ratio_variance(Moments.from_units(days[:, 0], days[:, 1])))


def _share(connection: duckdb.DuckDBPyConnection, one: Recommendation, span: Span) -> Effect | None:
    """What was not waste since the change, with as large a share of waste on top as before it."""
    rows = _waste_days(connection, one, span)
    before, after = (np.array([row[1:] for row in rows if row[0] is side], np.float64) for side in (False, True))
    if len(before) < 2 or len(after) < 2 or before[:, 1].sum() <= 0:
        return None
    was, now = (float(days[:, 0].sum() / days[:, 1].sum()) if days[:, 1].sum() else 0.0 for days in (before, after))
    actual = float(after[:, 1].sum())
    if was >= 1:
        return None
    counterfactual = actual * (1 - now) / (1 - was)
    slope = actual * (1 - now) / (1 - was) ** 2
    variance = (actual / (1 - was)) ** 2 * _variance(after[:, :2]) + slope**2 * _variance(before[:, :2])
    return Effect(counterfactual - actual, counterfactual, variance, len(after), round(float(after[:, 2].sum())))


def _idle(connection: duckdb.DuckDBPyConnection, one: Recommendation, span: Span) -> Effect | None:
    """Idle dollars a day before and since the change."""
    rows = _waste_days(connection, one, span)
    before, after = (np.array([row[1] for row in rows if row[0] is side], np.float64) for side in (False, True))
    if len(before) < 2 or len(after) < 2:
        return None
    count = len(after)
    variance = count**2 * (before.var(ddof=1) / len(before) + after.var(ddof=1) / count)
    counterfactual = float(before.mean()) * count
    saving = counterfactual - float(after.sum())
    # Capacity is not counted in requests: days speak for it.
    return Effect(saving, counterfactual, float(variance), count, MIN_REQUESTS)


def _waste_days(connection: duckdb.DuckDBPyConnection, one: Recommendation, span: Span) -> list[tuple[Any, ...]]:
    candidate = one.candidate
    values = {
        "waste_kind": candidate.kind,
        "feature": candidate.feature,
        "provider": candidate.provider_name,
        "model": candidate.model_id,
        "first": span.first,
        "done": span.done,
        "last": span.last,
    }
    return connection.execute(sql.WASTE_DAYS, values).fetchall()


def check_all(
    connection: duckdb.DuckDBPyConnection, known: Mapping[str, Recommendation], last: date
) -> dict[str, Verification]:
    """The check of every change that was done, by id. What two on the same traffic and day saved is counted once."""
    found = {}
    for recommendation_id, span in spans_of(known, last).items():
        one = known[recommendation_id]
        larger = _larger_of_that_day(one, known)
        if larger is None:
            found[recommendation_id] = verify(connection, one, span)
            continue
        told = (
            f"{larger.recommendation_id} was done on the same day on the same traffic: what each of them saved cannot "
            "be told apart, and is counted there."
        )
        found[recommendation_id] = Verification("inconclusive", METHODS[method_of(one.candidate.kind)], told)
    return found


def _larger_of_that_day(one: Recommendation, known: Mapping[str, Recommendation]) -> Recommendation | None:
    def size(each: Recommendation) -> tuple[Decimal, str]:
        return each.candidate.saving_usd, each.recommendation_id

    rivals = [
        other
        for other in known.values()
        if other.state is State.DONE and other.done_date == one.done_date and _share_traffic(one, other)
    ]
    largest = max(rivals, key=size, default=None)
    return None if largest is None or size(largest) <= size(one) else largest


def _share_traffic(one: Recommendation, other: Recommendation) -> bool:
    """Whether both would be measured by the same dollars. Cost per request says nothing of a move to another price."""
    mine, theirs = one.candidate, other.candidate
    methods = {method_of(mine.kind), method_of(theirs.kind)}
    is_measured_alike = methods <= {"rates", "arms"} or methods <= {"repriced", "arms"}
    if mine.feature is None or mine.feature != theirs.feature or not is_measured_alike:
        return False
    is_same_model = None in (mine.model_id, theirs.model_id) or mine.model_id == theirs.model_id
    return is_same_model or (mine.kind == theirs.kind == "model_swap" and mine.target == theirs.target)
