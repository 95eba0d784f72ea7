"""How recommendations move: opened, kept, decided on, forgotten, and found again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.config.recommendation_rules import KINDS
from ingestion.errors import TokenAtlasError
from ingestion.records import RecommendationEvent
from optimization.recommendations.model import Candidate, Confidence, Event, Happening, Recommendation, State
from optimization.recommendations.state import Rules, Thresholds, advance, decide, find, replay, thresholds_of
from optimization.recommendations.words import WASTE

DAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
TEN = Thresholds(Decimal(10))


def candidate(saving: float = 20, *, feature: str = "ask", target: str = "small", rivals: str = "") -> Candidate:
    amount = Decimal(str(saving))
    return Candidate(
        kind="model_swap",
        team="search",
        feature=feature,
        environment=None,
        provider_name="openai",
        model_id="large",
        target=target,
        title=f"Move {feature} to {target}",
        evidence="It is cheaper.",
        evidence_table="finops.mart_model_swaps",
        how_to="Change the model.",
        confidence=Confidence.HIGH,
        saving_usd=amount,
        saving_lower_usd=amount / 2,
        saving_upper_usd=amount * 2,
        rival_key=rivals,
        parameters={"token_ratio": "1"},
    )


def run(
    log: list[Event], candidates: list[Candidate], day: date = DAY, thresholds: Thresholds = TEN
) -> dict[str, Recommendation]:
    """One run on a log of events, which it extends."""
    after, events = advance(replay(log), candidates, thresholds, day, NOW)
    log += events
    return after


def person(
    log: list[Event], name: Happening, prefix: str = "model", *, day: date | None = None, at: date = DAY
) -> None:
    now = datetime(at.year, at.month, at.day, 12, tzinfo=UTC)
    event = decide(replay(log), prefix, name, person="ann", reason="because", now=now, day=day)
    assert event is not None
    log.append(event)


def names(log: list[Event]) -> list[str]:
    return [event.event_name for event in log]


def only(known: dict[str, Recommendation]) -> Recommendation:
    (one,) = known.values()
    return one


def test_the_id_does_not_depend_on_numbers_or_words() -> None:
    """Tomorrow's numbers are about the same recommendation; another target is another one."""
    assert candidate(20).recommendation_id == replace(candidate(99), title="Otherwise").recommendation_id
    assert candidate(target="small").recommendation_id != candidate(target="tiny").recommendation_id


def test_the_event_is_what_is_landed() -> None:
    """The package does not import the landing contract, so its event must not drift from the record."""
    assert list(Event.__dataclass_fields__) == list(RecommendationEvent.__dataclass_fields__)


def test_kinds_of_the_configuration_are_those_that_are_recommended() -> None:
    """A kind of waste that cannot be turned off by name would be a gap."""
    assert set(WASTE) <= set(KINDS)


def test_a_second_run_on_the_same_day_says_nothing_new() -> None:
    """A run that was killed after its events were landed can be run again."""
    log: list[Event] = []
    first = run(log, [candidate()])
    assert names(log) == ["opened"]
    assert run(log, [candidate()]) == first
    assert names(log) == ["opened"]


def test_it_does_not_flicker_around_the_threshold() -> None:
    """Opened from 10 on, kept down to 7, so that 9, 11, 9 is one recommendation."""
    log: list[Event] = []
    assert run(log, [candidate(9)]) == {}
    for day, saving in enumerate((11, 9, 10, 9)):
        assert only(run(log, [candidate(saving)], DAY + timedelta(days=day))).is_seen
    assert names(log) == ["opened"]
    assert not only(run(log, [candidate(6)], DAY + timedelta(days=9))).is_seen


def test_a_saving_that_moved_by_a_quarter_is_an_event() -> None:
    """Smaller moves are in the numbers of the run, not in the log."""
    log: list[Event] = []
    run(log, [candidate(20)])
    assert only(run(log, [candidate(24)])).candidate.saving_usd == 24
    assert names(log) == ["opened"]
    run(log, [candidate(25)])
    assert names(log) == ["opened", "updated"]


def test_what_is_not_found_for_four_weeks_expires_and_comes_back() -> None:
    """Its evidence went; when it returns, it is the same recommendation."""
    log: list[Event] = []
    run(log, [candidate()])
    assert only(run(log, [], DAY + timedelta(days=27))).state is State.OPEN
    expired = only(run(log, [], DAY + timedelta(days=28)))
    assert expired.state is State.EXPIRED
    assert str(DAY) in expired.reason
    assert only(run(log, [candidate()], DAY + timedelta(days=40))).state is State.OPEN
    assert names(log) == ["opened", "expired", "reopened"]


