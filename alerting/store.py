"""The working copy of all alerts, their events and their messages: one SQLite file, so that one transaction holds a
transition together with the messages that tell of it. ADR 15 says why, and how it is rebuilt from the lake."""

from __future__ import annotations

import dataclasses
import fcntl
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from alerting.events import Event
from alerting.model import Alert, AlertKind, AlertState, Facts, Key, Severity

_BUSY_SECONDS = 30

_SCHEMA = """
create table if not exists alerts (
    alert_id text primary key, kind text not null, subject text not null, period text not null,
    episode integer not null, state text not null, state_before text, severity text not null, rank text not null,
    facts_json text not null, raised_at text not null, changed_at text not null, notified_at text,
    notified_severity text, notified_rank text, clear_since text, acknowledged_by text, event_count integer not null,
    unique (kind, subject, period, episode)
) strict;
create table if not exists events (
    event_id text primary key, alert_id text not null, event_number integer not null, event_name text not null,
    alert_kind text not null, subject text not null, period text not null, episode integer not null,
    alert_state text not null, severity text not null, rank text not null, reason text not null, summary text not null,
    person text, facts_json text not null, message_id text, channel text, recipient text, attempt_count integer,
    error text, occurred_at text not null, is_exported integer not null default 0
) strict;
create table if not exists messages (
    message_id text primary key, alert_id text not null, event_number integer not null, event_name text not null,
    severity text not null, severity_rank integer not null, channel text not null, recipient text not null,
    subject text not null, body text not null, html text not null, status text not null,
    attempt_count integer not null default 0, crash_count integer not null default 0,
    event_count integer not null default 0, queued_at text not null, due_at text not null, give_up_at text not null,
    claimed_by text, started_at text, delivered_at text, error text, may_have_arrived integer not null default 0
) strict;
create index if not exists messages_by_status on messages (status, due_at);
create index if not exists messages_by_alert on messages (alert_id, channel, recipient, event_number);
create index if not exists events_to_export on events (is_exported) where is_exported = 0;
create table if not exists notes (name text primary key, noted text not null) strict;
"""

_ALERT_COLUMNS = (
    *("alert_id", "kind", "subject", "period", "episode", "state", "state_before", "severity", "rank", "facts_json"),
    *("raised_at", "changed_at", "notified_at", "notified_severity", "notified_rank", "clear_since"),
    *("acknowledged_by", "event_count"),
)
_EVENT_COLUMNS = tuple(field.name for field in dataclasses.fields(Event))


