"""From rows of marts to observations: pure, so that history can be replayed with the very rules that alert."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from alerting.marts import AnomalyRow, BudgetRow, CoverageRow, Marts, SourceRow
from alerting.model import BUDGET_KINDS, AlertKind, Assessment, Condition, Facts, Key, Observation, Severity
from alerting.policy import Policy

STALE_AFTER_DAYS = 4
"""Rows whose last known day is older than this cannot say that anything has become better."""

JUDGED_DAYS = 3
"""An anomaly of one of the last days that could be judged is one of now."""

JUDGING_LAG_DAYS = 7
"""Days are judged once they have settled; beyond this lag, silence about anomalies is no all-clear."""

WEEK_DAYS = 7
COMPARED_DAYS = 14
"""Fewer days with data cannot show a jump of a share."""

MATERIAL_RATIO = Decimal("0.02")
"""Anomalies below this share of what the whole company spends in the same time are in the mart, and no news."""

EXPLAINED_RATIO = Decimal("0.5")
"""A series whose excess is to this part the excess of a finer one is not told beside it."""

LONG_LATE_DAYS = 7
"""Data that are late by more than this are critical."""


_COARSE_TO_FINE = (
    "total",
    "environment",
    "provider",
    "model_family",
    "customer_segment",
    "team",
    "team_feature",
    "feature",
)
_JUDGEABLE = ("ok", "at_risk", "breached", "met")

Policies = Mapping[AlertKind, Policy]


def assess(marts: Marts, policies: Policies, now: datetime, owners: Mapping[str, str] | None = None) -> Assessment:
    """Everything that can be said from the marts at one moment. A table that is not there leaves its alerts alone.

    Args:
        owners: E-mail of the owner of each series that has one, by series id.
    """
    today = now.date()
    seen: list[Observation] = []
    absent: dict[AlertKind, Condition] = {}
    if marts.budgets is not None:
        seen += budget_observations(marts.budgets, policies, today)
        absent |= dict.fromkeys(BUDGET_KINDS, Condition.OVER)
    if marts.anomalies is not None:
        seen += anomaly_observations(marts, policies, owners or {})
        absent |= dict.fromkeys(_ANOMALIES.values(), _silence(marts.judged_until, today))
    if marts.coverage is not None:
        seen += coverage_observations(marts, policies, today)
        absent |= dict.fromkeys((AlertKind.UNPRICED_SPEND, AlertKind.UNATTRIBUTED_SPEND), Condition.UNKNOWN)
    if marts.sources is not None:
        seen += late_observations(marts.sources, policies, today)
        absent[AlertKind.DATA_LATE] = Condition.OVER
    absent |= {kind: Condition.OVER for kind in absent if not policies[kind].is_enabled}
    kept = (each for each in seen if policies[each.key.kind].is_enabled)
    return Assessment(now, tuple(_with_severity(each, policies[each.key.kind].severity) for each in kept), absent)


def _with_severity(seen: Observation, severity: Severity | None) -> Observation:
    return seen if severity is None else replace(seen, severity=severity)


def _silence(judged_until: date | None, today: date) -> Condition:
    """What it means that the mart names no anomaly of a series."""
    is_judged = judged_until is not None and today - judged_until <= timedelta(days=JUDGING_LAG_DAYS)
    return Condition.CLEAR if is_judged else Condition.UNKNOWN


def _condition(value: Decimal, level: Decimal, hysteresis: Decimal) -> Condition:
    """Firing from the level on, clear below the level less the hysteresis."""
    if value >= level:
        return Condition.FIRING
    return Condition.CLEAR if value < level - hysteresis else Condition.HOLDING


# ---------------------------------------------------------------- budgets


def budget_observations(rows: Iterable[BudgetRow], policies: Policies, today: date) -> Iterator[Observation]:
    """What the latest assessments of running budgets say. Periods that have ended or not begun have no observation,
    except that a breach which the last bills brought is still told for a week."""
    for row in rows:
        if row.status == "ended":
            if row.is_breached and today - row.period_end_date <= timedelta(days=WEEK_DAYS):
                yield from (each for each in (_breach(row),) if each.condition is Condition.FIRING)
        elif row.assessment_date >= row.period_start_date:
            is_stale = today - row.assessment_date > timedelta(days=STALE_AFTER_DAYS)
            yield from (_not_better_if(is_stale, each) for each in _of_running(row, policies, today))


def _not_better_if(is_stale: bool, seen: Observation) -> Observation:
    """Old data may still show that something is wrong, but not that it is right again."""
    if is_stale and seen.condition in (Condition.CLEAR, Condition.HOLDING):
        return replace(seen, condition=Condition.UNKNOWN)
    return seen


def _of_running(row: BudgetRow, policies: Policies, today: date) -> Iterator[Observation]:
    if row.budget_kind == "prepaid_credit":
        yield _credit(row, policies[AlertKind.CREDIT_RUNS_OUT], today)
    else:
        # To breach a commitment is to spend too little of it.
        yield _expected(row, policies[AlertKind.BREACH_EXPECTED])
        yield _breach(row)
    if row.budget_kind == "commitment":
        is_met = Condition.FIRING if row.status == "met" else Condition.CLEAR
        yield _of_budget(row, AlertKind.CREDIT_RUNS_OUT, is_met, severity=Severity.INFO)
    yield _threshold(row)
    if row.overcommitted_usd is not None:
        is_over = row.overcommitted_usd > policies[AlertKind.OVERCOMMITTED].level
        yield _of_budget(row, AlertKind.OVERCOMMITTED, Condition.FIRING if is_over else Condition.CLEAR)


def _of_budget(
    row: BudgetRow,
    kind: AlertKind,
    condition: Condition,
    *,
    severity: Severity = Severity.WARNING,
    rank: Decimal = Decimal(0),
    level: Decimal | None = None,
    is_muted: bool = False,
) -> Observation:
    key = Key(kind, row.budget_id, row.period_start_date.isoformat())
    return Observation(key, condition, severity, rank, replace(_budget_facts(row), level=level), is_muted)


def _budget_facts(row: BudgetRow) -> Facts:
    return Facts(
        name=row.budget_name,
        owner_email=row.owner_email,
        channels=tuple(part.strip() for part in (row.channel or "").split(";") if part.strip()),
        budget_kind=row.budget_kind,
        is_hard_cap=row.is_hard_cap,
        period_start_date=row.period_start_date,
        period_end_date=row.period_end_date,
        as_of_date=row.assessment_date,
        spent_usd=row.spent_usd,
        budget_usd=row.budget_usd,
        projected_p10_usd=row.projected_p10_usd,
        projected_p50_usd=row.projected_p50_usd,
        projected_p90_usd=row.projected_p90_usd,
        run_rate_usd=row.run_rate_usd,
        overcommitted_usd=row.overcommitted_usd,
        probability=_decimal(row.breach_probability),
        spent_ratio=_decimal(row.spent_ratio),
        elapsed_ratio=_decimal(row.elapsed_ratio),
        breach_date_early=row.breach_date_p90,
        breach_date=row.breach_date,
        breach_date_late=row.breach_date_p10,
        drivers=tuple(driver for driver in (row.driver_1, row.driver_2, row.driver_3) if driver),
    )


def _decimal(ratio: float | Decimal | None) -> Decimal | None:
    return None if ratio is None else Decimal(str(ratio))


def _is_hard(row: BudgetRow) -> bool:
    """What happens at the cap is out of our hands: requests are refused, or somebody promised to stop."""
    return row.is_hard_cap or row.budget_kind == "provider_limit"


def _expected(row: BudgetRow, policy: Policy) -> Observation:
    level = Decimal(str(row.alert_probability))
    condition = Condition.UNKNOWN
    if row.status in _JUDGEABLE and row.breach_probability is not None:
        condition = _condition(Decimal(str(row.breach_probability)), level, policy.hysteresis)
    severity = Severity.CRITICAL if _is_hard(row) else Severity.WARNING
    return _of_budget(
        row, AlertKind.BREACH_EXPECTED, condition, severity=severity, level=level, is_muted=row.is_breached
    )


def _breach(row: BudgetRow) -> Observation:
    condition = Condition.FIRING if row.is_breached else Condition.CLEAR
    if row.spent_usd is None or row.budget_usd is None:
        condition = Condition.UNKNOWN
    severity = Severity.CRITICAL if _is_hard(row) else Severity.WARNING
    return _of_budget(row, AlertKind.BUDGET_BREACHED, condition, severity=severity)


def _threshold(row: BudgetRow) -> Observation:
    levels = [Decimal(part.strip()) for part in (row.thresholds or "").split(";") if part.strip()]
    if row.spent_ratio is None:
        return _of_budget(row, AlertKind.THRESHOLD_PASSED, Condition.UNKNOWN)
    passed = [level for level in levels if Decimal(str(row.spent_ratio)) >= level]
    if not passed:
        return _of_budget(row, AlertKind.THRESHOLD_PASSED, Condition.CLEAR)
    highest = max(passed)
    return _of_budget(
        row,
        AlertKind.THRESHOLD_PASSED,
        Condition.FIRING,
        severity=Severity.WARNING if highest >= 1 else Severity.INFO,
        rank=highest,
        level=highest,
        # That the budget is breached says it already.
        is_muted=row.is_breached and highest <= 1,
    )


def _credit(row: BudgetRow, policy: Policy, today: date) -> Observation:
    """Used up is further than nearly used up, so it is told again."""
    if row.is_breached:
        return _of_budget(row, AlertKind.CREDIT_RUNS_OUT, Condition.FIRING, severity=Severity.CRITICAL, rank=Decimal(1))
    if row.status not in _JUDGEABLE or row.breach_probability is None:
        return _of_budget(row, AlertKind.CREDIT_RUNS_OUT, Condition.UNKNOWN)
    if row.breach_date is None:
        return _of_budget(row, AlertKind.CREDIT_RUNS_OUT, Condition.CLEAR)
    days_left = Decimal((row.breach_date - today).days)
    condition = _condition(-days_left, -policy.level, policy.hysteresis)
    severity = Severity.CRITICAL if days_left * 2 <= policy.level else Severity.WARNING
    return _of_budget(row, AlertKind.CREDIT_RUNS_OUT, condition, severity=severity, level=policy.level)


# ---------------------------------------------------------------- anomalies


_ANOMALIES = {"spend": AlertKind.SPEND_ANOMALY, "unit_cost": AlertKind.UNIT_COST_DRIFT}


def anomaly_observations(marts: Marts, policies: Policies, owners: Mapping[str, str]) -> Iterator[Observation]:
    """One observation for each cause of the last judged days: a total that is off because one feature is, is the
    feature's news."""
    if marts.judged_until is None:
        return
    least = _material_usd(marts.coverage)
    latest: dict[tuple[AlertKind, str], AnomalyRow] = {}
    for row in marts.anomalies or ():
        kind = _ANOMALIES[row.anomaly_kind]
        is_now = row.cost_date > marts.judged_until - timedelta(days=JUDGED_DAYS)
        days = 1 if kind is AlertKind.SPEND_ANOMALY else WEEK_DAYS
        if is_now and abs(row.excess_cost_usd) >= least * days and _is_far(row, policies[kind]):
            known = latest.setdefault((kind, row.series_id), row)
            latest[kind, row.series_id] = max(known, row, key=lambda each: each.cost_date)
    for (kind, series_id), row in latest.items():
        others = [other for (of_kind, _), other in latest.items() if of_kind is kind]
        if row.dimension_name in _COARSE_TO_FINE and not any(_explains(other, row) for other in others):
            severity = Severity.WARNING if row.direction == "above" else Severity.INFO
            facts = _anomaly_facts(row, owners.get(series_id))
            yield Observation(Key(kind, series_id), Condition.FIRING, severity, facts=facts)


