"""The one state machine of all alerts: pure steps from what is known and what was seen to what is news.

(none) ──firing──▶ raised ──due, or graver──▶ renotified
                     │  ◀──────ack──────▶ acknowledged ──graver──▶ renotified
                     │
  any open state ──unknown──▶ no_data ──firing──▶ the state before
  any open state ──clear for as long as the policy says, or the period is over──▶ resolved
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from alerting.model import Alert, AlertState, Condition, EventName, Observation, alert_id_of
from alerting.policy import Policy


@dataclass(frozen=True)
class Step:
    """What an observation made of an alert.

    Attributes:
        alert: The alert afterwards; None: there is none.
        event: What happened, or None where nothing did that anybody would look up.
        reason: Why, in words.
        is_news: Whether people are to be told.
    """

    alert: Alert | None
    event: EventName | None = None
    reason: str = ""
    is_news: bool = False


def advance(
    alert: Alert | None, seen: Observation, now: datetime, policy: Policy, *, has_audience: bool = True
) -> Step:
    """One step of the machine. An alert that was resolved and fires again is a new episode.

    Whoever tells the people calls ``told`` on the result.

    Args:
        alert: The latest one of the observation's key, or None.
        has_audience: Whether there is anybody to tell. If not, the alert is told once there is.
    """
    is_heard = has_audience and not seen.is_muted
    if alert is None or not alert.is_open:
        is_raised = seen.condition is Condition.FIRING and not seen.is_muted
        return _raise(alert, seen, now, is_news=has_audience) if is_raised else Step(alert)
    if seen.condition is Condition.FIRING:
        return _fire(alert, seen, now, policy, is_heard=is_heard)
    if seen.condition is Condition.UNKNOWN:
        return _lose_data(alert, now)
    if seen.condition is Condition.OVER:
        return _resolve(alert, now, "its period is over, or it is watched no more", is_news=False)
    if seen.condition is Condition.CLEAR:
        return _clear(alert, seen, now, policy)
    return _hold(alert, seen, now)


def acknowledge(alert: Alert, person: str, now: datetime) -> Step:
    """Somebody has taken it on: it is not told again unless it grows graver. A resolved one cannot be taken on."""
    if not alert.is_open or alert.state is AlertState.ACKNOWLEDGED:
        return Step(alert)
    taken = _changed(alert, AlertState.ACKNOWLEDGED, now, acknowledged_by=person, state_before=None)
    return Step(taken, EventName.ACKNOWLEDGED, f"by {person}")


def told(alert: Alert, now: datetime) -> Alert:
    """The alert once its people have been told of what it is now."""
    return replace(alert, notified_at=now, notified_severity=alert.severity, notified_rank=alert.rank)


def _raise(before: Alert | None, seen: Observation, now: datetime, *, is_news: bool) -> Step:
    episode = 1 if before is None else before.episode + 1
    alert = Alert(
        alert_id=alert_id_of(seen.key, episode),
        key=seen.key,
        episode=episode,
        state=AlertState.RAISED,
        severity=seen.severity,
        rank=seen.rank,
        facts=seen.facts,
        raised_at=now,
        changed_at=now,
        event_count=1,
    )
    return Step(alert, EventName.RAISED, "", is_news)


def _fire(alert: Alert, seen: Observation, now: datetime, policy: Policy, *, is_heard: bool) -> Step:
    alert = replace(
        alert,
        clear_since=None,
        facts=seen.facts,
        severity=max(alert.severity, seen.severity, key=lambda severity: severity.rank),
        rank=max(alert.rank, seen.rank),
    )
    reason = _reason_to_tell(alert, now, policy) if is_heard else ""
    if reason:
        return Step(_changed(alert, AlertState.RENOTIFIED, now, state_before=None), EventName.RENOTIFIED, reason, True)
    return _resume(alert, now)


def _reason_to_tell(alert: Alert, now: datetime, policy: Policy) -> str:
    """Why an open alert is told again; empty: it is not."""
    if alert.notified_at is None:
        # Not even an acknowledgement hides it: it was made by the few who looked.
        return "" if alert.state is AlertState.ACKNOWLEDGED else "nobody had been told"
    if alert.severity.rank > (alert.notified_severity or alert.severity).rank:
        return f"it is {alert.severity} now"
    if alert.rank > (Decimal(0) if alert.notified_rank is None else alert.notified_rank):
        return "it has gone further"
    standing = alert.state_before or alert.state
    is_due = policy.renotify_after is not None and now - alert.notified_at >= policy.renotify_after
    return "it still stands" if is_due and standing is not AlertState.ACKNOWLEDGED else ""


def _lose_data(alert: Alert, now: datetime) -> Step:
    if alert.state is AlertState.NO_DATA:
        return Step(alert)
    lost = _changed(alert, AlertState.NO_DATA, now, state_before=alert.state, clear_since=None)
    return Step(lost, EventName.NO_DATA, "the data that would tell are not there")


def _clear(alert: Alert, seen: Observation, now: datetime, policy: Policy) -> Step:
    since = alert.clear_since or now
    if now - since >= policy.resolve_after:
        is_news = alert.notified_at is not None
        return _resolve(replace(alert, facts=seen.facts), now, "it is clear again", is_news=is_news)
    return _resume(replace(alert, clear_since=since, facts=seen.facts), now)


def _hold(alert: Alert, seen: Observation, now: datetime) -> Step:
    return _resume(replace(alert, clear_since=None, facts=seen.facts), now)


def _resume(alert: Alert, now: datetime) -> Step:
    if alert.state is not AlertState.NO_DATA:
        return Step(alert)
    back = _changed(alert, alert.state_before or AlertState.RAISED, now, state_before=None)
    return Step(back, EventName.RESUMED, "the data are back")


def _resolve(alert: Alert, now: datetime, reason: str, *, is_news: bool) -> Step:
    done = _changed(alert, AlertState.RESOLVED, now, state_before=None)
    return Step(done, EventName.RESOLVED, reason, is_news)


def _changed(alert: Alert, state: AlertState, now: datetime, **changes: object) -> Alert:
    return replace(alert, state=state, changed_at=now, event_count=alert.event_count + 1, **changes)  # type: ignore[arg-type]