def test_being_found_again_puts_the_end_off_also_without_an_event() -> None:
    """The log says once a week that it is still found: a few days without it do not end what was found for months."""
    log: list[Event] = []
    for day in range(60):
        assert only(run(log, [candidate()], DAY + timedelta(days=day))).state is State.OPEN
    assert names(log) == ["opened", *["updated"] * 8]
    assert only(run(log, [], DAY + timedelta(days=80))).state is State.OPEN


@pytest.mark.parametrize(
    ("days", "saving", "comes_back"), [(10, 29, False), (10, 30, True), (179, 20, False), (180, 20, True)]
)
def test_what_was_rejected_comes_back_only_for_a_reason(days: int, saving: float, *, comes_back: bool) -> None:
    """When its saving has grown by half, or half a year later; not because a run has found it again."""
    log: list[Event] = []
    run(log, [candidate(20)])
    person(log, Happening.REJECTED)
    one = only(run(log, [candidate(saving)], DAY + timedelta(days=days)))
    assert (one.state is State.OPEN) is comes_back
    assert (one.state is State.REJECTED) is not comes_back


def test_a_change_that_was_done_stays_done_while_old_days_are_looked_at() -> None:
    """For a while marts still see the days before it; after that it was not done wholly."""
    log: list[Event] = []
    run(log, [candidate()])
    person(log, Happening.DONE, day=DAY)
    assert only(run(log, [candidate()], DAY + timedelta(days=60))).state is State.DONE
    one = only(run(log, [candidate()], DAY + timedelta(days=120)))
    assert one.state is State.OPEN
    assert one.done_date is None


def test_of_rivals_the_one_that_stands_is_kept_until_another_is_clearly_better() -> None:
    """Two models for the same traffic are one decision: a lead of a fifth does not change the advice."""
    log: list[Event] = []
    small, tiny = (candidate(20, target=name, rivals="ask") for name in ("small", "tiny"))
    run(log, [small])
    run(log, [small, replace(tiny, saving_usd=Decimal(24))])
    assert names(log) == ["opened"]
    better = replace(tiny, saving_usd=Decimal(26))
    known = run(log, [small, better])
    # Both at once would tell people to move the same traffic to two places.
    assert {one.candidate.target: one.state for one in known.values()} == {"small": "expired", "tiny": "open"}
    assert better.recommendation_id in known[small.recommendation_id].reason
    assert run(log, [small, better]) == known
    assert names(log) == ["opened", "opened", "expired"]


def test_idle_capacity_gives_way_to_the_commitment_that_it_is_part_of() -> None:
    """What a commitment will lose to its end includes what it has lost so far: side by side it would count twice."""
    log: list[Event] = []
    idle = replace(candidate(30), kind="idle_capacity")
    promise = replace(candidate(50), kind="idle_commitment", target="promise")
    run(log, [idle])
    known = run(log, [promise])
    assert {one.candidate.kind: one.state for one in known.values()} == {
        "idle_capacity": "expired",
        "idle_commitment": "open",
    }


def test_a_rival_that_a_person_took_up_again_stays_beside_the_better_one() -> None:
    """A run does not take back what somebody decided."""
    log: list[Event] = []
    small, tiny = candidate(20, target="small", rivals="ask"), candidate(40, target="tiny", rivals="ask")
    run(log, [small])
    run(log, [small, tiny])
    person(log, Happening.REOPENED, small.recommendation_id)
    assert {one.state for one in run(log, [small, tiny]).values()} == {State.OPEN}


def test_a_rejected_rival_leaves_its_place_to_the_next_best() -> None:
    """Who does not want the best may want the second."""
    log: list[Event] = []
    best, second = candidate(20, target="small", rivals="ask"), candidate(15, target="tiny", rivals="ask")
    run(log, [best, second])
    person(log, Happening.REJECTED, best.recommendation_id)
    known = run(log, [best, second])
    assert {one.candidate.target: one.state for one in known.values()} == {"small": "rejected", "tiny": "open"}


def test_an_accepted_rival_is_kept_whatever_is_found() -> None:
    """Somebody is at work on it."""
    log: list[Event] = []
    first, better = candidate(20, target="small", rivals="ask"), candidate(90, target="tiny", rivals="ask")
    run(log, [first])
    person(log, Happening.ACCEPTED)
    assert len(run(log, [first, better])) == 1


