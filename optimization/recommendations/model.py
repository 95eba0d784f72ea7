"""The words of recommendations: what is found, what is known of it, and what can happen to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

DAYS_PER_MONTH = Decimal("30.4375")
"""A twelfth of a year of 365.25 days."""


class State(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DONE = "done"
    EXPIRED = "expired"

    @property
    def is_standing(self) -> bool:
        """Whether it is still to be carried out."""
        return self in (State.OPEN, State.ACCEPTED)


class Happening(StrEnum):
    """What can happen to a recommendation. Runs open, update, expire, reopen and verify; people do the others."""

    OPENED = "opened"
    UPDATED = "updated"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DONE = "done"
    EXPIRED = "expired"
    REOPENED = "reopened"
    VERIFIED = "verified"


class Confidence(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True)
class Candidate:
    """One thing worth doing, as one run finds it. Savings are dollars a month, 95 % intervals.

    Attributes:
        kind: What is to be done, such as ``model_swap``; with scope and target it makes the recommendation.
        target: What it is to become, where there is a choice: a model, a prompt version, an arm, a service tier.
        saving_usd: What it is expected to save if nothing else is done.
        current_cost_usd: What its traffic costs now; None where that is not told.
        owner_email: Who answers for what it comes from, such as a budget or an experiment; None: who leads the team.
        rival_key: Candidates of one key exclude each other, such as two models for the same traffic.
        parameters: What a later check needs to know.
    """

    kind: str
    team: str | None
    feature: str | None
    environment: str | None
    provider_name: str | None
    model_id: str | None
    target: str | None
    title: str
    evidence: str
    evidence_table: str
    how_to: str
    confidence: Confidence
    saving_usd: Decimal
    saving_lower_usd: Decimal
    saving_upper_usd: Decimal
    current_cost_usd: Decimal | None = None
    owner_email: str | None = None
    rival_key: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def recommendation_id(self) -> str:
        """The same in every run for the same kind, scope and target; its numbers do not count."""
        parts = (self.kind, self.team, self.feature, self.environment, self.provider_name, self.model_id, self.target)
        key = json.dumps(parts)
        return f"{self.kind.replace('_', '-')}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"

    def to_json(self) -> str:
        return json.dumps(self.__dict__ | {"parameters": dict(self.parameters)}, default=str, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Candidate:
        """What ``to_json`` wrote; fields that this version does not know are left out."""
        values: dict[str, Any] = {
            name: value for name, value in json.loads(text).items() if name in cls.__dataclass_fields__
        }
        for name in ("saving_usd", "saving_lower_usd", "saving_upper_usd", "current_cost_usd"):
            values[name] = None if values.get(name) is None else Decimal(values[name])
        return cls(**values | {"confidence": Confidence(values["confidence"])})


@dataclass(frozen=True)
class Event:
    """One thing that happened. The fields are those of the landed record ``RecommendationEvent``.

    Attributes:
        event_number: Of its recommendation, from 1.
        facts_json: The candidate as it was then; of a check, what was found.
        event_date: The day that it is about: of the assessment, or on which a change was made.
    """

    event_id: str
    recommendation_id: str
    event_number: int
    event_name: str
    state: str
    reason: str
    person: str | None
    facts_json: str
    event_date: date
    occurred_at: datetime


@dataclass(frozen=True)
class Verification:
    """What a change has saved against its counterfactual. Dollars; None where it cannot be told.

    Attributes:
        status: ``saved``, ``cost more``, ``no difference``, ``inconclusive`` or ``too early``.
        method: How it was found, in a few words.
        finding: One plain sentence.
        saving_usd: So far, from the day of the change on; below 0 where it cost more.
        day_count: Days since the change that are settled.
    """

    status: str
    method: str
    finding: str
    saving_usd: Decimal | None = None
    saving_lower_usd: Decimal | None = None
    saving_upper_usd: Decimal | None = None
    saving_usd_per_month: Decimal | None = None
    day_count: int = 0

    def to_json(self) -> str:
        return json.dumps(self.__dict__, default=str, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Verification:
        values: dict[str, Any] = json.loads(text)
        for name in ("saving_usd", "saving_lower_usd", "saving_upper_usd", "saving_usd_per_month"):
            values[name] = None if values[name] is None else Decimal(values[name])
        return cls(**values)


@dataclass(frozen=True)
class Recommendation:
    """Where one stands after the events so far.

    Attributes:
        candidate: As it was last seen.
        decided_saving_usd: What it was expected to save when a person last decided on it.
        last_seen_date: The last assessment that found it worth doing.
        is_seen: Whether the assessment at hand found it.
    """

    recommendation_id: str
    state: State
    reason: str
    person: str | None
    candidate: Candidate
    first_seen_date: date
    last_seen_date: date
    event_count: int
    changed_date: date
    decided_date: date | None = None
    decided_saving_usd: Decimal | None = None
    done_date: date | None = None
    verification: Verification | None = None
    is_seen: bool = False
