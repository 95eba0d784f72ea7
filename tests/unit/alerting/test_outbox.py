"""The outbox: claimed before sent, in order, tried again with patience, given up in the open, rebuilt from its log."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from alerting.channels import Outcome, Verdict
from alerting.delivery import Drained, drain
from alerting.engine import Receiver, acknowledge, restore
from alerting.model import AlertKind, AlertState, Condition, EventName, Facts, Key, Severity, message_id_of
from alerting.outbox import FIRST_WAIT, GIVE_UP_AFTER, LONGEST_WAIT, MAX_CRASHES, MessageStatus, wait_before_retry
from alerting.store import Store
from ingestion.errors import TokenAtlasError
from tests.unit.alerting.worlds import KEY, NOW, Crash, Office, RecordingReceiver, seen


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    yield office
    office.store.close()


def sent(office: Office, receiver: RecordingReceiver, crash_at: str = "") -> Drained:
    def checkpoint(step: str) -> None:
        if step == crash_at:
            raise Crash

    return drain(office.outbox, receiver, office.path / "workers", office.clock, checkpoint=checkpoint)


def test_news_and_its_messages_are_one_transaction(office: Office) -> None:
    """What stops between the two leaves neither."""

    def broken(_facts: Facts, _severity: Severity) -> tuple[Receiver, ...]:
        return (Receiver("email", "a@acme.example"), Receiver(None, ""))  # type: ignore[arg-type]

    office.route = broken
    with pytest.raises(Exception, match="expected str"):
        office.assess(seen())
    assert office.store.open_alerts() == []
    assert office.store.is_empty()


def test_the_same_assessment_twice_tells_once(office: Office) -> None:
    """Also through another process."""
    assert office.assess(seen()).message_count == 1
    office.reopen()
    assert office.assess(seen()).message_count == 0
    receiver = RecordingReceiver()
    sent(office, receiver)
    sent(office, receiver)
    assert len(receiver.received) == 1


def test_an_older_assessment_changes_nothing(office: Office) -> None:
    """Of two processes the slower one must not undo what the other saw."""
    office.assess(seen())
    office.clock.move(hours=-1)
    applied = office.assess(seen(Condition.OVER))
    assert applied.is_outdated
    assert office.store.open_alerts() != []


def test_what_failed_is_due_again_and_has_the_same_key(office: Office) -> None:
    """Not before its time, and then with the same id."""
    office.assess(seen())
    receiver = RecordingReceiver(plan=[Verdict.FAILED])
    assert len(sent(office, receiver).failed) == 1
    assert sent(office, receiver).delivered == []
    office.clock.move(seconds=30)
    assert len(sent(office, receiver).delivered) == 1
    (alert,) = office.store.open_alerts()
    assert receiver.received == [message_id_of(alert.alert_id, 1, "email", "owner@acme.example")]
    assert [each.attempt_count for each in office.outbox.of_alert(alert.alert_id)] == [2]


def test_waiting_doubles_with_jitter_up_to_an_hour() -> None:
    """Between half of the time and all of it."""
    waits = [wait_before_retry(attempt, random.Random(attempt)) for attempt in range(1, 30)]  # noqa: S311 - jitter
    for attempt, wait in enumerate(waits, 1):
        longest = min(FIRST_WAIT * 2 ** min(attempt - 1, 10), LONGEST_WAIT)
        assert longest / 2 <= wait <= longest


def test_refused_is_dead_at_once_and_comes_back_on_request(office: Office) -> None:
    """A webhook that is gone: nothing is tried again until somebody has mended it."""
    office.assess(seen())
    receiver = RecordingReceiver(plan=[Verdict.REFUSED])
    assert len(sent(office, receiver).dead) == 1
    office.clock.move(days=30)
    assert sent(office, receiver).delivered == []
    assert [each.error for each in office.outbox.listed(MessageStatus.DEAD)] == ["planned: refused"]
    assert office.outbox.retry(office.clock()) == 1
    assert len(sent(office, receiver).delivered) == 1


def test_patience_ends_in_the_open(office: Office) -> None:
    """After three days without success the message is dead, not gone."""
    office.assess(seen())
    receiver = RecordingReceiver(plan=[Verdict.FAILED] * 1000)
    while not (drained := sent(office, receiver)).dead:
        assert office.clock.now - NOW <= GIVE_UP_AFTER + LONGEST_WAIT
        office.clock.move(hours=1)
    assert len(drained.dead) == 1
    assert office.clock.now - NOW >= GIVE_UP_AFTER
    events = [event.event_name for event in office.store.events_to_export() if event.message_id]
    # Eighty failures for the same reason are one line.
    assert events == [EventName.QUEUED, EventName.FAILED, EventName.DEAD]


def test_a_crash_before_the_attempt_is_no_attempt(office: Office) -> None:
    """It was claimed and nothing else: sent once, and known to be sent once."""
    office.assess(seen())
    receiver = RecordingReceiver()
    with pytest.raises(Crash):
        sent(office, receiver, crash_at="claimed")
    office.reopen()
    drained = sent(office, receiver)
    assert (drained.recovered, len(receiver.received)) == (1, 1)
    (alert,) = office.store.open_alerts()
    (message,) = office.outbox.of_alert(alert.alert_id)
    assert (message.attempt_count, message.may_have_arrived) == (1, False)


@pytest.mark.parametrize(("step", "copies"), [("started", 1), ("sent", 2)])
def test_a_crash_during_the_attempt_is_sent_again_with_the_same_key(office: Office, step: str, copies: int) -> None:
    """It cannot be known, so the receiver is given the means to know."""
    office.assess(seen())
    receiver = RecordingReceiver()
    with pytest.raises(Crash):
        sent(office, receiver, crash_at=step)
    office.reopen()
    sent(office, receiver)
    assert (len(receiver.received), len(receiver.kept)) == (copies, 1)
    (alert,) = office.store.open_alerts()
    assert [each.may_have_arrived for each in office.outbox.of_alert(alert.alert_id)] == [True]


def test_a_crash_after_it_was_settled_sends_nothing_again(office: Office) -> None:
    """Delivered is delivered."""
    office.assess(seen())
    receiver = RecordingReceiver()
    with pytest.raises(Crash):
        sent(office, receiver, crash_at="settled")
    office.reopen()
    sent(office, receiver)
    assert len(receiver.received) == 1


def test_a_message_that_kills_its_process_is_poison(office: Office) -> None:
    """After five deaths it is set aside, so that the others get through."""
    office.assess(seen(), seen(key=Key(AlertKind.DATA_LATE, "openai")))
    poison = office.outbox.listed(MessageStatus.PENDING)[0].message.message_id

    class Killer(RecordingReceiver):
        def send(self, message):  # type: ignore[no-untyped-def]
            if message.message_id == poison:
                raise Crash
            return super().send(message)

    receiver = Killer()
    for _ in range(MAX_CRASHES + 1):
        try:
            sent(office, receiver)
        except Crash:
            office.reopen()
    assert len(receiver.received) == 1
    assert [each.message.message_id for each in office.outbox.listed(MessageStatus.DEAD)] == [poison]


def test_a_living_worker_keeps_its_claim(office: Office) -> None:
    """Another process that drains meanwhile takes the other messages, and not this one."""
    office.assess(seen(), seen(key=Key(AlertKind.DATA_LATE, "openai")))
    other = Office(office.path, office.clock)

    class Nested(RecordingReceiver):
        def send(self, message):  # type: ignore[no-untyped-def]
            if not self.received:
                self.received.append("busy")
                assert len(sent(other, self).delivered) == 1
            return super().send(message)

    receiver = Nested()
    drained = sent(office, receiver)
    other.store.close()
    assert (len(drained.delivered), drained.recovered) == (1, 0)
    assert len(receiver.received) == len(set(receiver.received)) == 3


def test_news_of_one_alert_arrive_in_their_order(office: Office) -> None:
    """That it is resolved must not be heard before that it was raised."""
    office.assess(seen(key=Key(AlertKind.BUDGET_BREACHED, "org", "2026-11-01")))
    sent(office, RecordingReceiver(plan=[Verdict.FAILED]))
    office.clock.move(seconds=1)
    office.assess(seen(Condition.CLEAR, key=Key(AlertKind.BUDGET_BREACHED, "org", "2026-11-01")))
    receiver = RecordingReceiver()
    assert sent(office, receiver).delivered == []
    office.clock.move(minutes=1)
    subjects = sent(office, receiver).delivered
    assert [subject.startswith("email: [TokenAtlas] Resolved") for subject in subjects] == [False, True]


def test_a_channel_that_is_down_does_not_hold_up_the_others(office: Office) -> None:
    """One attempt for each channel that fails, then the rest of the pass is for the others."""
    office.route = lambda facts, severity: (Receiver("down"), Receiver("up"))
    office.assess(seen(), seen(key=Key(AlertKind.DATA_LATE, "openai")))

    class Half(RecordingReceiver):
        attempts = 0

        def send(self, message):  # type: ignore[no-untyped-def]
            if message.channel == "down":
                self.attempts += 1
                return Outcome(Verdict.FAILED, "down")
            return super().send(message)

    receiver = Half()
    drained = sent(office, receiver)
    assert (len(drained.delivered), receiver.attempts) == (2, 1)


def test_who_was_told_hears_the_end(office: Office) -> None:
    """Also when the budget has another channel by then."""
    office.assess(seen(key=Key(AlertKind.BUDGET_BREACHED, "org", "2026-11-01")))
    office.route = lambda facts, severity: ()
    office.clock.move(hours=1)
    applied = office.assess(seen(Condition.CLEAR, key=Key(AlertKind.BUDGET_BREACHED, "org", "2026-11-01")))
    assert [event.event_name for event in applied.events] == [EventName.RESOLVED]
    assert {each.message.recipient for each in office.outbox.listed(MessageStatus.PENDING)} == {"owner@acme.example"}
    assert len(office.outbox.listed(MessageStatus.PENDING)) == 2


def test_what_is_no_longer_seen_is_what_the_assessment_says(office: Office) -> None:
    """Over closes it, unknown makes it wait, and a kind that was not looked at stays as it is."""
    office.assess(seen())
    for absent, state in ((None, AlertState.RAISED), (Condition.UNKNOWN, AlertState.NO_DATA)):
        office.assess(absent=absent)
        assert [alert.state for alert in office.store.open_alerts()] == [state]
    office.assess(absent=Condition.OVER)
    assert office.store.open_alerts() == []


def test_acknowledging_takes_the_one_that_is_meant(office: Office) -> None:
    """By the beginning of its id; none and several are refused."""
    office.assess(seen(), seen(key=Key(AlertKind.DATA_LATE, "openai")))
    one, _ = office.store.open_alerts()
    assert acknowledge(office.store, one.alert_id[:6], "ada", NOW).acknowledged_by == "ada"
    for prefix in ("", "zzz"):
        with pytest.raises(TokenAtlasError, match="No open alert"):
            acknowledge(office.store, prefix, "ada", NOW)


def test_a_lost_store_is_rebuilt_from_its_log(office: Office, tmp_path: Path) -> None:
    """Alerts stand as they did, what was delivered is not sent again, and what was not is."""
    office.assess(
        seen(), seen(key=Key(AlertKind.DATA_LATE, "openai")), seen(key=Key(AlertKind.BUDGET_BREACHED, "b", "p"))
    )
    receiver = RecordingReceiver(plan=[Verdict.DELIVERED, Verdict.DELIVERED, Verdict.FAILED])
    sent(office, receiver)
    office.clock.move(hours=1)
    acknowledge(office.store, office.store.open_alerts()[0].alert_id, "ada", office.clock())
    office.assess(absent=Condition.UNKNOWN)
    log = office.store.events_to_export()
    rebuilt = Office(tmp_path / "elsewhere", office.clock)
    assert restore(rebuilt.store, rebuilt.outbox, [*log, *log]) == 3
    assert rebuilt.store.open_alerts() == office.store.open_alerts()
    assert restore(rebuilt.store, rebuilt.outbox, log) == 0
    assert rebuilt.assess(absent=Condition.UNKNOWN).events == ()
    drained = sent(rebuilt, receiver)
    assert len(drained.delivered) == 1
    assert len(receiver.received) == len(receiver.kept) == 3
    texts = {each.message.message_id: each.message for each in rebuilt.outbox.listed(*MessageStatus)}
    assert texts == {each.message.message_id: each.message for each in office.outbox.listed(*MessageStatus)}
    rebuilt.store.close()


def test_events_are_exported_once(office: Office) -> None:
    """What is marked is not offered again."""
    office.assess(seen())
    events = office.store.events_to_export()
    office.store.mark_exported(events)
    assert (len(events), office.store.events_to_export()) == (2, [])


def test_two_stores_of_one_home_wait_for_each_other(office: Office) -> None:
    """A second writer is not refused, and sees what the first wrote."""
    with Store(office.path / "alerts.sqlite") as other:
        office.assess(seen())
        assert [alert.key for alert in other.open_alerts()] == [KEY]


def test_many_may_open_a_new_store_at_once(tmp_path: Path) -> None:
    """Whoever is first makes it; nobody is turned away because another one is just doing so."""

    def opened(path: Path) -> str | None:
        with Store(path) as store, store.writing():
            store.set_note("opened", "yes")
            return store.note("opened")

    with ThreadPoolExecutor(8) as pool:
        for number in range(10):
            path = tmp_path / str(number) / "alerts.sqlite"
            assert list(pool.map(opened, [path] * 8)) == ["yes"] * 8


def test_no_time_means_no_new_message(office: Office) -> None:
    """A sensor's tick ends in time; what is left is for the next."""
    office.assess(seen())
    drained = drain(office.outbox, RecordingReceiver(), office.path / "workers", office.clock, seconds=0)
    assert drained.delivered == []
    assert timedelta(0) == office.clock.now - NOW