def test_thresholds_follow_spend_and_the_configuration() -> None:
    """Half a per cent of spend, a dollar at least; a kind may have its own, or be off."""
    rules = Rules({"model_swap": Decimal(5), "": Decimal(30)}, frozenset({"cache_write"}))
    assert thresholds_of(Decimal(10_000), Rules()).opens_at("model_swap") == 50
    assert thresholds_of(Decimal(10), Rules()).opens_at("model_swap") == 1
    assert thresholds_of(Decimal(10_000), rules).opens_at("model_swap") == 5
    assert thresholds_of(Decimal(10_000), rules).opens_at("batch_eligible") == 30
    off = replace(candidate(99), kind="cache_write")
    assert not thresholds_of(Decimal(10), rules).is_worth(off, stands=True)


# ---------------------------------------------------------------- people


def test_a_decision_twice_is_once() -> None:
    """Nothing is written for what stands so already; another day of a change is news."""
    log: list[Event] = []
    run(log, [candidate()])
    person(log, Happening.DONE, day=DAY)
    known = replay(log)
    assert decide(known, "model", Happening.DONE, person="bob", reason="", now=NOW) is None
    moved = decide(known, "model", Happening.DONE, person="bob", reason="", now=NOW, day=DAY - timedelta(days=3))
    assert moved is not None
    assert moved.event_date == DAY - timedelta(days=3)


@pytest.mark.parametrize(
    ("first", "then", "says"),
    [
        (Happening.REJECTED, Happening.ACCEPTED, "What is rejected cannot become accepted"),
        (Happening.REJECTED, Happening.DONE, "What is rejected cannot become done"),
        (Happening.DONE, Happening.REJECTED, "What is done cannot become rejected"),
        (Happening.DONE, Happening.ACCEPTED, "What is done cannot become accepted"),
    ],
)
def test_a_forbidden_step_says_what_is_allowed(first: Happening, then: Happening, says: str) -> None:
    """And what is allowed from there."""
    log: list[Event] = []
    run(log, [candidate()])
    person(log, first)
    with pytest.raises(TokenAtlasError, match=says) as raised:
        decide(replay(log), "model", then, person="bob", reason="so", now=NOW)
    assert "reopened" in raised.value.mend


def test_bad_decisions_say_what_and_how_to_mend() -> None:
    """An id that nobody has, one that two have, a rejection without a reason, and a day to come."""
    log: list[Event] = []
    run(log, [candidate(), candidate(feature="find")])
    known = replay(log)
    with pytest.raises(TokenAtlasError, match="No recommendation begins with 'nope'"):
        find(known, "nope")
    with pytest.raises(TokenAtlasError, match="2 recommendations begin with 'model-swap'"):
        find(known, "model-swap")
    one = next(iter(known))
    with pytest.raises(TokenAtlasError, match="A rejection needs a reason"):
        decide(known, one, Happening.REJECTED, person="ann", reason=" ", now=NOW)
    with pytest.raises(TokenAtlasError, match="2027-01-01 has not come"):
        decide(known, one, Happening.DONE, person="ann", reason="", now=NOW, day=date(2027, 1, 1))


def test_of_two_next_events_the_first_counts() -> None:
    """Two machines on one lake may both have been the next writer: the log is read the same way by all."""
    log: list[Event] = []
    run(log, [candidate()])
    known = replay(log)
    accepted = decide(known, "model", Happening.ACCEPTED, person="ann", reason="", now=NOW)
    rejected = decide(known, "model", Happening.REJECTED, person="bob", reason="no", now=NOW)
    assert accepted is not None
    assert rejected is not None
    assert accepted.event_id == rejected.event_id
    assert only(replay([*log, accepted, rejected])).state is State.ACCEPTED


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["run", "accepted", "rejected", "done", "reopened"]), st.integers(0, 60), st.integers(0, 60)
    ),
    max_size=25,
)
"""What happens, after how many days, and of a run what it finds."""


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_the_log_alone_tells_where_everything_stands(steps: list[tuple[str, int, int]]) -> None:
    """After any course of runs and people, replaying the log gives the states and days that the last step left."""
    log: list[Event] = []
    day = DAY
    for name, days, saving in steps:
        day += timedelta(days=days)
        if name == "run":
            after = run(log, [candidate(saving)] if saving else [], day)
            again = replay(log)
            assert {key: (one.state, one.done_date) for key, one in after.items()} == {
                key: (one.state, one.done_date) for key, one in again.items()
            }
            continue
        try:
            person(log, Happening(name), at=day, day=day if name == "done" else None)
        except (TokenAtlasError, AssertionError):
            continue
    numbers = [event.event_number for event in log]
    assert numbers == list(range(1, len(log) + 1))
