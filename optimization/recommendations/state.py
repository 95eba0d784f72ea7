"""How a recommendation moves: from the log of events to where it stands, and by runs and people to the next event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from ingestion.errors import TokenAtlasError
from optimization.recommendations.model import Candidate, Event, Happening, Recommendation, State, Verification

MINIMUM_SHARE_OF_SPEND = Decimal("0.005")
MINIMUM_USD_PER_MONTH = Decimal("1")
"""A recommendation is opened from half a per cent of monthly spend on, and never below a dollar a month."""
HOLDING_RATIO = Decimal("0.7")
"""One that stands is kept until its saving falls below this part of what opens one: it does not flicker."""
INCUMBENT_RATIO = Decimal("0.8")
"""Of rivals the one that stands is kept until it saves less than this part of the best."""
UPDATE_RATIO = Decimal("0.25")
"""A saving that moved by more than this is an event of its own."""
EXPIRES_AFTER = timedelta(weeks=4)
NOTED_EVERY = timedelta(weeks=1)
"""How often the log says that something is still found, so that the log alone knows when it was last."""
REJECTED_COMES_BACK_AT = Decimal("1.5")
"""One that was rejected comes back when its saving has grown by half, or after half a year."""
REJECTED_COMES_BACK_AFTER = timedelta(days=180)
STILL_THERE_AFTER = timedelta(days=120)
"""One that was done and is still found when no day before the change is looked at any more was not done wholly."""

ALLOWED: Mapping[Happening, tuple[State, ...]] = {
    Happening.ACCEPTED: (State.OPEN,),
    Happening.REJECTED: (State.OPEN, State.ACCEPTED),
    Happening.DONE: (State.OPEN, State.ACCEPTED, State.EXPIRED),
    Happening.REOPENED: (State.ACCEPTED, State.REJECTED, State.DONE, State.EXPIRED),
}
_STATES = {
    Happening.OPENED: State.OPEN,
    Happening.REOPENED: State.OPEN,
    Happening.ACCEPTED: State.ACCEPTED,
    Happening.REJECTED: State.REJECTED,
    Happening.DONE: State.DONE,
    Happening.EXPIRED: State.EXPIRED,
}


# ---------------------------------------------------------------- the log


def replay(events: Iterable[Event]) -> dict[str, Recommendation]:
    """Where every recommendation stands, by id. Of events with one id the first in the order given counts."""
    known: dict[str, Recommendation] = {}
    seen: set[str] = set()
    unique = [event for event in events if not (event.event_id in seen or seen.add(event.event_id))]  # type: ignore[func-returns-value]
    for event in sorted(unique, key=lambda each: (each.recommendation_id, each.event_number)):
        known[event.recommendation_id] = _after(known.get(event.recommendation_id), event)
    return known


def _after(before: Recommendation | None, event: Event) -> Recommendation:
    name = Happening(event.event_name)
    if before is None:
        candidate = Candidate.from_json(event.facts_json)
        before = Recommendation(
            recommendation_id=event.recommendation_id,
            state=State.OPEN,
            reason="",
            person=None,
            candidate=candidate,
            first_seen_date=event.event_date,
            last_seen_date=event.event_date,
            event_count=0,
            changed_date=event.event_date,
        )
    after = replace(before, event_count=event.event_number)
    if name is Happening.VERIFIED:
        return replace(after, verification=Verification.from_json(event.facts_json))
    after = replace(after, candidate=Candidate.from_json(event.facts_json))
    if event.person is None and name not in (Happening.EXPIRED,):
        after = replace(after, last_seen_date=max(before.last_seen_date, event.event_date))
    if name is Happening.UPDATED:
        return after
    after = replace(after, state=_STATES[name], reason=event.reason, person=event.person, changed_date=event.event_date)
    if event.person is not None:
        after = replace(after, decided_date=event.occurred_at.date(), decided_saving_usd=after.candidate.saving_usd)
    if name is Happening.DONE:
        return replace(after, done_date=event.event_date, verification=None)
    return replace(after, done_date=None, verification=None)


def event_of(
    recommendation: Recommendation, name: Happening, reason: str, day: date, now: datetime, person: str | None = None
) -> Event:
    """The next event of a recommendation."""
    number = recommendation.event_count + 1
    return Event(
        event_id=f"{recommendation.recommendation_id}-{number:04d}",
        recommendation_id=recommendation.recommendation_id,
        event_number=number,
        event_name=name,
        state=_STATES.get(name, recommendation.state),
        reason=reason,
        person=person,
        facts_json=recommendation.candidate.to_json(),
        event_date=day,
        occurred_at=now,
    )


# ---------------------------------------------------------------- people


def decide(
    known: Mapping[str, Recommendation],
    prefix: str,
    name: Happening,
    *,
    person: str,
    reason: str,
    now: datetime,
    day: date | None = None,
) -> Event | None:
    """The event of a person's decision; None where it stands so already.

    Args:
        prefix: The id, or its beginning.
        day: On which a change was made; today by default.
    Raises:
        TokenAtlasError: no recommendation or several are meant, it cannot go from its state to that one, a reason is
            missing, or the day has not come.
    """
    one = find(known, prefix)
    today = now.date()
    if name is Happening.REJECTED and not reason.strip():
        raise TokenAtlasError(
            "A rejection needs a reason", where=one.recommendation_id, mend="say why with --reason: it is shown later"
        )
    if day is not None and day > today:
        raise TokenAtlasError(f"{day} has not come", where="--date", mend=f"today is {today}")
    if one.state is _STATES[name] and not (name is Happening.DONE and day not in (None, one.done_date)):
        return None
    if one.state not in ALLOWED[name] and one.state is not _STATES[name]:
        allowed = ", ".join(each for each, states in ALLOWED.items() if one.state in states)
        raise TokenAtlasError(
            f"What is {one.state} cannot become {_STATES[name]}",
            where=one.recommendation_id,
            mend=f"from {one.state} it can be: {allowed}",
        )
    return event_of(one, name, reason.strip(), day or today, now, person)


def find(known: Mapping[str, Recommendation], prefix: str) -> Recommendation:
    """The one recommendation whose id begins so.

    Raises:
        TokenAtlasError: there is none, or more than one.
    """
    if prefix in known:
        return known[prefix]
    meant = [one for recommendation_id, one in known.items() if prefix and recommendation_id.startswith(prefix)]
    if len(meant) != 1:
        what = f"{len(meant)} recommendations begin with" if meant else "No recommendation begins with"
        raise TokenAtlasError(
            f"{what} {prefix!r}",
            where="recommendations",
            mend="`tokenatlas recommendations list --all` shows every id",
        )
    return meant[0]


# ---------------------------------------------------------------- runs


@dataclass(frozen=True)
class Rules:
    """How a user differs from what is shipped.

    Attributes:
        minimum_usd: Least saving a month that is worth a person's time, by kind; of all kinds under the empty name.
        disabled: Kinds that are not recommended at all.
    """

    minimum_usd: Mapping[str, Decimal] = field(default_factory=dict)
    disabled: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Thresholds:
    """From what saving on, in dollars a month, something is worth a person's time."""

    usual_usd: Decimal
    rules: Rules = Rules()

    def opens_at(self, kind: str) -> Decimal:
        minimum = self.rules.minimum_usd
        return minimum.get(kind, minimum.get("", self.usual_usd))

    def is_worth(self, candidate: Candidate, *, stands: bool) -> bool:
        """Whether to open it, or, if it stands, to keep it."""
        if candidate.kind in self.rules.disabled:
            return False
        level = self.opens_at(candidate.kind)
        return candidate.saving_usd >= (level * HOLDING_RATIO if stands else level)


