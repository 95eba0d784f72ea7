"""Whatever happens in whatever order, each news reaches its receiver exactly once, and none is lost."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.channels import Verdict
from alerting.delivery import drain
from alerting.engine import acknowledge
from alerting.model import TRANSITIONS, AlertKind, AlertState, Condition, EventName, Key, Severity
from alerting.outbox import MessageStatus
from tests.unit.alerting.worlds import Crash, Office, RecordingReceiver, seen

KEYS = [
    Key(AlertKind.BREACH_EXPECTED, "org", "2026-11-01"),
    Key(AlertKind.BUDGET_BREACHED, "org", "2026-11-01"),
    Key(AlertKind.SPEND_ANOMALY, "total"),
]

observations = st.builds(
    lambda condition, key, severity, rank, is_muted: seen(
        condition, key=key, severity=severity, rank=rank, is_muted=is_muted
    ),
    st.sampled_from(Condition),
    st.sampled_from(KEYS),
    st.sampled_from(Severity),
    st.integers(0, 3),
    st.booleans(),
)
assessments = st.tuples(
    st.just("assess"),
    st.lists(observations, max_size=3, unique_by=lambda each: each.key),
    st.sampled_from([None, *Condition]),
)
passes = st.tuples(
    st.just("drain"),
    st.lists(st.sampled_from(Verdict), max_size=4),
    st.sampled_from(["", "claimed", "started", "sent", "settled"]),
    st.integers(0, 3),
)
acknowledgements = st.tuples(st.just("ack"), st.integers(0, 2))
moves = st.tuples(st.just("wait"), st.sampled_from([1, 60, 3600, 86_400, 8 * 86_400]))
histories = st.lists(st.one_of(assessments, passes, acknowledgements, moves), max_size=14)


class Life:
    """One home that lives through a history."""

    def __init__(self, folder: Path) -> None:
        self.office = Office(folder)
        self.receiver = RecordingReceiver()

    def live(self, history: Iterable[tuple[object, ...]]) -> None:
        for name, *what in history:
            getattr(self, f"_{name}")(*what)

    def _assess(self, observed: list[object], absent: Condition | None) -> None:
        self.office.assess(*observed, absent=absent)  # type: ignore[arg-type]

    def _wait(self, seconds: int) -> None:
        self.office.clock.move(seconds=seconds)

    def _ack(self, position: int) -> None:
        standing = self.office.store.open_alerts()
        if position < len(standing):
            acknowledge(self.office.store, standing[position].alert_id, "ada", self.office.clock())

    def _drain(self, plan: list[Verdict], crash_at: str, crash_after: int) -> None:
        self.receiver.plan = list(plan)
        passed = 0

        def checkpoint(step: str) -> None:
            nonlocal passed
            passed += step == crash_at
            if step == crash_at and passed > crash_after:
                self.receiver.doubts += step == "sent"
                raise Crash

        office = self.office
        try:
            drain(office.outbox, self.receiver, office.path / "workers", office.clock, checkpoint=checkpoint)
        except Crash:
            office.reopen()

    def end_well(self) -> None:
        """From here on nothing fails: everything that was ever queued arrives."""
        self.receiver.plan = []
        self.office.outbox.retry(self.office.clock())
        for _ in range(100):
            drain(self.office.outbox, self.receiver, self.office.path / "workers", self.office.clock)
            if not self.office.outbox.listed(MessageStatus.PENDING, MessageStatus.CLAIMED, MessageStatus.DEAD):
                return
            self.office.outbox.retry(self.office.clock())
        raise AssertionError("the outbox never becomes empty")


@settings(max_examples=120, deadline=None)
@given(histories)
def test_each_news_arrives_once_and_none_is_lost(history: list[tuple[object, ...]]) -> None:
    """A receiver that drops repeats by key keeps exactly what was queued, and repeats come of doubt alone."""
    with tempfile.TemporaryDirectory() as folder:
        life = Life(Path(folder))
        life.live(history)
        life.end_well()
        store, outbox = life.office.store, life.office.outbox
        messages = outbox.listed(*MessageStatus)
        assert sorted(life.receiver.kept) == sorted(each.message.message_id for each in messages)
        assert len(life.receiver.received) - len(life.receiver.kept) <= life.receiver.doubts
        events = store.events_to_export()
        queued = [event.message_id for event in events if event.event_name == EventName.QUEUED]
        assert sorted(queued) == sorted(life.receiver.kept)
        store.close()


@settings(max_examples=120, deadline=None)
@given(histories)
def test_every_transition_is_an_event_and_one_key_has_one_open_alert(history: list[tuple[object, ...]]) -> None:
    """The log tells the whole story: numbered without gaps, ending in the state of the alert."""
    with tempfile.TemporaryDirectory() as folder:
        life = Life(Path(folder))
        life.live(history)
        store = life.office.store
        standing = store.open_alerts()
        assert len({alert.key for alert in standing}) == len(standing)
        for alert in store.alerts_like(""):
            events = [event for event in store.events_of(alert.alert_id) if event.event_name in TRANSITIONS]
            assert [event.event_number for event in events] == list(range(1, alert.event_count + 1))
            assert events[0].event_name == EventName.RAISED
            assert events[-1].alert_state == alert.state
            resolved = [event for event in events if event.alert_state == AlertState.RESOLVED]
            assert resolved in ([], [events[-1]])
            for event in resolved:
                before = events[-2]
                # Having no data is never what resolves.
                assert event.reason
                assert before.alert_state != AlertState.RESOLVED
        store.close()
