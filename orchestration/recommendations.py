"""Recommendations of one home: moved on by each run, decided by people, and kept as a log of events in its lake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from ingestion.config import Config, load_config
from ingestion.errors import LakeError, TokenAtlasError
from ingestion.lake import Lake, Load
from ingestion.lake.files import exclusive_lock
from ingestion.records import RecommendationEvent, RecommendationRow, to_arrow
from ingestion.settings import Settings
from optimization.recommendations.assessment import Assessed, Owner, assess
from optimization.recommendations.model import Event, Happening, Recommendation
from optimization.recommendations.state import Rules, decide, find, replay
from orchestration.lake_rows import landed_rows
from orchestration.warehouse import reading

EVENTS, ROWS = "recommendation_events", "recommendations"
TABLES = (EVENTS, ROWS)
SOURCE = "recommendations"

_LOCK_SECONDS = 60


@dataclass(frozen=True)
class Report:
    """What a run came to. ``assessed`` is None where there is no day of spend yet."""

    assessed: Assessed | None
    loads: tuple[Load, ...]


def known_recommendations(settings: Settings) -> dict[str, Recommendation]:
    """Where every recommendation stands now, by id: by the log in the lake, whatever tables say."""
    return replay(_landed_events(settings))


def run(settings: Settings) -> Report:
    """Moves everything on to what the marts of the warehouse find, and lands the events and rows of that.

    Killed in between, the next run does what is left: events that are landed are not made again.

    Raises:
        TokenAtlasError: the warehouse is not there or is being written, or the configuration cannot be used.
    """
    config = load_config(settings)
    with _writing(settings), reading(settings.warehouse_path) as connection:
        assessed = assess(
            connection,
            known_recommendations(settings),
            owners_of(config),
            settings.now,
            rules_of(config),
        )
        if assessed is None:
            return Report(None, ())
        lake = Lake(settings.lake_path, settings.clock)
        loads = [land_events(lake, assessed.events)] if assessed.events else []
        rows = [RecommendationRow(**row) for row in assessed.rows]
        day = _assessment_day(assessed, settings)
        loads.append(lake.land(ROWS, SOURCE, to_arrow(RecommendationRow, rows), account_id=day.isoformat()))
    return Report(assessed, tuple(loads))


def _assessment_day(assessed: Assessed, settings: Settings) -> date:
    days = [row["assessment_date"] for row in assessed.rows]
    return max(days, default=settings.now.date())


def change(
    settings: Settings, prefix: str, name: Happening, *, person: str, reason: str = "", day: date | None = None
) -> tuple[Recommendation, bool]:
    """A person's decision on one recommendation: where it stands then, and whether that is news.

    Two commands at once wait for each other, so that the second sees what the first has done.

    Raises:
        TokenAtlasError: no recommendation or several are meant, or it cannot become that from what it is.
    """
    with _writing(settings):
        known = known_recommendations(settings)
        event = decide(known, prefix, name, person=person, reason=reason, now=settings.clock(), day=day)
        if event is None:
            return find(known, prefix), False
        land_events(Lake(settings.lake_path, settings.clock), [event])
        return known_recommendations(settings)[event.recommendation_id], True


def history_of(settings: Settings, recommendation_id: str) -> list[Event]:
    """Everything that happened to one, the oldest first."""
    seen: dict[str, Event] = {}
    for event in _landed_events(settings):
        if event.recommendation_id == recommendation_id:
            seen.setdefault(event.event_id, event)
    return sorted(seen.values(), key=lambda event: event.event_number)


def latest_rows(settings: Settings) -> dict[str, dict[str, Any]]:
    """The rows of the last run, by id: ranks and checks that the log alone does not have."""
    names = list(RecommendationRow.__dataclass_fields__)
    rows = landed_rows(settings, ROWS, ["_load_id", *names], order_by="_load_id")
    last = max((str(row["_load_id"]) for row in rows), default="")
    return {str(row["recommendation_id"]): _with_amounts(row) for row in rows if row["_load_id"] == last}


def _with_amounts(row: dict[str, Any]) -> dict[str, Any]:
    """Amounts are exact decimal text in the lake."""
    return {
        name: Decimal(value) if value is not None and name.endswith(("_usd", "_usd_per_month")) else value
        for name, value in row.items()
    }


def owners_of(config: Config) -> Mapping[str, Owner]:
    """Who answers for each team of teams.csv."""
    return {team.team: Owner(team.owner_email or team.team_name, team.owner_email) for team in config.teams}


def rules_of(config: Config) -> Rules:
    """What recommendation_rules.csv says."""
    rules = config.recommendation_rules
    return Rules(
        {rule.kind: rule.minimum_usd for rule in rules if rule.minimum_usd is not None},
        frozenset(rule.kind for rule in rules if not rule.is_enabled),
    )


@contextmanager
def _writing(settings: Settings) -> Iterator[None]:
    """One writer of recommendations at a time; the system frees the lock when a process ends in whatever way.

    Raises:
        TokenAtlasError: another one held it for too long.
    """
    path: Path = settings.state_path / "recommendations.lock"
    lock = exclusive_lock(path, timeout_seconds=_LOCK_SECONDS)
    try:
        lock.__enter__()
    except LakeError as error:
        raise TokenAtlasError(
            "Recommendations are being written by another process",
            where=str(path),
            mend="wait for that run or command to end, then try again",
        ) from error
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


def land_events(lake: Lake, events: Sequence[Event]) -> Load:
    """Appends events to the log, all of them or none."""
    records = [RecommendationEvent(**asdict(event)) for event in events]
    return lake.land(EVENTS, SOURCE, to_arrow(RecommendationEvent, records), account_id="")


def _landed_events(settings: Settings) -> list[Event]:
    names = list(RecommendationEvent.__dataclass_fields__)
    rows: list[Any] = landed_rows(settings, EVENTS, names, order_by="_load_id, event_number, event_id")
    return [Event(**row | {"occurred_at": _utc(row["occurred_at"])}) for row in rows]


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)
