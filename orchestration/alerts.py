"""Alerts of one home: its tables are assessed, its channels told, and what became of that goes into its lake."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from alerting.channels import Channel, Channels, writes_to_owner
from alerting.delivery import Drained, drain
from alerting.engine import Applied, Receiver, apply, restore
from alerting.events import Event
from alerting.marts import Marts, read_marts, read_sources
from alerting.model import AlertKind, Facts, Severity
from alerting.outbox import Outbox
from alerting.policy import Override, Policy, policies
from alerting.rules import assess
from alerting.store import Store
from ingestion.config import Config, load_config
from ingestion.errors import LakeError
from ingestion.lake import Lake
from ingestion.records import AlertEvent, to_arrow
from ingestion.settings import Settings
from orchestration.lake_rows import live_rows
from orchestration.warehouse import reading

TABLE = "alert_events"
SOURCE = "alerting"

SENSOR_SECONDS = 25
"""For one tick of the sensor, which Dagster ends after a minute: the last attempt that is begun takes as long again."""

_LOCK_SECONDS = 5
"""The events can wait for the next time if a run is writing the lake."""


@dataclass(frozen=True)
class Desk:
    """Everything that alerting works with, of one home and one configuration."""

    settings: Settings
    config: Config
    store: Store
    outbox: Outbox
    channels: Channels
    policies: dict[AlertKind, Policy]

    @property
    def owners(self) -> dict[str, str]:
        """E-mail of the owner of each series that has one: the team's, and that of the team of a feature."""
        emails = {team.team: team.owner_email for team in self.config.teams if team.owner_email}
        owners = {f"team={team}": email for team, email in emails.items()}
        for feature in self.config.features:
            if feature.team in emails:
                owners[f"feature={feature.feature}"] = emails[feature.team]
                owners[f"team_feature={feature.team}/{feature.feature}"] = emails[feature.team]
        return owners

    def route(self, facts: Facts, severity: Severity) -> tuple[Receiver, ...]:
        """The channels that the budget names, or else all; those that want to hear of this severity."""
        names = facts.channels or self.channels.names
        return tuple(
            Receiver(name, (facts.owner_email or "") if writes_to_owner(name) else "")
            for name in dict.fromkeys(names)
            if self.channels.wants(name, severity)
        )


@dataclass(frozen=True)
class Report:
    """What one look at the tables came to."""

    applied: Applied = field(default_factory=Applied)
    drained: Drained = field(default_factory=Drained)
    exported_count: int = 0


@contextmanager
def alert_desk(settings: Settings) -> Iterator[Desk]:
    """The desk of a home. A store that is not there is rebuilt from the log of events in the lake.

    Raises:
        ConfigError: the configuration cannot be used.
    """
    config = load_config(settings)
    channels = tuple(Channel(line.channel, line.url_env, Severity(line.min_severity)) for line in config.alert_channels)
    with Store(settings.state_path / "alerts.sqlite") as store:
        outbox = Outbox(store, random.Random())  # noqa: S311 - jitter, not cryptography
        if store.is_empty():
            restore(store, outbox, landed_events(settings))
        yield Desk(settings, config, store, outbox, Channels(channels, os.environ), policies(_overrides(config)))


def _overrides(config: Config) -> Iterator[Override]:
    for rule in config.alert_rules:
        yield Override(
            AlertKind(rule.alert_kind),
            rule.is_enabled,
            None if rule.severity is None else Severity(rule.severity),
            rule.level,
            rule.hysteresis,
            rule.renotify_after_hours,
            rule.resolve_after_hours,
        )


def check(settings: Settings, database: Path) -> Report:
    """Assesses everything and sends what is news.

    Args:
        database: The warehouse, or the published file.
    Raises:
        TokenAtlasError: the database is not there or is being written, or the configuration cannot be used.
    """
    with reading(database) as connection:
        marts = read_marts(connection, settings.index_path)
    with alert_desk(settings) as desk:
        return _assess(desk, marts)


def check_lateness(settings: Settings) -> Report:
    """Looks only for data that are late, which needs no table; then sends what is due."""
    with alert_desk(settings) as desk:
        return _assess(desk, Marts(sources=read_sources(settings.index_path)), seconds=SENSOR_SECONDS)


def deliver(settings: Settings, *, seconds: float = float("inf")) -> Report:
    """Sends what is due."""
    with alert_desk(settings) as desk:
        drained = _drain(desk, seconds)
        return Report(drained=drained, exported_count=export_events(desk))


def _assess(desk: Desk, marts: Marts, *, seconds: float = float("inf")) -> Report:
    known = {source.source_name for source in desk.config.sources}
    if marts.sources is not None:
        # What is no longer configured is no longer expected.
        kept = tuple(source for source in marts.sources if source.source_name in known)
        marts = replace(marts, sources=kept)
    assessment = assess(marts, desk.policies, desk.settings.now, desk.owners)
    applied = apply(desk.store, desk.outbox, assessment, desk.policies, desk.route)
    # On disk and in the lake before anything is sent, and again with what became of it.
    exported = export_events(desk)
    drained = _drain(desk, seconds)
    return Report(applied, drained, exported + export_events(desk))


def _drain(desk: Desk, seconds: float) -> Drained:
    workers = desk.settings.state_path / "workers"
    return drain(desk.outbox, desk.channels, workers, desk.settings.clock, seconds=seconds)


def export_events(desk: Desk) -> int:
    """Lands the events that are not in the lake yet; the number of them. If the lake is busy, they wait."""
    events = desk.store.events_to_export()
    if not events:
        return 0
    lake = Lake(desk.settings.lake_path, desk.settings.clock, lock_timeout_seconds=_LOCK_SECONDS)
    try:
        lake.land(TABLE, SOURCE, to_arrow(AlertEvent, [AlertEvent(**asdict(event)) for event in events]), account_id="")
    except LakeError:
        return 0
    desk.store.mark_exported(events)
    return len(events)


def landed_events(settings: Settings) -> list[Event]:
    """The log of events in the lake. An event that was landed twice is there twice."""
    lake = Lake(settings.lake_path, settings.clock)
    if not any(load.table == TABLE for load in lake.loads()):
        return []
    lake.write_index(settings.index_path)
    names = list(AlertEvent.__dataclass_fields__)
    with live_rows(settings.index_path, TABLE) as connection:
        rows = connection.execute(
            f"""
            select {", ".join(names)} from live
            order by occurred_at, event_number, message_id nulls first, event_id
            """
        ).fetchall()
    return [_event(dict(zip(names, row, strict=True))) for row in rows]


def _event(values: dict[str, object]) -> Event:
    at = values["occurred_at"]
    assert isinstance(at, datetime)  # noqa: S101 - the schema of the lake says so
    return Event(**values | {"rank": Decimal(str(values["rank"])), "occurred_at": at.astimezone(UTC)})  # type: ignore[arg-type]
