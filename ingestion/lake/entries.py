"""What the manifest holds: an entry for each completed load and each compaction, and how it is written down."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from ingestion.errors import LakeError
from ingestion.records import STREAMS, StreamKind

_ID_FORMAT = "%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True)
class Window:
    """Whole UTC days, ``start`` included and ``end`` not."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if isinstance(self.start, datetime) or isinstance(self.end, datetime):
            raise LakeError("a window is made of days, not of instants", where=f"{self.start} to {self.end}")
        if self.end <= self.start:
            raise LakeError("a window must hold at least one day", where=f"{self.start} to {self.end}")

    @property
    def days(self) -> list[date]:
        return [self.start + timedelta(days=n) for n in range((self.end - self.start).days)]

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end


class LoadDay(NamedTuple):
    """What a load says about one day.

    ``data_load_id`` is the load whose file holds the rows: an older one if the day had not changed. ``content_hash``
    of a log file's day is the hash of the whole file.
    """

    day: date
    row_count: int
    content_hash: str
    data_load_id: str


@dataclass(frozen=True)
class Load:
    """One completed load, as recorded in the manifest.

    Attributes:
        load_id: Sorts by time; the order of ids is the order in which loads win.
        window_start, window_end: Days covered (end not included); null for streams without windows.
        loaded_at: UTC, never earlier than that of the load before.
        row_count: Rows that the load stands for: the admitted ones, whether or not they had to be written again.
        rows_received: Always admitted + quarantined + duplicate.
        content_sha256: Of a log file's decompressed content, or of all rows of a listing or snapshot; else empty.
        days: One entry for each day of the window, also the empty ones; for logs, for each day that has rows.
        files: Paths below the lake as first written. Compaction may have moved the rows since.
        replaces: Earlier loads of the same log content that this one puts out of force.
        skipped: The content was already there: nothing was landed, and this is the load that landed it.
    """

    load_id: str
    source: str
    stream: str
    table: str
    kind: StreamKind
    account_id: str
    window_start: date | None
    window_end: date | None
    loaded_at: datetime
    row_count: int
    rows_received: int
    rows_admitted: int
    rows_quarantined: int
    rows_duplicate: int
    content_sha256: str
    file_name: str
    days: tuple[LoadDay, ...]
    files: tuple[str, ...]
    replaces: tuple[str, ...] = ()
    skipped: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        """What competes with it: loads of the same table, source and account."""
        return self.table, self.source, self.account_id

    @property
    def days_changed(self) -> tuple[date, ...]:
        """Days that differ from what was there before."""
        return tuple(day.day for day in self.days if day.data_load_id == self.load_id and not self.skipped)

    @property
    def rows_written(self) -> int:
        """Rows that were new or changed, and were therefore written."""
        return sum(day.row_count for day in self.days if day.data_load_id == self.load_id and not self.skipped)


@dataclass(frozen=True)
class Compaction:
    """Several files of one (table, source, month) that became one. Every row is kept."""

    load_id: str
    table: str
    source: str
    month: str
    loaded_at: datetime
    file: str
    row_count: int
    load_ids: tuple[str, ...]
    replaced: tuple[str, ...]


@dataclass(frozen=True)
class DataFile:
    """A live data file: the rows of ``load_ids`` that lie in ``month``. ``path`` is relative to the lake."""

    path: str
    table: str
    source: str
    month: str
    load_ids: tuple[str, ...]


def month_of_path(path: str) -> str:
    """``YYYY-MM`` of a data file's path below the lake; empty for a quarantine file."""
    folder = path.rsplit("/", 2)[-2]
    return folder.removeprefix("month=") if folder.startswith("month=") else ""


def skipped(load: Load) -> Load:
    """The load that already holds some content, as the answer to landing that content again."""
    return replace(load, skipped=True)


def next_load_id(after: str, now: datetime, digest: str) -> tuple[str, datetime]:
    """Id and instant of the next load: those of the clock, but always later than ``after``.

    Clocks stand still (a fixed ``TOKENATLAS_NOW``) and go back; the order of loads must not.
    """
    instant = now.astimezone(UTC)
    if after:
        last = datetime.strptime(after.split("-")[0], _ID_FORMAT).replace(tzinfo=UTC)
        instant = max(instant, last + timedelta(microseconds=1))
    return f"{instant.strftime(_ID_FORMAT)}-{digest[:8]}", instant


def kind_of(table: str, recorded: str) -> StreamKind:
    """How the loads of a table relate today. A snapshot that became an append stream gets its earlier loads back."""
    return STREAMS[table].kind if table in STREAMS else StreamKind(recorded)


def to_json(entry: Load | Compaction) -> str:
    content: dict[str, Any] = {"entry": "compaction" if isinstance(entry, Compaction) else "load", **asdict(entry)}
    if isinstance(entry, Load):
        del content["skipped"]
        content["days"] = [day._asdict() for day in entry.days]
    return json.dumps(content, default=lambda value: value.isoformat(), separators=(",", ":"))


def from_json(path: Path) -> Load | Compaction:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        kind = content.pop("entry")
        content["loaded_at"] = datetime.fromisoformat(content["loaded_at"])
        if kind == "compaction":
            lists = {name: tuple(content[name]) for name in ("load_ids", "replaced")}
            return Compaction(**{**content, **lists})
        return Load(
            **{
                **content,
                "kind": kind_of(content["table"], content["kind"]),
                "window_start": _day_or_none(content["window_start"]),
                "window_end": _day_or_none(content["window_end"]),
                "days": tuple(LoadDay(**{**day, "day": date.fromisoformat(day["day"])}) for day in content["days"]),
                "files": tuple(content["files"]),
                "replaces": tuple(content["replaces"]),
            }
        )
    except (ValueError, KeyError, TypeError) as error:
        raise LakeError(
            f"a manifest entry is damaged: {error}",
            where=str(path),
            mend="restore the file from a backup; the rows of this load are not counted without it",
        ) from error


def _day_or_none(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
