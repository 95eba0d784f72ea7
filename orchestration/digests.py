"""The weekly digest of one home: pages, letters sent once to each reader, and what became of them in its lake."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from alerting.channels import Channel, Channels, Image, Message, Verdict, writes_to_owner
from alerting.model import EventName, Severity
from digest import story
from digest.facts import Digest
from digest.letter import Letter, render_letter
from digest.page import render_page
from digest.reading import read_digest
from digest.weeks import Week, last_complete_week
from ingestion.config import Config, load_config
from ingestion.config.digest_readers import DigestReader
from ingestion.errors import TokenAtlasError
from ingestion.lake import Lake
from ingestion.lake.files import exclusive_lock
from ingestion.records import DigestDelivery, to_arrow
from ingestion.settings import Settings
from orchestration.lake_rows import landed_rows
from orchestration.warehouse import reading

TABLE = "digest_deliveries"
SOURCE = "digest"

_LOCK_SECONDS = 60
_MAY_BE_REPEATED = frozenset({"failed"})
"""Only what surely did not arrive is sent again by itself: nobody gets the same week twice."""


@dataclass
class Sent:
    """What became of the digests that were due: one line for each reader."""

    delivered: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def make_digest(settings: Settings, week: Week, team: str | None) -> Digest:
    """The facts of one week from the published tables.

    Raises:
        TokenAtlasError: nothing is published yet, or there is no such team.
    """
    with reading(settings.published_path) as connection:
        return read_digest(connection, week, team, settings.now)


def write_page(digest: Digest, path: Path) -> Path:
    """Writes the page in one step; a page that is the same is left alone."""
    page = render_page(digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    scratch.write_text(page, encoding="utf-8")
    scratch.replace(path)
    return path


def page_path(settings: Settings, digest: Digest) -> Path:
    """``reports/digest/2026-W47.html``, or ``2026-W47-<team>.html``."""
    name = digest.week.name if digest.team is None else f"{digest.week.name}-{_file_stem(digest.team)}"
    return settings.reports_path / "digest" / f"{name}.html"


def _file_stem(team: str) -> str:
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in team.lower()).strip("-")
    return plain if plain == team else f"{plain}-{hashlib.sha256(team.encode()).hexdigest()[:8]}"


def week_of_now(settings: Settings) -> Week:
    """The last complete week."""
    return last_complete_week(settings.now.date())


def due_readers(config: Config, settings: Settings, week: Week) -> list[DigestReader]:
    """Readers whose day in the week after ``week`` has come."""
    today = settings.now.date()
    return [reader for reader in config.digest_readers if today >= week.end_date + timedelta(days=1 + reader.weekday)]


def send(settings: Settings, week: Week, readers: Iterable[DigestReader], *, again: bool = False) -> Sent:
    """Sends the digest of a week to each reader who has not got it.

    What is about to be sent is in the lake before it leaves. A process that dies in between leaves it open whether the
    letter arrived; then it is not sent again unless ``again`` says so.

    Raises:
        TokenAtlasError: nothing is published, a team is not there, or a channel cannot be used.
    """
    config = load_config(settings)
    channels = _channels(config)
    chosen = [(reader, _channel_of(reader, config, channels)) for reader in readers]
    lake = Lake(settings.lake_path, settings.clock)
    result = Sent()
    letters: dict[str | None, Letter] = {}
    with exclusive_lock(settings.state_path / "digest.lock", timeout_seconds=_LOCK_SECONDS):
        known = last_events(settings)
        for reader, channel in chosen:
            message_id = message_id_of(week, reader)
            last = known.get(message_id)
            told = f"{reader.recipient} ({reader.team or 'all teams'})"
            if last is not None and last not in _MAY_BE_REPEATED and not again:
                result.skipped.append(f"{told}: {_ALREADY[last]}")
                continue
            if reader.team not in letters:
                letters[reader.team] = render_letter(make_digest(settings, week, reader.team))
            _log(lake, settings, week, reader, channel, "sending", None)
            outcome = channels.send(_message(message_id, reader, channel, letters[reader.team]))
            _log(lake, settings, week, reader, channel, outcome.verdict.value, outcome.error)
            if outcome.verdict is Verdict.DELIVERED:
                result.delivered.append(told)
            else:
                result.failed.append(f"{told}: {outcome.error}")
    return result


_ALREADY = {
    "delivered": "got it before",
    "refused": "the receiver refused it for good; mend the address, and send with --again",
    "unknown": "it may have arrived; --again sends it once more",
    "sending": "the process ended while it was being sent; --again sends it once more",
}


def message_id_of(week: Week, reader: DigestReader) -> str:
    """The same at every attempt, so that a receiver can tell a repeat."""
    key = "\n".join(("digest", week.name, reader.team or "", reader.recipient.lower()))
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def last_events(settings: Settings) -> dict[str, str]:
    """What became last of each letter."""
    names = list(DigestDelivery.__dataclass_fields__)
    rows = landed_rows(settings, TABLE, names, order_by="_load_id")
    return {str(row["message_id"]): str(row["event_name"]) for row in rows}


def _log(
    lake: Lake, settings: Settings, week: Week, reader: DigestReader, channel: str, event_name: str, error: str | None
) -> None:
    event = DigestDelivery(
        message_id=message_id_of(week, reader),
        week_name=week.name,
        team=reader.team,
        recipient=reader.recipient,
        channel=channel,
        event_name=event_name,
        error=error,
        occurred_at=settings.clock(),
    )
    lake.land(TABLE, SOURCE, to_arrow(DigestDelivery, [event]), account_id=event.message_id)


def _message(message_id: str, reader: DigestReader, channel: str, letter: Letter) -> Message:
    return Message(
        message_id=message_id,
        # Digests of one team are one thread.
        alert_id=f"digest-{hashlib.sha256((reader.team or '').encode()).hexdigest()[:12]}",
        event_name=EventName.RAISED,
        severity=Severity.INFO,
        channel=channel,
        recipient=reader.recipient,
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
        images=tuple(Image(content_id, png) for content_id, png in letter.images.items()),
    )


def _channels(config: Config) -> Channels:
    channels = tuple(Channel(line.channel, line.url_env, Severity(line.min_severity)) for line in config.alert_channels)
    return Channels(channels, os.environ)


def _channel_of(reader: DigestReader, config: Config, channels: Channels) -> str:
    names = [line.channel for line in config.alert_channels]
    name = reader.channel or next((each for each in names if writes_to_owner(each)), None)
    if name is None:
        raise TokenAtlasError(
            "There is no channel for mail",
            where="alert_channels.csv",
            mend="add a line `email,TOKENATLAS_ALERTS_EMAIL_URL,info,` and set that variable; docs/digest.md shows how",
        )
    channels.require(name)
    return name


def preview(digest: Digest) -> str:
    """The digest in a few lines of Markdown, for the graph."""
    lines = [f"**{story.headline(digest)}**", ""]
    lines += [f"- {story.anomaly_sentence(each)}" for each in digest.anomalies[:3]]
    lines += [
        f"- {budget.budget_name}: {story.budget_fate(budget) or story.budget_status(budget)}"
        for budget in story.shown_budgets(digest)
        if story.budget_tone(budget) != "fine"
    ]
    lines += [f"- {action.title}: {story.action_saving(action)}" for action in digest.actions[:3]]
    return "\n".join(lines)
