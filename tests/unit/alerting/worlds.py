"""Small worlds for alerts: a clock that is moved by hand, observations by a word, and receivers that misbehave."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from alerting.channels import Message, Outcome, Verdict
from alerting.engine import Applied, Receiver, apply
from alerting.model import AlertKind, Assessment, Condition, Facts, Key, Observation, Severity
from alerting.outbox import Outbox
from alerting.policy import SHIPPED
from alerting.store import Store

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
KEY = Key(AlertKind.BREACH_EXPECTED, "org", "2026-11-01")
FACTS = Facts(name="All spend", owner_email="owner@acme.example", spent_usd=Decimal(700), budget_usd=Decimal(1000))


class Crash(BaseException):
    """The process ends here."""


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class RecordingReceiver:
    """Takes messages as a real one does: it may have them before the sender hears that, and it drops repeats by key.

    Attributes:
        received: Message ids in the order of arrival, repeats included.
        plan: Verdicts of the next attempts; when it is used up, everything is delivered.
        doubts: Attempts after which the sender could not know whether the message had arrived.
    """

    received: list[str] = field(default_factory=list)
    plan: list[Verdict] = field(default_factory=list)
    doubts: int = 0

    @property
    def kept(self) -> list[str]:
        return list(dict.fromkeys(self.received))

    def send(self, message: Message) -> Outcome:
        verdict = self.plan.pop(0) if self.plan else Verdict.DELIVERED
        # Of an answer that never came nobody knows; here it always means that the message had arrived.
        self.doubts += verdict is Verdict.UNKNOWN
        if verdict in (Verdict.DELIVERED, Verdict.UNKNOWN):
            self.received.append(message.message_id)
        return Outcome(verdict, None if verdict is Verdict.DELIVERED else f"planned: {verdict}")


def seen(
    condition: Condition = Condition.FIRING,
    *,
    key: Key = KEY,
    severity: Severity = Severity.WARNING,
    rank: int = 0,
    is_muted: bool = False,
    facts: Facts = FACTS,
) -> Observation:
    return Observation(key, condition, severity, Decimal(rank), facts, is_muted)


def to_mail(facts: Facts, _severity: Severity) -> tuple[Receiver, ...]:
    """Everything to the owner, by mail."""
    return (Receiver("email", facts.owner_email or ""),)


@dataclass
class Office:
    """One home's store and outbox, at a clock."""

    path: Path
    clock: Clock = field(default_factory=Clock)
    route: Callable[[Facts, Severity], tuple[Receiver, ...]] = to_mail

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        self.store = Store(self.path / "alerts.sqlite")
        self.outbox = Outbox(self.store, random.Random(7))  # noqa: S311 - jitter

    def reopen(self) -> None:
        """As another process does after this one has ended."""
        self.store.close()
        self.open()

    def assess(self, *observations: Observation, absent: Condition | None = None) -> Applied:
        kinds = {} if absent is None else dict.fromkeys(AlertKind, absent)
        return apply(self.store, self.outbox, Assessment(self.clock(), observations, kinds), SHIPPED, self.route)
