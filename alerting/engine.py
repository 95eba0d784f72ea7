"""From an assessment to events and queued messages, in one transaction; and back from the log of events."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from alerting.events import Event, replay, transition_event
from alerting.model import (
    TRANSITIONS,
    Alert,
    AlertKind,
    Assessment,
    EventName,
    Facts,
    Observation,
    Severity,
)
from alerting.outbox import Outbox
from alerting.policy import Policy
from alerting.state import Step, advance, told
from alerting.state import acknowledge as take_on
from alerting.store import Store, as_instant, as_text
from alerting.templates import Rendered, render
from ingestion.errors import TokenAtlasError

LAST_ASSESSMENT = "last_assessed_at"


@dataclass(frozen=True)
class Receiver:
    """Somebody to be told: a channel, and on the channel for mail the address of the owner (else empty)."""

    channel: str
    recipient: str = ""


Route = Callable[[Facts, Severity], tuple[Receiver, ...]]
"""Who is to hear of an alert with these facts and this severity."""


@dataclass(frozen=True)
class Applied:
    """What an assessment changed.

    Attributes:
        events: Transitions, in the order in which they happened.
        message_count: Messages that were queued.
        is_outdated: A younger assessment had been applied, so this one was left out.
    """

    events: tuple[Event, ...] = ()
    message_count: int = 0
    is_outdated: bool = False


def apply(
    store: Store, outbox: Outbox, assessment: Assessment, policies: Mapping[AlertKind, Policy], route: Route
) -> Applied:
    """Moves every alert on by one assessment. All of it is written, or nothing; another process waits meanwhile."""
    with store.writing():
        last = store.note(LAST_ASSESSMENT)
        if last is not None and as_instant(last) > assessment.as_of:
            return Applied(is_outdated=True)
        store.set_note(LAST_ASSESSMENT, as_text(assessment.as_of))
        seen = {each.key: each for each in assessment.observations}
        for alert in store.open_alerts():
            if alert.key not in seen and alert.key.kind in assessment.absent:
                condition = assessment.absent[alert.key.kind]
                seen[alert.key] = Observation(alert.key, condition, alert.severity, alert.rank, alert.facts)
        applied = [_advance(store, outbox, each, assessment.as_of, policies, route) for each in seen.values()]
    events = tuple(event for event, _ in applied if event is not None)
    return Applied(events, sum(count for _, count in applied))


def acknowledge(store: Store, prefix: str, person: str, now: datetime) -> Alert:
    """Takes on the one open alert whose id begins so. Twice is once.

    Raises:
        TokenAtlasError: no open alert, or more than one, is meant.
    """
    with store.writing():
        meant = [alert for alert in store.alerts_like(prefix) if alert.is_open] if prefix else []
        if len(meant) != 1:
            what = f"{len(meant)} open alerts begin with" if meant else "No open alert begins with"
            raise TokenAtlasError(
                f"{what} {prefix!r}", where="alerts ack", mend="tokenatlas alerts list shows the ids."
            )
        step = take_on(meant[0], person, now)
        _record(store, step, now, person=person)
    return meant[0] if step.alert is None else step.alert


def restore(store: Store, outbox: Outbox, events: Iterable[Event]) -> int:
    """Rebuilds an empty store from the log of events, and returns the number of its alerts; another is left alone."""
    events = sorted(
        {event.event_id: event for event in events}.values(), key=lambda each: (each.occurred_at, each.event_id)
    )
    with store.writing():
        if not events or not store.is_empty():
            return 0
        for event in events:
            store.add_event(event, is_exported=True)
        alerts = replay(events)
        for alert in alerts:
            store.save(alert)
        _restore_messages(outbox, events)
        store.set_note(LAST_ASSESSMENT, as_text(max(event.occurred_at for event in events)))
    return len(alerts)


def _restore_messages(outbox: Outbox, events: list[Event]) -> None:
    transitions = {(event.alert_id, event.event_number): event for event in events if event.event_name in TRANSITIONS}
    by_message: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.message_id is not None:
            by_message[event.message_id].append(event)
    for of_message in by_message.values():
        first = of_message[0]
        transition = transitions[first.alert_id, first.event_number]
        outbox.restore(transition, first, of_message[-1], _rendered(transition), len(of_message))


def _advance(
    store: Store,
    outbox: Outbox,
    seen: Observation,
    now: datetime,
    policies: Mapping[AlertKind, Policy],
    route: Route,
) -> tuple[Event | None, int]:
    before = store.latest(seen.key)
    worst = seen.severity
    if before is not None and before.is_open:
        worst = max(before.severity, seen.severity, key=lambda severity: severity.rank)
    receivers = route(seen.facts, worst)
    step = advance(before, seen, now, policies[seen.key.kind], has_audience=bool(receivers))
    if step.alert is None or (step.alert == before and step.event is None):
        return None, 0
    event = _record(store, step, now)
    if event is None or not step.is_news:
        return event, 0
    if step.event is EventName.RESOLVED:
        receivers = tuple(Receiver(*pair) for pair in outbox.told_of(step.alert.alert_id))
    rendered = _rendered(event)
    for receiver in receivers:
        outbox.enqueue(event, receiver.channel, receiver.recipient, rendered, now)
    store.save(told(step.alert, now))
    return event, len(receivers)


def _record(store: Store, step: Step, now: datetime, person: str | None = None) -> Event | None:
    """Writes down what a step made of an alert, and the event if it is one."""
    if step.alert is None:
        return None
    store.save(step.alert)
    if step.event is None:
        return None
    event = transition_event(step.alert, step.event, step.reason, "", now, person)
    event = dataclasses.replace(event, summary=_rendered(event).subject)
    store.add_event(event)
    return event


def _rendered(event: Event) -> Rendered:
    return render(
        AlertKind(event.alert_kind),
        EventName(event.event_name),
        Severity(event.severity),
        Facts.from_json(event.facts_json),
        alert_id=event.alert_id,
        reason=event.reason,
    )
