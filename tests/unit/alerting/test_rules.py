"""Rules: what a row of a mart means, and what it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from alerting.marts import AnomalyRow, BudgetRow, CoverageRow, Marts, SourceRow
from alerting.model import AlertKind, Condition, Observation, Severity
from alerting.policy import SHIPPED, Override, policies
from alerting.rules import assess, budget_observations
from tests.unit.alerting.worlds import NOW

TODAY = NOW.date()
ROW = BudgetRow(
    budget_id="org",
    budget_name="All spend",
    status="ok",
    period_start_date=date(2026, 11, 1),
    period_end_date=date(2026, 11, 30),
    assessment_date=TODAY - timedelta(days=1),
    budget_usd=Decimal(1000),
    spent_usd=Decimal(400),
    spent_ratio=0.4,
    breach_probability=0.1,
    thresholds="0.5;0.8;1.0",
    owner_email="owner@acme.example",
    channel="email; chat",
)


def conditions(**changes: Any) -> dict[AlertKind, Observation]:
    """What is seen of one budget, by kind."""
    rows = [replace(ROW, **changes)]
    return {each.key.kind: each for each in budget_observations(rows, SHIPPED, TODAY)}


@pytest.mark.parametrize(
    ("probability", "expected"),
    [
        (0.8, Condition.FIRING),
        (0.79, Condition.HOLDING),
        (0.65, Condition.HOLDING),
        (0.64, Condition.CLEAR),
        (None, Condition.UNKNOWN),
    ],
)
def test_a_breach_is_expected_from_the_level_of_the_budget_on(probability: float | None, expected: Condition) -> None:
    """Clear only 0.15 below it, and unknown without a forecast."""
    seen = conditions(breach_probability=probability, alert_probability=0.8)
    assert seen[AlertKind.BREACH_EXPECTED].condition is expected


def test_a_budget_has_its_own_level_and_a_hard_cap_is_critical() -> None:
    """The level of the row counts, and what happens at a hard cap is out of our hands."""
    seen = conditions(breach_probability=0.6, alert_probability=0.55, is_hard_cap=True)[AlertKind.BREACH_EXPECTED]
    assert (seen.condition, seen.severity, seen.facts.level) == (Condition.FIRING, Severity.CRITICAL, Decimal("0.55"))
    assert seen.facts.channels == ("email", "chat")


@pytest.mark.parametrize(("spent", "rank"), [(0.5, "0.5"), (0.79, "0.5"), (0.95, "0.8")])
def test_the_highest_threshold_that_is_passed_counts(spent: float, rank: str) -> None:
    """Each further one is news by its rank."""
    seen = conditions(spent_ratio=spent)[AlertKind.THRESHOLD_PASSED]
    assert (seen.condition, seen.rank, seen.severity) == (Condition.FIRING, Decimal(rank), Severity.INFO)


def test_a_breach_says_it_all() -> None:
    """The breach is told; that it was expected, and that its thresholds are passed, keep their state in silence."""
    seen = conditions(
        status="breached", is_breached=True, spent_usd=Decimal(1001), spent_ratio=1.001, breach_probability=1.0
    )
    assert seen[AlertKind.BUDGET_BREACHED].condition is Condition.FIRING
    assert {kind for kind, each in seen.items() if each.is_muted} == {
        AlertKind.BREACH_EXPECTED,
        AlertKind.THRESHOLD_PASSED,
    }


def test_old_data_do_not_make_anything_better() -> None:
    """A week without data: what is clear is unknown, what fires still does."""
    old = TODAY - timedelta(days=7)
    seen = conditions(assessment_date=old, breach_probability=0.1, spent_ratio=0.6)
    assert seen[AlertKind.BREACH_EXPECTED].condition is Condition.UNKNOWN
    assert seen[AlertKind.BUDGET_BREACHED].condition is Condition.UNKNOWN
    assert seen[AlertKind.THRESHOLD_PASSED].condition is Condition.FIRING


@pytest.mark.parametrize("status", ["no_rate", "unknown_scope", "no_forecast"])
def test_what_cannot_be_judged_is_unknown(status: str) -> None:
    """Neither an alert nor an all-clear."""
    seen = conditions(status=status, spent_usd=None, spent_ratio=None, breach_probability=None)
    assert {each.condition for each in seen.values()} == {Condition.UNKNOWN}


def test_periods_that_ended_or_did_not_begin_are_not_watched() -> None:
    """Except that a breach which the last bills brought is told for a week."""
    assert conditions(period_start_date=TODAY + timedelta(days=8)) == {}
    ended = {"status": "ended", "period_end_date": TODAY - timedelta(days=3)}
    assert conditions(**ended) == {}
    assert list(conditions(**ended, is_breached=True)) == [AlertKind.BUDGET_BREACHED]
    assert conditions(**ended | {"period_end_date": TODAY - timedelta(days=9)}, is_breached=True) == {}


@pytest.mark.parametrize(
    ("days_left", "expected", "severity"),
    [
        (None, Condition.CLEAR, Severity.WARNING),
        (30, Condition.CLEAR, Severity.WARNING),
        (20, Condition.HOLDING, Severity.WARNING),
        (14, Condition.FIRING, Severity.WARNING),
        (7, Condition.FIRING, Severity.CRITICAL),
    ],
)
def test_credit_is_told_two_weeks_before_it_runs_out(
    days_left: int | None, expected: Condition, severity: Severity
) -> None:
    """By the median day; a week before, it is critical."""
    day = None if days_left is None else TODAY + timedelta(days=days_left)
    seen = conditions(budget_kind="prepaid_credit", breach_date=day)
    assert AlertKind.BREACH_EXPECTED not in seen
    credit = seen[AlertKind.CREDIT_RUNS_OUT]
    assert credit.condition is expected
    if expected is Condition.FIRING:
        assert credit.severity is severity
    used_up = conditions(budget_kind="prepaid_credit", is_breached=True)[AlertKind.CREDIT_RUNS_OUT]
    assert (used_up.severity, used_up.rank) == (Severity.CRITICAL, 1)


def test_a_commitment_is_at_risk_of_being_missed_and_told_when_it_is_met() -> None:
    """Its breach is to fall short; spent in full, what follows is beyond it."""
    seen = conditions(budget_kind="commitment", breach_probability=0.9)
    assert seen[AlertKind.BREACH_EXPECTED].condition is Condition.FIRING
    assert seen[AlertKind.CREDIT_RUNS_OUT].condition is Condition.CLEAR
    met = conditions(budget_kind="commitment", status="met", breach_probability=0.0)
    assert met[AlertKind.BREACH_EXPECTED].condition is Condition.CLEAR
    assert met[AlertKind.CREDIT_RUNS_OUT].condition is Condition.FIRING


def test_over_commitment_is_seen_where_the_mart_knows_it() -> None:
    """Unknown where the column is not there yet."""
    assert AlertKind.OVERCOMMITTED not in conditions()
    assert conditions(overcommitted_usd=Decimal(0))[AlertKind.OVERCOMMITTED].condition is Condition.CLEAR
    assert conditions(overcommitted_usd=Decimal(1))[AlertKind.OVERCOMMITTED].condition is Condition.FIRING


def anomaly(series_id: str, dimension: str, excess: int, **changes: Any) -> AnomalyRow:
    row = AnomalyRow(
        series_id=series_id,
        dimension_name=dimension,
        dimension_value=series_id.partition("=")[2],
        anomaly_kind="spend",
        direction="above",
        cost_date=date(2026, 11, 20),
        actual_cost_usd=Decimal(100 + excess),
        expected_cost_usd=Decimal(100),
        lower_cost_usd=Decimal(80),
        upper_cost_usd=Decimal(120),
        excess_cost_usd=Decimal(excess),
        deviation_ratio=2.0,
        streak_days=1,
        cost_per_request_usd=None,
        cost_per_request_before_usd=None,
        explained_by="model",
        explained_value="gpt-4o",
        explained_cost_usd=Decimal(excess),
    )
    return replace(row, **changes)


def anomalies_seen(*rows: AnomalyRow, **marts: Any) -> list[Observation]:
    world = Marts(**{"anomalies": rows, "judged_until": date(2026, 11, 20)} | marts)
    return list(assess(world, SHIPPED, NOW, {"feature=ask": "ask@acme.example"}).observations)


def test_one_cause_is_told_once_by_its_finest_series() -> None:
    """The total and the team are off because the feature is; another team is off by itself."""
    seen = anomalies_seen(
        anomaly("total", "total", 130),
        anomaly("team=search", "team", 100),
        anomaly("feature=ask", "feature", 95),
        anomaly("provider=openai", "provider", 130),
        anomaly("team=growth", "team", 300, direction="below"),
        anomaly("budget=b", "budget", 100),
    )
    assert [each.key.subject for each in seen] == ["feature=ask", "team=growth"]
    assert seen[0].facts.owner_email == "ask@acme.example"


def test_small_old_and_near_anomalies_are_no_news() -> None:
    """Chance leaves one interval in ten; two days in a row are more than chance."""
    days = tuple(CoverageRow(TODAY - timedelta(days=n), Decimal(0), Decimal(10_000), 0, 1) for n in range(35))
    small, material = anomaly("total", "total", 199), anomaly("total", "total", 200)
    kinds = [{each.key.kind for each in anomalies_seen(row, coverage=days)} for row in (small, material)]
    assert [AlertKind.SPEND_ANOMALY in each for each in kinds] == [False, True]
    assert anomalies_seen(anomaly("total", "total", 130, cost_date=date(2026, 11, 17))) == []
    assert anomalies_seen(anomaly("total", "total", 130, deviation_ratio=0.2)) == []
    assert len(anomalies_seen(anomaly("total", "total", 130, deviation_ratio=0.2, streak_days=2))) == 1


def test_silence_about_anomalies_is_an_all_clear_only_while_days_are_judged() -> None:
    """When no day settles any more, the mart falls silent too."""
    for judged, expected in (
        (date(2026, 11, 20), Condition.CLEAR),
        (date(2026, 11, 1), Condition.UNKNOWN),
        (None, Condition.UNKNOWN),
    ):
        absent = assess(Marts(anomalies=(), judged_until=judged), SHIPPED, NOW).absent
        assert absent[AlertKind.SPEND_ANOMALY] is expected


def days_until(last: date, *, skipping_weekends: bool = False, count: int = 40) -> tuple[date, ...]:
    days = [last - timedelta(days=n) for n in range(count)]
    return tuple(sorted(day for day in days if not (skipping_weekends and day.weekday() >= 5)))


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (days_until(TODAY - timedelta(days=2)), Condition.CLEAR),
        (days_until(TODAY - timedelta(days=3)), Condition.FIRING),
        # Monday 23 November: Friday's data are what a source without weekends has.
        (days_until(date(2026, 11, 20), skipping_weekends=True), Condition.CLEAR),
        (days_until(date(2026, 11, 18), skipping_weekends=True), Condition.FIRING),
    ],
)
def test_a_source_is_late_by_its_own_habits(days: tuple[date, ...], expected: Condition) -> None:
    """Two days beyond the gap that is usual for it."""
    (seen,) = assess(Marts(sources=(SourceRow("openai", days),)), SHIPPED, NOW).observations
    assert (seen.key.kind, seen.condition) == (AlertKind.DATA_LATE, expected)


def test_one_outage_of_the_past_is_no_habit() -> None:
    """A gap of ten days once in forty does not hide the next one."""
    days = tuple(day for day in days_until(TODAY - timedelta(days=4)) if not 20 <= (TODAY - day).days < 30)
    (seen,) = assess(Marts(sources=(SourceRow("openai", days),)), SHIPPED, NOW).observations
    assert (seen.condition, seen.facts.usual_gap_days) == (Condition.FIRING, 1)


def coverage(week: int, before: int) -> tuple[CoverageRow, ...]:
    """35 days up to yesterday with the given per cent without a team."""
    days = [TODAY - timedelta(days=n) for n in range(35, 0, -1)]
    return tuple(
        CoverageRow(day, Decimal(week if (TODAY - day).days <= 7 else before), Decimal(100), 0, 1000) for day in days
    )


@pytest.mark.parametrize(
    ("week", "before", "expected"),
    [(7, 2, Condition.FIRING), (6, 2, Condition.HOLDING), (3, 2, Condition.CLEAR), (2, 50, Condition.CLEAR)],
)
def test_a_share_that_jumps_is_told(week: int, before: int, expected: Condition) -> None:
    """Five points over the four weeks before."""
    seen = {e.key.kind: e for e in assess(Marts(coverage=coverage(week, before)), SHIPPED, NOW).observations}
    assert seen[AlertKind.UNATTRIBUTED_SPEND].condition is expected
    assert seen[AlertKind.UNPRICED_SPEND].condition is Condition.CLEAR


def test_a_table_that_is_not_there_leaves_its_alerts_alone() -> None:
    """Nothing can be said, not even that something is over."""
    assessment = assess(Marts(), SHIPPED, NOW)
    assert (assessment.observations, assessment.absent) == ((), {})


def test_rules_can_be_turned_off_and_made_graver() -> None:
    """What is turned off is over; a severity of the user goes before ours."""
    changed = policies(
        [
            Override(AlertKind.THRESHOLD_PASSED, is_enabled=False),
            Override(AlertKind.BREACH_EXPECTED, severity=Severity.CRITICAL, renotify_after_hours=0),
        ]
    )
    assessment = assess(Marts(budgets=(replace(ROW, spent_ratio=0.9, breach_probability=0.9),)), changed, NOW)
    seen = {each.key.kind: each for each in assessment.observations}
    assert AlertKind.THRESHOLD_PASSED not in seen
    assert assessment.absent[AlertKind.THRESHOLD_PASSED] is Condition.OVER
    assert seen[AlertKind.BREACH_EXPECTED].severity is Severity.CRITICAL
    assert changed[AlertKind.BREACH_EXPECTED].renotify_after is None


def test_the_present_is_an_argument() -> None:
    """History can be replayed: the same rows at another moment are judged at that moment."""
    later = datetime(2026, 12, 20, tzinfo=NOW.tzinfo)
    seen = {each.key.kind: each for each in assess(Marts(budgets=(ROW,)), SHIPPED, later).observations}
    assert seen[AlertKind.BREACH_EXPECTED].condition is Condition.UNKNOWN
