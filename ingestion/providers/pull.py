"""From a provider's admin API into the lake: which days are due, and one load for each table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from ingestion.config import ProviderSource
from ingestion.errors import AuthenticationError, ConfigError, ProviderError, TokenAtlasError
from ingestion.expectations import admit
from ingestion.http import HttpClient, RequestCounts, RetryPolicy
from ingestion.lake import Lake, Load, Window
from ingestion.providers import anthropic, openai
from ingestion.providers.access import AccessFinding, AccessStatus, check_endpoints
from ingestion.providers.endpoints import Provider, WindowedTable, chunks
from ingestion.records import STREAMS, to_arrow

__all__ = [
    "PROVIDERS",
    "AccessFinding",
    "AccessStatus",
    "PullProgress",
    "check_access",
    "open_client",
    "pull_source",
    "pull_table",
    "source_tables",
    "windows_due",
]

PROVIDERS: Mapping[str, Provider] = {provider.type: provider for provider in (openai.PROVIDER, anthropic.PROVIDER)}
"""By the ``type`` of a source in sources.yml."""

_CHUNK_DAYS = 31
"""Most days asked for in one listing, so that no page cursor has to live through a long backfill."""


@dataclass(frozen=True)
class PullProgress:
    """How far the pull of one table is. ``load`` is there once it has landed; ``requests`` counts this table only."""

    source_name: str
    table: str
    done_days: int
    total_days: int
    row_count: int
    requests: RequestCounts
    load: Load | None = None


OnProgress = Callable[[PullProgress], None]


def source_tables(source: ProviderSource) -> tuple[str, ...]:
    """The raw tables that a source fills, windowed ones first.

    Raises:
        ConfigError: its type is not known.
    """
    return _provider(source).tables


def windows_due(
    source: ProviderSource, loads: Iterable[Load], now: datetime, tables: Collection[str] | None = None
) -> dict[str, Window]:
    """The days that each windowed table has to be asked for, up to and with the day that is still open at ``now``.

    A table that was never loaded is due from ``start_date``. Otherwise the last ``trailing_days`` are due, and before
    them everything from the first day that is missing or was last seen while the provider could still restate it: a
    pause of months, or a ``start_date`` that moved back, heals itself.

    Args:
        loads: The loads of the lake, oldest first.
        tables: Only these; all windowed ones of the source by default.
    Raises:
        ConfigError: ``start_date`` is in the future, or the source has another type.
    """
    today = now.astimezone(UTC).date()
    if source.start_date > today:
        raise ConfigError(
            f"start_date {source.start_date} is in the future (today is {today} UTC)",
            where=f"source {source.source_name} in sources.yml",
            mend="Set it to the first day whose cost matters.",
        )
    seen_on: dict[str, dict[date, date]] = {}
    for load in loads:
        if (load.source, load.account_id) == (source.source_name, source.account_id):
            seen = seen_on.setdefault(load.table, {})
            seen.update(dict.fromkeys((entry.day for entry in load.days), load.loaded_at.astimezone(UTC).date()))
    return {
        table: Window(_first_day_due(source, windowed, seen_on.get(table, {}), today), today + timedelta(days=1))
        for table, windowed in _provider(source).windowed.items()
        if tables is None or table in tables
    }


def pull_table(
    source: ProviderSource,
    table: str,
    lake: Lake,
    now: datetime,
    *,
    api_key: str,
    window: Window | None = None,
    on_progress: OnProgress | None = None,
    client: HttpClient | None = None,
) -> Load:
    """Read one table from its provider and land it as one load: all of the window, or nothing.

    Args:
        now: UTC; its day is the last one that is asked for.
        window: Days to read instead of those that are due. Days that have not begun are left out. Listings ignore it.
        client: An open client of this source, to share its connection.
    Raises:
        ProviderError: the provider's answers cannot be had or used.
        ContractError: the batch breaks the table's expectations.
        ConfigError: the source has no such table, or no day of the window has begun.
        LakeError: the lake is locked or damaged.
    """
    _check_table(source, table)
    with _shared_or_own(source, api_key, client) as connected:
        report = _Reporter(source.source_name, table, connected, on_progress)
        listed = _provider(source).listed.get(table)
        if listed is not None:
            report.reading(0, 0, 0)
            return report.landed(0, _land(source, table, listed.fetch(connected, source), lake, None))
        windowed = _provider(source).windowed[table]
        window = window or windows_due(source, lake.loads(), now, [table])[table]
        tomorrow = now.astimezone(UTC).date() + timedelta(days=1)
        if window.start >= tomorrow:
            raise ConfigError(
                f"The days from {window.start} on have not begun (today is {tomorrow - timedelta(days=1)} UTC)",
                where=f"source {source.source_name}, table {table}",
                mend="Ask for days up to today.",
            )
        window = Window(window.start, min(window.end, tomorrow))
        records: list[Any] = []
        for start, end in chunks(_midnight(window.start), _midnight(window.end), _CHUNK_DAYS):
            report.reading((start.date() - window.start).days, len(window.days), len(records))
            records.extend(windowed.fetch(connected, source, start, end))
        return report.landed(len(window.days), _land(source, table, records, lake, window))


def pull_source(
    source: ProviderSource,
    lake: Lake,
    now: datetime,
    *,
    api_key: str,
    tables: Collection[str] | None = None,
    window: Window | None = None,
    on_progress: OnProgress | None = None,
) -> list[Load]:
    """Pull each table of a source. One that fails does not keep the others from landing.

    Raises:
        ProviderError: one or more tables failed; says which and why. The others have landed.
        ConfigError: ``tables`` names one that the source does not have.
    """
    wanted = source_tables(source) if tables is None else tuple(tables)
    for table in wanted:
        _check_table(source, table)
    loads: list[Load] = []
    failures: dict[str, TokenAtlasError] = {}
    with open_client(source, api_key) as client:
        for table in wanted:
            try:
                loads.append(
                    pull_table(
                        source, table, lake, now, api_key=api_key, window=window, on_progress=on_progress, client=client
                    )
                )
            except TokenAtlasError as error:
                failures[table] = error
    if failures:
        raise _aggregated(source, failures, [load.table for load in loads]) from next(iter(failures.values()))
    return loads


def check_access(source: ProviderSource, api_key: str) -> list[AccessFinding]:
    """What a key may read: one finding for each endpoint of the source, in the order in which they are pulled.

    Asks each endpoint for one day (``start_date``) or one item. Lands nothing; an answer that is an error is a finding.
    """
    provider = _provider(source)
    return check_endpoints(
        provider, source, lambda policy: open_client(source, api_key, policy=policy), _midnight(source.start_date)
    )


def open_client(source: ProviderSource, api_key: str, *, policy: RetryPolicy | None = None) -> HttpClient:
    """A client with the headers of the source's provider.

    Raises:
        AuthenticationError: the key is missing or cannot be a key.
        ConfigError: the base URL or the type of the source is wrong.
    """
    provider = _provider(source)
    if not api_key.strip():
        raise AuthenticationError(
            f"There is no key for source {source.source_name}",
            where=f"environment variable {source.api_key_env}",
            mend=f"Set {source.api_key_env} in the environment or in .env. {provider.probes[0].mend[401]}",
        )
    return HttpClient(
        source.base_url, key=api_key, key_header=provider.key_header, headers=provider.headers, policy=policy
    )


class _Reporter:
    """Tells the caller how far one table is; silent without a listener."""

    def __init__(self, source_name: str, table: str, client: HttpClient, on_progress: OnProgress | None) -> None:
        self._source_name, self._table = source_name, table
        self._client, self._before, self._on_progress = client, client.counts, on_progress

    def reading(self, done_days: int, total_days: int, row_count: int) -> None:
        self._tell(done_days, total_days, row_count, None)

    def landed(self, days: int, load: Load) -> Load:
        self._tell(days, days, load.row_count, load)
        return load

    def _tell(self, done_days: int, total_days: int, row_count: int, load: Load | None) -> None:
        if self._on_progress is not None:
            requests = self._client.counts.since(self._before)
            self._on_progress(
                PullProgress(self._source_name, self._table, done_days, total_days, row_count, requests, load)
            )


@contextmanager
def _shared_or_own(source: ProviderSource, api_key: str, shared: HttpClient | None) -> Iterator[HttpClient]:
    if shared is not None:
        yield shared
        return
    with open_client(source, api_key) as own:
        yield own


def _land(source: ProviderSource, table: str, records: Sequence[Any], lake: Lake, window: Window | None) -> Load:
    rows = to_arrow(STREAMS[table].record, records)
    admit(table, rows, window=window, batch=source.source_name)
    return lake.land(table, source.source_name, rows, account_id=source.account_id, window=window)


def _first_day_due(source: ProviderSource, windowed: WindowedTable, seen_on: Mapping[date, date], today: date) -> date:
    if not seen_on:
        return source.start_date
    trailing = timedelta(days=source.trailing_days[windowed.trailing])
    first = max(source.start_date, today - trailing)
    for day in (source.start_date + timedelta(days=n) for n in range((first - source.start_date).days)):
        if day not in seen_on or seen_on[day] < day + trailing:
            return day
    return first


def _provider(source: ProviderSource) -> Provider:
    try:
        return PROVIDERS[source.type]
    except KeyError:
        raise ConfigError(
            f"No provider has the type {source.type!r}",
            where=f"source {source.source_name} in sources.yml",
            mend=f"Use one of: {', '.join(PROVIDERS)}.",
        ) from None


def _check_table(source: ProviderSource, table: str) -> None:
    tables = source_tables(source)
    if table not in tables:
        raise ConfigError(
            f"Source {source.source_name} has no table {table!r}",
            where=f"source {source.source_name} in sources.yml, type {source.type}",
            mend=f"Use one of: {', '.join(tables)}.",
        )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _aggregated(
    source: ProviderSource, failures: Mapping[str, TokenAtlasError], landed: Sequence[str]
) -> ProviderError:
    reasons = "".join(f"\n  - {table}: {error.what}" for table, error in failures.items())
    mends = dict.fromkeys(error.mend for error in failures.values() if error.mend)
    return ProviderError(
        f"{len(failures)} of {len(failures) + len(landed)} tables of source {source.source_name} failed{reasons}",
        where=f"source {source.source_name}; landed all the same: {', '.join(landed) or 'nothing'}",
        mend=" | ".join(mends),
    )
