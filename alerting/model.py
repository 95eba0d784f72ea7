"""The words of alerting: what is watched, what was seen of it, and what is known of an alert."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any


class AlertKind(StrEnum):
    """What an alert is about. ``docs/alerts.md`` says what each means to its reader."""

    BREACH_EXPECTED = "budget_breach_expected"
    THRESHOLD_PASSED = "budget_threshold_passed"
    BUDGET_BREACHED = "budget_breached"
    CREDIT_RUNS_OUT = "credit_runs_out"
    OVERCOMMITTED = "budget_overcommitted"
    SPEND_ANOMALY = "spend_anomaly"
    UNIT_COST_DRIFT = "unit_cost_drift"
    DATA_LATE = "data_late"
    UNPRICED_SPEND = "unpriced_spend"
    UNATTRIBUTED_SPEND = "unattributed_spend"


BUDGET_KINDS = frozenset(
    {
        AlertKind.BREACH_EXPECTED,
        AlertKind.THRESHOLD_PASSED,
        AlertKind.BUDGET_BREACHED,
        AlertKind.CREDIT_RUNS_OUT,
        AlertKind.OVERCOMMITTED,
    }
)
"""Their subject is a budget."""


class Severity(StrEnum):
    """How grave; a channel names the least that it wants to hear of."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


class Condition(StrEnum):
    """What an assessment saw of one subject."""

    FIRING = "firing"
    HOLDING = "holding"
    """Below the level at which an alert is raised, not yet below the one at which it is resolved."""
    CLEAR = "clear"
    UNKNOWN = "unknown"
    """The data that would tell are not there. It resolves nothing."""
    OVER = "over"
    """The period has ended, or the subject is watched no more."""


class AlertState(StrEnum):
    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    RENOTIFIED = "renotified"
    NO_DATA = "no_data"
    RESOLVED = "resolved"


class EventName(StrEnum):
    """What can happen to an alert, and to a message about it."""

    RAISED = "raised"
    RENOTIFIED = "renotified"
    ACKNOWLEDGED = "acknowledged"
    NO_DATA = "no_data"
    RESUMED = "resumed"
    """The data are back, and the alert stands as before."""
    RESOLVED = "resolved"
    QUEUED = "queued"
    FAILED = "failed"
    DELIVERED = "delivered"
    DEAD = "dead"
    REQUEUED = "requeued"


TRANSITIONS = frozenset(
    {
        EventName.RAISED,
        EventName.RENOTIFIED,
        EventName.ACKNOWLEDGED,
        EventName.NO_DATA,
        EventName.RESUMED,
        EventName.RESOLVED,
    }
)
"""Events of alerts; the others are of messages."""


@dataclass(frozen=True)
class Key:
    """What tells one alert from another: two findings of one key are one alert.

    Attributes:
        subject: A budget, a series, a source of data, or empty.
        period: First day of the budget's period, or empty where there is none.
    """

    kind: AlertKind
    subject: str
    period: str = ""