def _is_far(row: AnomalyRow, policy: Policy) -> bool:
    # One day in ten lies outside of a 90 % interval by chance, but seldom two in a row.
    is_repeated = row.anomaly_kind == "spend" and row.streak_days >= 2
    return is_repeated or Decimal(str(row.deviation_ratio)) >= policy.level


def _material_usd(coverage: tuple[CoverageRow, ...] | None) -> Decimal:
    if not coverage:
        return Decimal(0)
    return MATERIAL_RATIO * sum((row.cost_usd for row in coverage), Decimal(0)) / len(coverage)


def _explains(finer: AnomalyRow, coarser: AnomalyRow) -> bool:
    if finer.dimension_name not in _COARSE_TO_FINE or finer.direction != coarser.direction:
        return False
    is_finer = _COARSE_TO_FINE.index(finer.dimension_name) > _COARSE_TO_FINE.index(coarser.dimension_name)
    return is_finer and abs(finer.excess_cost_usd) >= EXPLAINED_RATIO * abs(coarser.excess_cost_usd)


def _anomaly_facts(row: AnomalyRow, owner_email: str | None) -> Facts:
    dimension = row.dimension_name.replace("_", " ")
    return Facts(
        name="all spend" if dimension == "total" else f"{dimension} {row.dimension_value}",
        owner_email=owner_email,
        as_of_date=row.cost_date,
        cost_date=row.cost_date,
        direction=row.direction,
        actual_usd=row.actual_cost_usd if row.anomaly_kind == "spend" else row.cost_per_request_usd,
        expected_usd=row.expected_cost_usd if row.anomaly_kind == "spend" else row.cost_per_request_before_usd,
        lower_usd=row.lower_cost_usd,
        upper_usd=row.upper_cost_usd,
        day_count=row.streak_days,
        explained_by=row.explained_by,
        explained_value=row.explained_value,
        explained_usd=row.explained_cost_usd,
        ratio_now=_decimal(row.deviation_ratio),
        excess_usd=row.excess_cost_usd,
    )