def thresholds_of(monthly_spend_usd: Decimal, rules: Rules) -> Thresholds:
    """Those of a company: a share of its spend, where nothing else is set."""
    return Thresholds(max(MINIMUM_USD_PER_MONTH, monthly_spend_usd * MINIMUM_SHARE_OF_SPEND), rules)


def advance(
    known: Mapping[str, Recommendation],
    candidates: Sequence[Candidate],
    thresholds: Thresholds,
    day: date,
    now: datetime,
) -> tuple[dict[str, Recommendation], list[Event]]:
    """Moves everything on by one assessment: where it stands then, and the events of that.

    The same assessment a second time gives no further event.
    """
    found = {each.recommendation_id: each for each in candidates if each.saving_usd > 0}
    chosen = _chosen(known, found, thresholds)
    after = dict(known)
    events: list[Event] = []
    for recommendation_id, candidate in found.items():
        one = known.get(recommendation_id)
        if one is None:
            if recommendation_id in chosen:
                opened = _after(None, _opening(candidate, day, now))
                events.append(_opening(candidate, day, now))
                after[recommendation_id] = replace(opened, is_seen=True)
            continue
        is_worth = recommendation_id in chosen
        one = replace(one, candidate=candidate if one.state is not State.DONE else one.candidate)
        if is_worth:
            one = replace(one, last_seen_date=max(one.last_seen_date, day), is_seen=True)
        step = _seen_again(known[recommendation_id], candidate, day, is_worth=is_worth)
        if step is not None:
            event = event_of(replace(one, candidate=candidate), step[0], step[1], day, now)
            events.append(event)
            one = replace(_after(one, event), is_seen=is_worth)
        after[recommendation_id] = one
    better = {found[each].rival_key: each for each in chosen if found[each].rival_key}
    promised = {found[each].provider_name: each for each in chosen if found[each].kind == "idle_commitment"}
    for recommendation_id, one in after.items():
        rival_id = better.get(one.candidate.rival_key, recommendation_id)
        if one.candidate.kind == "idle_capacity":
            rival_id = promised.get(one.candidate.provider_name, rival_id)
        # Two ways for the same traffic exclude each other, so only one of them is said; what a person reopened stays.
        if one.state is State.OPEN and one.person is None and rival_id != recommendation_id:
            reason = f"{rival_id} now says it better"
            event = event_of(one, Happening.EXPIRED, reason, day, now)
            events.append(event)
            after[recommendation_id] = _after(one, event)
        elif one.state.is_standing and not one.is_seen and day - one.last_seen_date >= EXPIRES_AFTER:
            reason = f"not found since {one.last_seen_date}; if it was carried out, say so with `done --date`"
            event = event_of(one, Happening.EXPIRED, reason, day, now)
            events.append(event)
            after[recommendation_id] = _after(one, event)
    return after, events


