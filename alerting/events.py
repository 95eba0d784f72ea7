"""What happened, one record each: the log that goes into the lake, and that the store can be rebuilt from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from alerting.model import TRANSITIONS, Alert, AlertKind, AlertState, EventName, Facts, Key, Severity


@dataclass(frozen=True)
class Event:
    """One transition of an alert, or one turn in the life of a message about it.

    The fields are those of the landed record ``AlertEvent``; a test holds the two together.

    Attributes:
        event_number: Of the transition; events of a message carry the number of the transition that they tell of.
        alert_state: State of the alert at that transition.
        person: Who acknowledged.
        attempt_count: How often the message was tried so far; null for transitions.
        error: Why an attempt failed, in our own words: never what a server said, which may repeat a secret.
    """

    event_id: str
    alert_id: str
    event_number: int
    event_name: str
    alert_kind: str
    subject: str
    period: str
    episode: int
    alert_state: str
    severity: str
    rank: Decimal
    reason: str
    summary: str
    person: str | None
    facts_json: str
    message_id: str | None
    channel: str | None
    recipient: str | None
    attempt_count: int | None
    error: str | None
    occurred_at: datetime


def transition_event(
    alert: Alert, name: EventName, reason: str, summary: str, now: datetime, person: str | None = None
) -> Event:
    """The event that brought an alert to what it is now."""
    return Event(
        event_id=f"{alert.alert_id}-{alert.event_count:04d}",
        alert_id=alert.alert_id,
        event_number=alert.event_count,
        event_name=name,
        alert_kind=alert.key.kind,
        subject=alert.key.subject,
        period=alert.key.period,
        episode=alert.episode,
        alert_state=alert.state,
        severity=alert.severity,
        rank=alert.rank,
        reason=reason,
        summary=summary,
        person=person,
        facts_json=alert.facts.to_json(),
        message_id=None,
        channel=None,
        recipient=None,
        attempt_count=None,
        error=None,
        occurred_at=now,
    )


def replay(events: Iterable[Event]) -> list[Alert]:
    """The alerts that a log of events tells of, as they stand after its last one.

    Only since when an alert is clear is not in the log: that count begins anew.
    """
    by_alert: dict[str, list[Event]] = defaultdict(list)
    told: dict[str, set[int]] = defaultdict(set)
    for event in sorted(events, key=lambda each: (each.event_number, each.occurred_at, each.event_id)):
        if event.event_name in TRANSITIONS:
            by_alert[event.alert_id].append(event)
        elif event.event_name == EventName.QUEUED:
            told[event.alert_id].add(event.event_number)
    return [_replayed(transitions, told[alert_id]) for alert_id, transitions in by_alert.items()]


def _replayed(transitions: list[Event], told: set[int]) -> Alert:
    first, last = transitions[0], transitions[-1]
    alert = Alert(
        alert_id=last.alert_id,
        key=Key(AlertKind(last.alert_kind), last.subject, last.period),
        episode=last.episode,
        state=AlertState(last.alert_state),
        severity=Severity(last.severity),
        rank=last.rank,
        facts=Facts.from_json(last.facts_json),
        raised_at=first.occurred_at,
        changed_at=last.occurred_at,
        event_count=last.event_number,
    )
    for event in transitions:
        if event.event_number in told:
            alert = replace(
                alert,
                notified_at=event.occurred_at,
                notified_severity=Severity(event.severity),
                notified_rank=event.rank,
            )
        if event.event_name == EventName.ACKNOWLEDGED:
            alert = replace(alert, acknowledged_by=event.person)
    if alert.state is AlertState.NO_DATA:
        standing = [event for event in transitions if event.alert_state != AlertState.NO_DATA]
        alert = replace(alert, state_before=AlertState(standing[-1].alert_state) if standing else AlertState.RAISED)
    return alert