# ---------------------------------------------------------------- shares without a price or an owner


def coverage_observations(marts: Marts, policies: Policies, today: date) -> Iterator[Observation]:
    """How the shares of the last week differ from those of the weeks before."""
    rows = marts.coverage or ()
    if len(rows) < COMPARED_DAYS:
        return
    is_stale = today - rows[-1].usage_date > timedelta(days=STALE_AFTER_DAYS)
    for kind, part, whole, worst in (
        (AlertKind.UNATTRIBUTED_SPEND, "unattributed_usd", "cost_usd", marts.worst_unattributed),
        (AlertKind.UNPRICED_SPEND, "unpriced_tokens", "tokens", marts.worst_unpriced),
    ):
        now, before = (_share(some, part, whole) for some in (rows[-WEEK_DAYS:], rows[:-WEEK_DAYS]))
        condition = Condition.UNKNOWN
        if now is not None and before is not None:
            condition = _condition(now - before, policies[kind].level, policies[kind].hysteresis)
        facts = Facts(
            as_of_date=rows[-1].usage_date,
            ratio_now=now,
            ratio_before=before,
            level=policies[kind].level,
            drivers=(worst,) if worst else (),
        )
        yield _not_better_if(is_stale, Observation(Key(kind, "total"), condition, facts=facts))


