"""What an endpoint is, as data, and how its pages are walked. Nothing here knows a provider."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from ingestion.config import ProviderSource
from ingestion.errors import MalformedResponseError
from ingestion.http import Cursor, HttpClient, Params
from ingestion.providers.payload import Node

PARENT_ID = "{parent_id}"
"""Stands in the path of a listing that lies below another thing, such as the keys of a project."""


class TimeFormat(enum.Enum):
    """How a provider writes an instant, in parameters and in buckets alike."""

    EPOCH_SECONDS = "epoch_seconds"
    RFC3339 = "rfc3339"

    def encode(self, moment: datetime) -> str | int:
        """
        Args:
            moment: UTC.
        """
        return int(moment.timestamp()) if self is TimeFormat.EPOCH_SECONDS else f"{moment:%Y-%m-%dT%H:%M:%SZ}"

    def read(self, bucket: Node, name: str) -> datetime:
        return bucket.epoch_seconds(name) if self is TimeFormat.EPOCH_SECONDS else bucket.instant(name)


@dataclass(frozen=True)
class Listing:
    """An endpoint that lists things (projects, keys, users).

    Attributes:
        path: Below the base URL; may hold ``PARENT_ID``.
        cursor: How it is paged.
        page_size: The most that the provider gives at once.
        params: What is always asked for.
        mend: By status: which kind of key and which permission it takes.
    """

    path: str
    cursor: Cursor
    page_size: int
    mend: Mapping[int, str]
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """An endpoint that reports time buckets with grouped results.

    Attributes:
        path: Below the base URL.
        cursor: How it is paged.
        page_buckets: Most buckets of one page, by bucket width; asking for more is refused by the providers. A width
            that is not here is not offered.
        group_by_param: Name of the repeated parameter.
        group_by: Every dimension that is asked for. A null in a result is null at the provider, not left out.
        time_format: How instants are written.
        start_name, end_name: Names of the window's ends, both as parameters and as fields of a bucket.
        mend: By status: which kind of key and which permission it takes.
    """

    path: str
    cursor: Cursor
    page_buckets: Mapping[str, int]
    group_by_param: str
    group_by: tuple[str, ...]
    time_format: TimeFormat
    start_name: str
    end_name: str
    mend: Mapping[int, str]

    def params(self, start: datetime, end: datetime, bucket_width: str) -> dict[str, str | int | tuple[str, ...]]:
        return {
            self.start_name: self.time_format.encode(start),
            self.end_name: self.time_format.encode(end),
            "bucket_width": bucket_width,
            self.group_by_param: self.group_by,
            "limit": self.page_buckets[bucket_width],
        }


Endpoint = Listing | Report


@dataclass(frozen=True)
class WindowedTable:
    """A raw table that is read by days.

    Attributes:
        trailing: Which of the source's ``trailing_days`` applies: ``costs`` or ``usage``.
        fetch: All records of the UTC days in [start, end).
    """

    trailing: str
    fetch: Callable[[HttpClient, ProviderSource, datetime, datetime], Sequence[Any]]


@dataclass(frozen=True)
class ListedTable:
    """A raw table that is read whole each time."""

    fetch: Callable[[HttpClient, ProviderSource], Sequence[Any]]


@dataclass(frozen=True)
class Provider:
    """Everything that a pull has to know about one provider.

    Attributes:
        type: The ``type`` in sources.yml.
        key_header: Header that carries the key, and what stands before the key in it.
        headers: Headers of every request.
        windowed, listed: Its raw tables.
        probes: Every endpoint that it reads, for checking the access of a key.
        probe_parent: Listing whose first id fills the placeholder of the listings below it.
    """

    type: str
    key_header: tuple[str, str]
    headers: Mapping[str, str]
    windowed: Mapping[str, WindowedTable]
    listed: Mapping[str, ListedTable]
    probes: tuple[Endpoint, ...]
    probe_parent: Listing | None = None

    @property
    def tables(self) -> tuple[str, ...]:
        return (*self.windowed, *self.listed)


def list_pages(client: HttpClient, listing: Listing, *, parent_id: str = "") -> Iterator[dict[str, Any]]:
    """Every page of a listing.

    Raises:
        ProviderError: see HttpClient.pages.
    """
    params: Params = {**listing.params, "limit": listing.page_size}
    return client.pages(
        listing.path.replace(PARENT_ID, quote(parent_id, safe="")), params, listing.cursor, mend=listing.mend
    )


def report_pages(
    client: HttpClient, report: Report, start: datetime, end: datetime, bucket_width: str
) -> Iterator[dict[str, Any]]:
    """Every page of a report over [start, end), both midnight UTC.

    A load replaces its days whole, so a bucket that comes twice would double money, and one that is missing at the end
    would delete it. Buckets outside the window are taken out: the days they belong to were not asked for.

    Raises:
        MalformedResponseError: a bucket came twice, or the provider said that there is more and stopped before the end.
        ProviderError: see HttpClient.pages.
    """
    seen: set[datetime] = set()
    reached, has_more = start, False
    for page in client.pages(report.path, report.params(start, end, bucket_width), report.cursor, mend=report.mend):
        kept = []
        for bucket in Node(page).children("data"):
            bucket_start = report.time_format.read(bucket, report.start_name)
            if bucket_start in seen:
                raise _untrustworthy(report, f"it sent the bucket of {bucket_start:%Y-%m-%d %H:%M} twice")
            seen.add(bucket_start)
            reached = max(reached, report.time_format.read(bucket, report.end_name))
            if start <= bucket_start < end:
                kept.append(bucket.fields)
        has_more = bool(page.get("has_more"))
        yield {**page, "data": kept}
    # The last day may still be open, so it counts as reached once it has begun; the next run reads it again.
    if has_more and reached <= end - timedelta(days=1):
        raise _untrustworthy(report, f"it promised more and stopped at {reached:%Y-%m-%d %H:%M}, before {end:%Y-%m-%d}")


def chunks(start: datetime, end: datetime, days: int) -> Iterator[tuple[datetime, datetime]]:
    """[start, end) in pieces of at most that many days, in order."""
    while start < end:
        stop = min(end, start + timedelta(days=days))
        yield start, stop
        start = stop


def _untrustworthy(report: Report, complaint: str) -> MalformedResponseError:
    return MalformedResponseError(
        f"The provider's report cannot be trusted: {complaint}",
        where=f"GET {report.path}",
        mend="Nothing was landed, the days stay as they were. Run again; if it stays, tell the provider.",
    )