def as_text(instant: datetime) -> str:
    """An instant as text that sorts by time."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


def as_instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


class Store:
    """Alerts and events of one home. Several processes may have it open; each write is one transaction.

    Args:
        path: The SQLite file; it and its folder are made if they are not there.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        # SQLite does not wait for others while it turns the write-ahead log on, so only one process at a time opens.
        with path.with_name("opening.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
            self._connection.row_factory = sqlite3.Row
            # A transition must not be lost by a power cut after its message has left.
            for pragma in ("journal_mode = wal", "synchronous = full"):
                self._connection.execute(f"pragma {pragma}")
            self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction: all of it, or nothing. Another writer waits."""
        self._connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")

    def rows(self, sql: str, *parameters: object) -> list[sqlite3.Row]:
        return self._connection.execute(sql, parameters).fetchall()

    # ------------------------------------------------------------ alerts

    def latest(self, key: Key) -> Alert | None:
        """The latest episode of a key."""
        found = self.rows(
            "select * from alerts where kind = ? and subject = ? and period = ? order by episode desc limit 1",
            key.kind,
            key.subject,
            key.period,
        )
        return _alert(found[0]) if found else None

    def open_alerts(self) -> list[Alert]:
        """Alerts that are not resolved, the gravest and oldest first."""
        found = [_alert(row) for row in self.rows("select * from alerts where state <> ?", AlertState.RESOLVED)]
        return sorted(found, key=lambda alert: (-alert.severity.rank, alert.raised_at, alert.alert_id))

    def alerts_like(self, prefix: str) -> list[Alert]:
        """Alerts whose id begins so."""
        return [
            _alert(row)
            for row in self.rows("select * from alerts where substr(alert_id, 1, ?) = ?", len(prefix), prefix)
        ]

    def save(self, alert: Alert) -> None:
        key = alert.key
        values = (
            *(alert.alert_id, key.kind, key.subject, key.period, alert.episode, alert.state, alert.state_before),
            *(alert.severity, str(alert.rank), alert.facts.to_json(), as_text(alert.raised_at)),
            *(as_text(alert.changed_at), _text_or_none(alert.notified_at), alert.notified_severity),
            None if alert.notified_rank is None else str(alert.notified_rank),
            *(_text_or_none(alert.clear_since), alert.acknowledged_by, alert.event_count),
        )
        marks = ", ".join("?" * len(_ALERT_COLUMNS))
        self.rows(f"insert or replace into alerts ({', '.join(_ALERT_COLUMNS)}) values ({marks})", *values)

    # ------------------------------------------------------------ events

    def add_event(self, event: Event, *, is_exported: bool = False) -> None:
        """Appends to the log; an event that it has already is left as it is."""
        values = [getattr(event, name) for name in _EVENT_COLUMNS]
        texts = [_event_value(value) for value in values]
        marks = ", ".join("?" * (len(texts) + 1))
        names = ", ".join((*_EVENT_COLUMNS, "is_exported"))
        self.rows(f"insert or ignore into events ({names}) values ({marks})", *texts, int(is_exported))

    def events_to_export(self) -> list[Event]:
        """Events that have not been landed in the lake, in the order in which they happened."""
        return [_event(row) for row in self.rows("select * from events where is_exported = 0 order by rowid")]

    def mark_exported(self, events: Iterable[Event]) -> None:
        with self.writing():
            for event in events:
                self.rows("update events set is_exported = 1 where event_id = ?", event.event_id)

    def events_of(self, alert_id: str) -> list[Event]:
        return [_event(row) for row in self.rows("select * from events where alert_id = ? order by rowid", alert_id)]

    def is_empty(self) -> bool:
        return not self.rows("select 1 from events limit 1")

    # ------------------------------------------------------------ notes

    def note(self, name: str) -> str | None:
        """What was noted under a name: when something was last done."""
        found = self.rows("select noted from notes where name = ?", name)
        return found[0]["noted"] if found else None

    def set_note(self, name: str, noted: str) -> None:
        self.rows("insert or replace into notes (name, noted) values (?, ?)", name, noted)


def _alert(row: sqlite3.Row) -> Alert:
    return Alert(
        alert_id=row["alert_id"],
        key=Key(AlertKind(row["kind"]), row["subject"], row["period"]),
        episode=row["episode"],
        state=AlertState(row["state"]),
        state_before=AlertState(row["state_before"]) if row["state_before"] else None,
        severity=Severity(row["severity"]),
        rank=Decimal(row["rank"]),
        facts=Facts.from_json(row["facts_json"]),
        raised_at=as_instant(row["raised_at"]),
        changed_at=as_instant(row["changed_at"]),
        notified_at=_instant_or_none(row["notified_at"]),
        notified_severity=Severity(row["notified_severity"]) if row["notified_severity"] else None,
        notified_rank=Decimal(row["notified_rank"]) if row["notified_rank"] else None,
        clear_since=_instant_or_none(row["clear_since"]),
        acknowledged_by=row["acknowledged_by"],
        event_count=row["event_count"],
    )


def _event(row: sqlite3.Row) -> Event:
    values: dict[str, Any] = {name: row[name] for name in _EVENT_COLUMNS}
    return Event(**values | {"rank": Decimal(values["rank"]), "occurred_at": as_instant(values["occurred_at"])})


def _event_value(value: object) -> object:
    if isinstance(value, datetime):
        return as_text(value)
    return str(value) if isinstance(value, Decimal) else value


def _text_or_none(instant: datetime | None) -> str | None:
    return None if instant is None else as_text(instant)


def _instant_or_none(text: str | None) -> datetime | None:
    return None if text is None else as_instant(text)