def _opening(candidate: Candidate, day: date, now: datetime) -> Event:
    return Event(
        event_id=f"{candidate.recommendation_id}-0001",
        recommendation_id=candidate.recommendation_id,
        event_number=1,
        event_name=Happening.OPENED,
        state=State.OPEN,
        reason="",
        person=None,
        facts_json=candidate.to_json(),
        event_date=day,
        occurred_at=now,
    )


def _chosen(known: Mapping[str, Recommendation], found: Mapping[str, Candidate], thresholds: Thresholds) -> set[str]:
    """Those worth telling: large enough, and of rivals the one that stands, or else the best."""
    rivals: dict[str, list[str]] = {}
    for recommendation_id, candidate in found.items():
        stands = recommendation_id in known and known[recommendation_id].state.is_standing
        if thresholds.is_worth(candidate, stands=stands):
            rivals.setdefault(candidate.rival_key or recommendation_id, []).append(recommendation_id)
    return {_best(known, found, ids) for ids in rivals.values()}


def _best(known: Mapping[str, Recommendation], found: Mapping[str, Candidate], ids: Sequence[str]) -> str:
    # What was rejected leaves its place to the next best; accepted goes before open.
    eligible = [each for each in ids if each not in known or known[each].state is not State.REJECTED] or list(ids)
    best = max(eligible, key=lambda each: (found[each].saving_usd, each))
    for state in (State.ACCEPTED, State.OPEN):
        for each in sorted(eligible):
            if (
                each in known
                and known[each].state is state
                and (state is State.ACCEPTED or found[each].saving_usd >= found[best].saving_usd * INCUMBENT_RATIO)
            ):
                return each
    return best


def _seen_again(
    one: Recommendation, candidate: Candidate, day: date, *, is_worth: bool
) -> tuple[Happening, str] | None:
    """What it means that something known is found again, or None."""
    before = one.decided_saving_usd if one.state is State.REJECTED else one.candidate.saving_usd
    if not is_worth:
        return None
    if one.state is State.EXPIRED:
        return Happening.REOPENED, "found again"
    if one.state is State.REJECTED:
        if before is not None and before > 0 and candidate.saving_usd >= before * REJECTED_COMES_BACK_AT:
            return Happening.REOPENED, f"its saving has grown to {candidate.saving_usd / before:.1f} times"
        if day - (one.decided_date or one.changed_date) >= REJECTED_COMES_BACK_AFTER:
            return Happening.REOPENED, f"it was rejected {(day - (one.decided_date or one.changed_date)).days} days ago"
        return None
    if one.state is State.DONE:
        done = one.done_date or one.changed_date
        if day - done >= STILL_THERE_AFTER:
            return Happening.REOPENED, f"it is still found {(day - done).days} days after it was done"
        return None
    if before is None or before == 0 or abs(candidate.saving_usd / before - 1) >= UPDATE_RATIO:
        return Happening.UPDATED, "its saving has changed"
    if day - one.last_seen_date >= NOTED_EVERY:
        return Happening.UPDATED, "still found"
    return None


def verified(one: Recommendation, found: Verification, day: date, now: datetime) -> Event | None:
    """The event of a check; None where it found the same as the last one."""
    if found == one.verification:
        return None
    event = event_of(one, Happening.VERIFIED, found.status, day, now)
    return replace(event, facts_json=found.to_json())


def standing(known: Mapping[str, Recommendation]) -> Iterator[Recommendation]:
    """Those still to be carried out."""
    return (one for one in known.values() if one.state.is_standing)
