"""The messages of the store: queued in the transaction of their news, claimed before they are sent, never forgotten."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from alerting.channels import Message, Outcome, Verdict
from alerting.events import Event
from alerting.model import EventName, Severity, message_id_of
from alerting.store import Store, as_instant, as_text
from alerting.templates import Rendered

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(hours=72)
"""A weekend without a mail server, and a Monday morning to mend it."""
MAX_CRASHES = 5
"""A message during whose sending the process died this often is the cause."""


class MessageStatus(StrEnum):
    PENDING = "pending"
    CLAIMED = "claimed"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True)
class Queued:
    """A message and where it stands.

    Attributes:
        may_have_arrived: An attempt ended without an answer: the receiver may see the same key again.
    """

    message: Message
    status: MessageStatus
    attempt_count: int
    queued_at: datetime
    due_at: datetime
    delivered_at: datetime | None
    error: str | None
    may_have_arrived: bool


def wait_before_retry(attempt_count: int, chance: random.Random) -> timedelta:
    """Twice as long after each attempt, with jitter so that many homes do not knock at once."""
    longest = min(FIRST_WAIT * float(2 ** min(attempt_count - 1, 20)), LONGEST_WAIT)
    return longest * chance.uniform(0.5, 1)


class Outbox:
    """The queue of one store.

    Args:
        chance: Where jitter comes from.
    """

    def __init__(self, store: Store, chance: random.Random) -> None:
        self._store = store
        self._chance = chance

    # ------------------------------------------------------------ within the transaction of the news

    def enqueue(self, event: Event, channel: str, recipient: str, rendered: Rendered, now: datetime) -> str:
        """Queues what tells one receiver of an event. To be called within ``store.writing``; the same twice is once."""
        message_id = message_id_of(event.alert_id, event.event_number, channel, recipient)
        self._store.rows(
            """
            insert or ignore into messages (
                message_id, alert_id, event_number, event_name, severity, severity_rank, channel, recipient,
                subject, body, html, status, queued_at, due_at, give_up_at
            ) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?)
            """,
            *(message_id, event.alert_id, event.event_number, event.event_name, event.severity),
            *(Severity(event.severity).rank, channel, recipient, rendered.subject, rendered.text, rendered.html),
            *(as_text(now), as_text(now), as_text(now + GIVE_UP_AFTER)),
        )
        self._log(message_id, EventName.QUEUED, now)
        return message_id

    def told_of(self, alert_id: str) -> list[tuple[str, str]]:
        """Channel and recipient of everybody who was told of an alert."""
        rows = self._store.rows(
            "select distinct channel, recipient from messages where alert_id = ? order by 1, 2", alert_id
        )
        return [(row["channel"], row["recipient"]) for row in rows]

    # ------------------------------------------------------------ sending

    def claim(self, worker: str, now: datetime, skipped_channels: Collection[str] = ()) -> Message | None:
        """Takes the gravest message that is due, so that nobody else sends it. None: there is none.

        News about one alert reach one receiver in their order: a later message waits for the earlier ones.
        """
        with self._store.writing():
            rows = self._store.rows(
                """
                update messages set status = 'claimed', claimed_by = ?, started_at = null
                where message_id = (
                    select message_id from messages as candidate
                    where
                        status = 'pending' and due_at <= ?
                        and channel not in (select value from json_each(?))
                        and not exists (
                            select 1 from messages as earlier
                            where
                                earlier.alert_id = candidate.alert_id and earlier.channel = candidate.channel
                                and earlier.recipient = candidate.recipient
                                and earlier.event_number < candidate.event_number
                                and earlier.status in ('pending', 'claimed')
                        )
                    order by severity_rank desc, queued_at, message_id limit 1
                )
                returning *
                """,
                *(worker, as_text(now), json.dumps(sorted(skipped_channels))),
            )
        return _message(rows[0]) if rows else None

    def mark_started(self, message_id: str, worker: str, now: datetime) -> None:
        """From here on it may arrive: a crash before it is settled leaves that open. Counts as an attempt."""
        with self._store.writing():
            self._store.rows(
                "update messages set started_at = ?, attempt_count = attempt_count + 1 "
                "where message_id = ? and claimed_by = ?",
                *(as_text(now), message_id, worker),
            )

    def settle(self, message_id: str, worker: str, outcome: Outcome, now: datetime) -> MessageStatus:
        """Writes down how an attempt ended. What did not arrive is due again later, or dead if that is of no use."""
        with self._store.writing():
            (row,) = self._store.rows(
                "select * from messages where message_id = ? and claimed_by = ?", message_id, worker
            )
            if outcome.verdict is Verdict.DELIVERED:
                status, name = MessageStatus.DELIVERED, EventName.DELIVERED
            elif outcome.verdict is Verdict.REFUSED or now >= as_instant(row["give_up_at"]):
                status, name = MessageStatus.DEAD, EventName.DEAD
            else:
                status, name = MessageStatus.PENDING, EventName.FAILED
            self._release(row, status, outcome.error, now, may_have_arrived=outcome.verdict is Verdict.UNKNOWN)
            # One line for each new reason, not for each of eighty attempts.
            if name is not EventName.FAILED or row["error"] != outcome.error:
                self._log(message_id, name, now)
        return status

    def recover(self, dead_workers: Collection[str], now: datetime) -> int:
        """Frees what dead workers had claimed. Before the attempt began it cannot have arrived; after that it may."""
        with self._store.writing():
            rows = self._store.rows(
                "select * from messages where status = 'claimed' and claimed_by in (select value from json_each(?))",
                json.dumps(sorted(dead_workers)),
            )
            for row in rows:
                self._recover_one(row, now)
        return len(rows)

    def _recover_one(self, row: sqlite3.Row, now: datetime) -> None:
        if row["started_at"] is None:
            self._release(row, MessageStatus.PENDING, row["error"], now, is_due_now=True)
            return
        self._store.rows("update messages set crash_count = crash_count + 1 where message_id = ?", row["message_id"])
        is_poison = row["crash_count"] + 1 >= MAX_CRASHES
        status = MessageStatus.DEAD if is_poison else MessageStatus.PENDING
        error = "the process ended while it was being sent"
        self._release(row, status, error, now, may_have_arrived=True, is_due_now=True)
        self._log(row["message_id"], EventName.DEAD if is_poison else EventName.FAILED, now)

    def _release(
        self,
        row: sqlite3.Row,
        status: MessageStatus,
        error: str | None,
        now: datetime,
        *,
        may_have_arrived: bool = False,
        is_due_now: bool = False,
    ) -> None:
        wait = timedelta(0) if is_due_now else wait_before_retry(max(row["attempt_count"], 1), self._chance)
        self._store.rows(
            """
            update messages
            set
                status = ?, claimed_by = null, started_at = null, error = ?, due_at = ?,
                delivered_at = case when ? = 'delivered' then ? end, may_have_arrived = may_have_arrived or ?
            where message_id = ?
            """,
            *(status, error, as_text(now + wait), status, as_text(now), may_have_arrived, row["message_id"]),
        )

    # ------------------------------------------------------------ upkeep

    def workers(self) -> list[str]:
        """Workers that have claimed something."""
        rows = self._store.rows("select distinct claimed_by from messages where status = 'claimed'")
        return [row["claimed_by"] for row in rows]

    def retry(self, now: datetime) -> int:
        """Makes every dead or waiting message due now, with its whole patience again; the number of them."""
        with self._store.writing():
            rows = self._store.rows(
                "update messages set status = 'pending', due_at = ?, give_up_at = ?, crash_count = 0 "
                "where status in ('pending', 'dead') returning message_id",
                *(as_text(now), as_text(now + GIVE_UP_AFTER)),
            )
            for row in rows:
                self._log(row["message_id"], EventName.REQUEUED, now)
        return len(rows)

    def listed(self, *statuses: MessageStatus) -> list[Queued]:
        """Messages of the given states, the oldest first."""
        rows = self._store.rows(
            "select * from messages where status in (select value from json_each(?)) order by queued_at, message_id",
            json.dumps(statuses),
        )
        return [_queued(row) for row in rows]

    def of_alert(self, alert_id: str) -> list[Queued]:
        """Everything that was sent, or is to be, about an alert, the oldest first."""
        rows = self._store.rows("select * from messages where alert_id = ? order by queued_at, message_id", alert_id)
        return [_queued(row) for row in rows]

    def restore(self, transition: Event, queued: Event, last: Event, rendered: Rendered, event_count: int) -> None:
        """Puts a message back that the log of events tells of, for a store that is being rebuilt.

        One that had not arrived as far as the log knows is due again: it may have arrived since.

        Args:
            queued: The event that queued it.
            last: The last thing that is known of it.
            event_count: How many events of it there are.
        """
        known = {EventName.DELIVERED: MessageStatus.DELIVERED, EventName.DEAD: MessageStatus.DEAD}
        status = known.get(EventName(last.event_name), MessageStatus.PENDING)
        self._store.rows(
            """
            insert or ignore into messages (
                message_id, alert_id, event_number, event_name, severity, severity_rank, channel, recipient, subject,
                body, html, status, attempt_count, event_count, queued_at, due_at, give_up_at, delivered_at, error,
                may_have_arrived
            ) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            *(queued.message_id, queued.alert_id, queued.event_number, transition.event_name, queued.severity),
            *(Severity(queued.severity).rank, queued.channel, queued.recipient),
            *(rendered.subject, rendered.text, rendered.html, status, last.attempt_count or 0, event_count),
            *(as_text(queued.occurred_at), as_text(queued.occurred_at), as_text(last.occurred_at + GIVE_UP_AFTER)),
            *(as_text(last.occurred_at) if status is MessageStatus.DELIVERED else None, last.error),
            int(status is MessageStatus.PENDING),
        )

    def _log(self, message_id: str, name: EventName, now: datetime) -> None:
        (row,) = self._store.rows(
            "update messages set event_count = event_count + 1 where message_id = ? returning *", message_id
        )
        (transition,) = [
            event
            for event in self._store.events_of(row["alert_id"])
            if event.event_number == row["event_number"] and event.message_id is None
        ]
        self._store.add_event(
            replace(
                transition,
                event_id=f"{message_id}-{row['event_count']:02d}",
                event_name=name,
                reason="",
                summary=row["subject"],
                person=None,
                message_id=message_id,
                channel=row["channel"],
                recipient=row["recipient"],
                attempt_count=row["attempt_count"],
                error=row["error"],
                occurred_at=now,
            )
        )


def _message(row: sqlite3.Row) -> Message:
    return Message(
        message_id=row["message_id"],
        alert_id=row["alert_id"],
        event_name=EventName(row["event_name"]),
        severity=Severity(row["severity"]),
        channel=row["channel"],
        recipient=row["recipient"],
        subject=row["subject"],
        text=row["body"],
        html=row["html"],
    )


def _queued(row: sqlite3.Row) -> Queued:
    return Queued(
        message=_message(row),
        status=MessageStatus(row["status"]),
        attempt_count=row["attempt_count"],
        queued_at=as_instant(row["queued_at"]),
        due_at=as_instant(row["due_at"]),
        delivered_at=as_instant(row["delivered_at"]) if row["delivered_at"] else None,
        error=row["error"],
        may_have_arrived=bool(row["may_have_arrived"]),
    )
