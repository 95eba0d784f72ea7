"""What a key may read: each endpoint asked once, each answer turned into a finding with its remedy."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from ingestion.config import ProviderSource
from ingestion.errors import AuthenticationError, ConfigError, PermissionDeniedError, ProviderError, RateLimitError
from ingestion.http import HttpClient, RetryPolicy, UnreachableError
from ingestion.providers.endpoints import PARENT_ID, Endpoint, Listing, Provider
from ingestion.providers.payload import Node

_IMPATIENT = RetryPolicy(attempts=2, patience_seconds=10.0)


class AccessStatus(enum.StrEnum):
    """How an endpoint answered."""

    OK = "ok"
    KEY_REJECTED = "key rejected"
    SCOPE_MISSING = "scope missing"
    RATE_LIMITED = "rate limited"
    UNREACHABLE = "unreachable"
    UNEXPECTED = "unexpected answer"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class AccessFinding:
    """One endpoint of one source. ``what`` and ``mend`` are for the user; ``mend`` is empty when all is well."""

    source_name: str
    endpoint: str
    status: AccessStatus
    what: str
    mend: str = ""

    @property
    def is_ok(self) -> bool:
        return self.status in {AccessStatus.OK, AccessStatus.NOT_CHECKED}


_STATUSES: tuple[tuple[type[Exception], AccessStatus], ...] = (
    (AuthenticationError, AccessStatus.KEY_REJECTED),
    (PermissionDeniedError, AccessStatus.SCOPE_MISSING),
    (RateLimitError, AccessStatus.RATE_LIMITED),
    (UnreachableError, AccessStatus.UNREACHABLE),
    (Exception, AccessStatus.UNEXPECTED),
)


def check_endpoints(
    provider: Provider,
    source: ProviderSource,
    connect: Callable[[RetryPolicy], HttpClient],
    day: datetime,
) -> list[AccessFinding]:
    """One finding for each of the provider's endpoints.

    Args:
        connect: Opens a client that retries as little as the given policy says: a check should not take minutes.
        day: Midnight UTC of the day that reports are asked for.
    """
    try:
        client = connect(_IMPATIENT)
    except (ProviderError, ConfigError) as error:
        return [_failed(source, endpoint, error) for endpoint in provider.probes]
    with client:
        return list(_probe_all(client, provider, source, day))


def _probe_all(
    client: HttpClient, provider: Provider, source: ProviderSource, day: datetime
) -> Iterator[AccessFinding]:
    parent_id = ""
    unreachable: UnreachableError | None = None
    for endpoint in provider.probes:
        if unreachable is not None:
            # Each further try would only wait for the same time-out again.
            yield _failed(source, endpoint, unreachable)
            continue
        if PARENT_ID in endpoint.path and not parent_id:
            yield _finding(source, endpoint, AccessStatus.NOT_CHECKED, "No project could be listed to try it on")
            continue
        try:
            path = endpoint.path.replace(PARENT_ID, quote(parent_id, safe=""))
            page = Node(client.get(path, _smallest(endpoint, day), mend=endpoint.mend))
            ids = [item.text("id") for item in page.children("data")] if endpoint is provider.probe_parent else []
        except ProviderError as error:
            unreachable = error if isinstance(error, UnreachableError) else None
            yield _failed(source, endpoint, error)
            continue
        parent_id = ids[0] if ids else parent_id
        yield _finding(source, endpoint, AccessStatus.OK, "The key may read this")


def _smallest(endpoint: Endpoint, day: datetime) -> dict[str, str | int | tuple[str, ...]]:
    if isinstance(endpoint, Listing):
        return {**endpoint.params, "limit": 1}
    return {**endpoint.params(day, day + timedelta(days=1), "1d"), "limit": 1}


def _failed(source: ProviderSource, endpoint: Endpoint, error: ProviderError | ConfigError) -> AccessFinding:
    status = next(status for kind, status in _STATUSES if isinstance(error, kind))
    return _finding(source, endpoint, status, error.what, error.mend)


def _finding(
    source: ProviderSource, endpoint: Endpoint, status: AccessStatus, what: str, mend: str = ""
) -> AccessFinding:
    return AccessFinding(source.source_name, f"GET /{endpoint.path}", status, what, mend)