@dataclass(frozen=True)
class Facts:
    """What a message about an alert is written from; each kind fills in what it knows.

    Dollars are US dollars, ratios from 0 to 1, days UTC. ``breach_date_early`` is the day of the breach at the 90 %
    quantile of spend, ``breach_date_late`` the one at the 10 % quantile.
    """

    name: str = ""
    owner_email: str | None = None
    channels: tuple[str, ...] = ()
    budget_kind: str | None = None
    is_hard_cap: bool = False
    period_start_date: date | None = None
    period_end_date: date | None = None
    as_of_date: date | None = None
    spent_usd: Decimal | None = None
    budget_usd: Decimal | None = None
    projected_p10_usd: Decimal | None = None
    projected_p50_usd: Decimal | None = None
    projected_p90_usd: Decimal | None = None
    run_rate_usd: Decimal | None = None
    overcommitted_usd: Decimal | None = None
    probability: Decimal | None = None
    level: Decimal | None = None
    spent_ratio: Decimal | None = None
    elapsed_ratio: Decimal | None = None
    breach_date_early: date | None = None
    breach_date: date | None = None
    breach_date_late: date | None = None
    drivers: tuple[str, ...] = ()
    cost_date: date | None = None
    direction: str | None = None
    actual_usd: Decimal | None = None
    expected_usd: Decimal | None = None
    lower_usd: Decimal | None = None
    upper_usd: Decimal | None = None
    excess_usd: Decimal | None = None
    day_count: int | None = None
    explained_by: str | None = None
    explained_value: str | None = None
    explained_usd: Decimal | None = None
    last_date: date | None = None
    usual_gap_days: int | None = None
    ratio_now: Decimal | None = None
    ratio_before: Decimal | None = None

    def to_json(self) -> str:
        """One JSON object without the fields that are not known; money as exact text."""
        known = {
            field.name: value
            for field in dataclasses.fields(self)
            if (value := getattr(self, field.name)) is not None and value != field.default
        }
        return json.dumps(known, default=str, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Facts:
        """What ``to_json`` wrote. Fields that this version does not know are left out."""
        readers = _readers()
        return cls(**{name: readers[name](value) for name, value in json.loads(text).items() if name in readers})


@cache
def _readers() -> dict[str, Callable[[Any], Any]]:
    by_type: dict[Any, Callable[[Any], Any]] = {
        Decimal: Decimal,
        date: date.fromisoformat,
        int: int,
        bool: bool,
        str: str,
        tuple[str, ...]: tuple,
    }
    readers = {}
    for name, hint in typing.get_type_hints(Facts).items():
        options = [hint] if hint in by_type else typing.get_args(hint)
        readers[name] = by_type[next(option for option in options if option in by_type)]
    return readers


@dataclass(frozen=True)
class Observation:
    """What one assessment saw of one subject.

    Attributes:
        rank: How far it has gone within its kind (the threshold that was passed). More than what was told of is news.
        is_muted: A graver alert about the same subject says it already: nothing is raised, and nobody is told.
    """

    key: Key
    condition: Condition
    severity: Severity = Severity.WARNING
    rank: Decimal = Decimal(0)
    facts: Facts = Facts()
    is_muted: bool = False


@dataclass(frozen=True)
class Assessment:
    """Everything that was seen at one moment.

    Attributes:
        as_of: The present of the assessment, UTC.
        absent: What it means for an open alert of a kind that no observation is about; kinds that are not listed were
            not looked at, and their alerts are left as they are.
    """

    as_of: datetime
    observations: tuple[Observation, ...]
    absent: dict[AlertKind, Condition]


@dataclass(frozen=True)
class Alert:
    """One alert, from the moment that it was raised.

    Attributes:
        episode: How often its key has been raised, this time included.
        state_before: What it was before the data stopped; only while it has no data.
        severity: The gravest that was seen.
        rank: The furthest that was seen.
        notified_at: When people were last told; None: nobody has been.
        notified_severity: The gravest that people were told of.
        notified_rank: The furthest that people were told of.
        clear_since: Since when it has been clear without interruption.
        event_count: Events so far; they are numbered from 1.
    """

    alert_id: str
    key: Key
    episode: int
    state: AlertState
    severity: Severity
    rank: Decimal
    facts: Facts
    raised_at: datetime
    changed_at: datetime
    state_before: AlertState | None = None
    notified_at: datetime | None = None
    notified_severity: Severity | None = None
    notified_rank: Decimal | None = None
    clear_since: datetime | None = None
    acknowledged_by: str | None = None
    event_count: int = 0

    @property
    def is_open(self) -> bool:
        return self.state is not AlertState.RESOLVED


def alert_id_of(key: Key, episode: int) -> str:
    """The same key and episode have the same id on every machine, also after the store was rebuilt."""
    return _digest(key.kind, key.subject, key.period, str(episode))[:10]


def message_id_of(alert_id: str, event_number: int, channel: str, recipient: str) -> str:
    """The idempotency key of a message: the same news to the same person is the same message."""
    return _digest(alert_id, str(event_number), channel, recipient)[:24]


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