def _share(rows: Iterable[CoverageRow], part: str, whole: str) -> Decimal | None:
    rows = list(rows)
    total = sum((Decimal(getattr(row, whole)) for row in rows), Decimal(0))
    return sum((Decimal(getattr(row, part)) for row in rows), Decimal(0)) / total if total > 0 else None


# ---------------------------------------------------------------- late data


def late_observations(rows: Iterable[SourceRow], policies: Policies, today: date) -> Iterator[Observation]:
    """A source is late when its silence is longer than its usual one by the level of the policy, in days."""
    policy = policies[AlertKind.DATA_LATE]
    for row in rows:
        if not row.days:
            continue
        usual = _usual_gap_days(row.days)
        late_by = Decimal((today - row.days[-1]).days - usual)
        facts = Facts(name=row.source_name, last_date=row.days[-1], usual_gap_days=usual, as_of_date=today)
        severity = Severity.CRITICAL if late_by > LONG_LATE_DAYS else Severity.WARNING
        condition = Condition.FIRING if late_by >= policy.level else Condition.CLEAR
        yield Observation(Key(AlertKind.DATA_LATE, row.source_name), condition, severity, facts=facts)


def _usual_gap_days(days: tuple[date, ...]) -> int:
    """The gap that 95 % of the gaps do not exceed: weekends count as usual, one outage of the past does not."""
    gaps = sorted((later - earlier).days for earlier, later in pairwise(days))
    return gaps[max(-(-len(gaps) * 95 // 100) - 1, 0)] if gaps else 1
