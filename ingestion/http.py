"""One HTTP client for every provider: retries, patience, cursors, exact numbers, and no key in any message.

Providers publish no rate limits for their admin APIs, so the client waits as it is told and gives up only when its
patience is used up. A body that was cut on the way is asked for again; a body that is no JSON is an error at once.
"""

from __future__ import annotations

import email.utils
import json
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, NoReturn

import httpx

from ingestion.errors import (
    AuthenticationError,
    ConfigError,
    MalformedResponseError,
    PermissionDeniedError,
    ProviderError,
    RateLimitError,
    RepeatedCursorError,
)

Params = Mapping[str, str | int | Sequence[str]]
"""Query parameters; a sequence is sent as a repeated parameter."""

_RETRIED_STATUSES = frozenset({408, 429})
_SHOWN_PARAMS = frozenset({"start_time", "end_time", "starting_at", "ending_at", "bucket_width", "limit"})
_KEY_LIKE = re.compile(r"\b(sk|pk|rk)-[A-Za-z0-9_*.\-]{4,}|(?i:\bbearer\s+)[^\s\"',]+")
_MESSAGE_LENGTH = 300
_PAGE_LIMIT = 10_000


class NotFoundError(ProviderError):
    """The provider knows no such path or object (404)."""


class UnreachableError(ProviderError):
    """No answer came: the name does not resolve, the connection fails or breaks, or a time-out passed."""


@dataclass(frozen=True)
class RetryPolicy:
    """How long to keep trying one request.

    Attributes:
        attempts: Tries for a failure on which the provider put no wait (broken connection, 408, 5xx, cut body).
            A 429, or an answer that says how long to wait, is bounded by the patience alone.
        first_wait_seconds: The first wait; doubles with each try, and each wait is shortened by up to half at random.
        longest_wait_seconds: No single wait is longer, whatever the provider asks for.
        patience_seconds: All waits of one request together.
    """

    attempts: int = 6
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 120.0
    patience_seconds: float = 300.0


@dataclass(frozen=True)
class RequestCounts:
    """What a client has done so far. ``request_count`` holds every try, ``retry_count`` those after a failure."""

    request_count: int = 0
    retry_count: int = 0
    waited_seconds: float = 0.0
    received_bytes: int = 0

    def since(self, earlier: RequestCounts) -> RequestCounts:
        return RequestCounts(
            self.request_count - earlier.request_count,
            self.retry_count - earlier.retry_count,
            self.waited_seconds - earlier.waited_seconds,
            self.received_bytes - earlier.received_bytes,
        )


@dataclass(frozen=True)
class Cursor:
    """How a listing is paged.

    Attributes:
        param: Query parameter that carries the cursor.
        field: Field of the body that holds the next one.
        null_ends: A null cursor ends the listing even if ``has_more`` is true (OpenAI); otherwise that is an error.
    """

    param: str
    field: str
    null_ends: bool = False


@dataclass(frozen=True)
class _Failure:
    """One failed try: the error it becomes when trying ends, and the wait that the provider asked for."""

    error: ProviderError
    is_rate_limit: bool = False
    told_wait_seconds: float | None = None


class HttpClient:
    """A JSON client for one provider and one key. Use it as a context manager.

    Args:
        base_url: Address below which every path lies, with or without a slash at its end.
        key: The secret. It is sent in ``key_header`` and shown nowhere.
        key_header: Name of the header, and what stands before the key in it (``Bearer ``).
        headers: Other headers, without secrets.
        trust_env: Whether proxies and certificates named in the environment are used. Off by default, because a proxy
            meant for the outside world would otherwise receive requests, with their key, for 127.0.0.1.
        sleep, jitter, now: The outside world, replaceable: waiting, a number from 0 to 1, and the UTC time.

    Raises:
        ConfigError: the address is no plain http(s) address.
        AuthenticationError: the key is empty or cannot be sent in a header.
    """

    def __init__(
        self,
        base_url: str,
        *,
        key: str,
        key_header: tuple[str, str] = ("Authorization", "Bearer "),
        headers: Mapping[str, str] | None = None,
        policy: RetryPolicy | None = None,
        timeout_seconds: float = 60.0,
        trust_env: bool = False,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._base_url = _checked_base_url(base_url)
        self._key = _checked_key(key, where=self._base_url)
        self._policy = policy or RetryPolicy()
        self._sleep, self._jitter, self._now = sleep, jitter, now
        self._counts = RequestCounts()
        self._client = httpx.Client(
            auth=_KeyAuth(key_header[0], key_header[1] + self._key),
            headers={"accept": "application/json", "user-agent": "tokenatlas", **(headers or {})},
            timeout=httpx.Timeout(timeout_seconds, connect=min(10.0, timeout_seconds)),
            trust_env=trust_env,
        )

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._client.close()

    @property
    def counts(self) -> RequestCounts:
        return self._counts

    def get(self, path: str, params: Params | None = None, *, mend: Mapping[int, str] | None = None) -> dict[str, Any]:
        """The JSON object at a path. Numbers with a fraction or exponent come as ``Decimal``.

        Args:
            mend: What the user can do about a status, where the endpoint knows better than the client (401, 403, 404).

        Raises:
            AuthenticationError, PermissionDeniedError, NotFoundError: 401, 403, 404.
            RateLimitError: still 429 when the patience ran out.
            UnreachableError: still no answer after the last try.
            MalformedResponseError: the body is cut on every try, or is not a JSON object.
            ProviderError: any other status.
        """
        where = self._where(path, params)
        waited, tries = 0.0, 0
        while True:
            tries += 1
            outcome = self._try(path, params, where, mend or {})
            if isinstance(outcome, dict):
                return outcome
            wait = self._wait_seconds(outcome, tries)
            is_bounded_by_patience = outcome.is_rate_limit or outcome.told_wait_seconds is not None
            if waited + wait > self._policy.patience_seconds or (
                not is_bounded_by_patience and tries >= self._policy.attempts
            ):
                raise _after_tries(outcome.error, tries, waited)
            self._sleep(wait)
            waited += wait
            self._counts = replace(
                self._counts,
                retry_count=self._counts.retry_count + 1,
                waited_seconds=self._counts.waited_seconds + wait,
            )

    def pages(
        self, path: str, params: Params | None, cursor: Cursor, *, mend: Mapping[int, str] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Every page of a listing, first to last. A page is given out only once it is known how the listing goes on.

        Raises:
            RepeatedCursorError: a cursor came back, or the listing does not end.
            MalformedResponseError: more is promised without saying where.
        """
        where = self._where(path, params)
        seen: set[str] = set()
        query = dict(params or {})
        for _ in range(_PAGE_LIMIT):
            page = self.get(path, query, mend=mend)
            following = _next_cursor(page, cursor, where)
            if following in seen:
                raise RepeatedCursorError(
                    f"The provider sent the same page cursor twice (after {len(seen) + 1} pages)",
                    where=where,
                    mend="Nothing was landed. Run again; if it stays, report it to the provider.",
                )
            yield page
            if following is None:
                return
            seen.add(following)
            query[cursor.param] = following
        raise RepeatedCursorError(
            f"The listing did not end after {_PAGE_LIMIT} pages",
            where=where,
            mend="Nothing was landed. Ask for a shorter window with `tokenatlas backfill --from --to`.",
        )

    def _try(self, path: str, params: Params | None, where: str, mend: Mapping[int, str]) -> dict[str, Any] | _Failure:
        self._counts = replace(self._counts, request_count=self._counts.request_count + 1)
        try:
            response = self._client.get(f"{self._base_url}/{path.lstrip('/')}", params=_query(params))
        except httpx.RequestError as error:
            return _Failure(
                UnreachableError(
                    f"No complete answer: {type(error).__name__} ({self._redact(str(error))})",
                    where=where,
                    mend="Check base_url in sources.yml and the network; nothing was landed.",
                )
            )
        self._counts = replace(self._counts, received_bytes=self._counts.received_bytes + len(response.content))
        if not response.is_success:
            return self._failure(response, where, mend)
        return self._body(response, where)

    def _failure(self, response: httpx.Response, where: str, mend: Mapping[int, str]) -> _Failure:
        """The failure to retry.

        Raises:
            ProviderError: the status will not change by asking again.
        """
        status = response.status_code
        told = _told_wait_seconds(response.headers, self._now())
        said = self._provider_message(response)
        is_refused_for_good = response.headers.get("x-should-retry", "").lower() == "false"
        if status == 429:
            asked = f"; it asks to wait {told:g} s" if told is not None else ""
            limited = RateLimitError(
                f"The provider limits the rate of requests (429){asked}{said}",
                where=where,
                mend=mend.get(429, "Wait and run again; what was landed before is kept and not asked for twice."),
            )
            if is_refused_for_good:
                raise limited
            return _Failure(limited, is_rate_limit=True, told_wait_seconds=told)
        error = _status_error(status, said, where, mend)
        if (status in _RETRIED_STATUSES or status >= 500) and not is_refused_for_good:
            return _Failure(error, told_wait_seconds=told)
        raise error

    def _body(self, response: httpx.Response, where: str) -> dict[str, Any] | _Failure:
        text = response.content.decode("utf-8", errors="replace").lstrip("\ufeff \t\r\n")
        if text and text[0] not in "{[":
            raise MalformedResponseError(
                f"The answer is not JSON (content type {response.headers.get('content-type', 'not said')!r})",
                where=where,
                mend="Check base_url in sources.yml: a login page or a proxy may be answering instead of the provider.",
            )
        try:
            body = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
        except (ValueError, ArithmeticError, RecursionError):
            return _Failure(
                MalformedResponseError(
                    f"The answer is not whole: its JSON breaks off or is damaged ({len(response.content)} bytes)",
                    where=where,
                    mend="Run again; nothing was landed. If it stays, a proxy on the way cuts answers.",
                )
            )
        if not isinstance(body, dict):
            raise MalformedResponseError(
                f"The answer is a JSON {type(body).__name__}, not an object", where=where, mend=_CHECK_BASE_URL
            )
        return body

    def _wait_seconds(self, failure: _Failure, tries: int) -> float:
        longest = self._policy.longest_wait_seconds
        own = min(longest, self._policy.first_wait_seconds * 2.0 ** (tries - 1)) * (0.5 + 0.5 * self._jitter())
        # Never earlier than told, and later when it keeps failing: "Retry-After: 0" must not make a storm of ours.
        return min(longest, max(own, failure.told_wait_seconds or 0.0))

    def _where(self, path: str, params: Params | None) -> str:
        shown = [
            f"{name}={value if name in _SHOWN_PARAMS else '…'}" for name, value in (params or {}).items() if value != ""
        ]
        return self._redact(f"GET {self._base_url}/{path.lstrip('/')}" + (f" ({', '.join(shown)})" if shown else ""))

    def _provider_message(self, response: httpx.Response) -> str:
        """What the provider says, shortened and without keys: some echo a part of the key they refuse."""
        try:
            body = json.loads(response.content)
            said = body["error"]["message"]
        except (ValueError, RecursionError, LookupError, TypeError):
            return ""
        text = " ".join(self._redact(str(said)).split())
        return f": {text[:_MESSAGE_LENGTH]}" if text else ""

    def _redact(self, text: str) -> str:
        return _KEY_LIKE.sub("[redacted]", text.replace(self._key, "[redacted]"))


_CHECK_BASE_URL = "Check base_url in sources.yml."


class _KeyAuth(httpx.Auth):
    """Puts the key on each request as it leaves, so that no client, header map or log record holds it."""

    def __init__(self, name: str, value: str) -> None:
        self._name, self._value = name, value

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]  # httpx wants a generator
        request.headers[self._name] = self._value
        yield request


def _checked_base_url(base_url: str) -> str:
    try:
        url = httpx.URL(base_url)
    except (httpx.InvalidURL, TypeError):
        url = httpx.URL("")
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo or url.query or url.fragment:
        raise ConfigError(
            "base_url must be a plain http(s) address without user, password or query",
            where=f"base_url of a source in sources.yml (host {url.host or 'missing'})",
            mend="Write it like https://api.openai.com/v1; keys go into the variable named by api_key_env.",
        )
    return base_url.rstrip("/")


def _checked_key(key: str, *, where: str) -> str:
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise AuthenticationError(
            "The API key is empty" if not key else "The API key has characters that no key has",
            where=where,
            mend="Set the variable named by api_key_env in the environment or in .env: the key alone, on one line.",
        )
    return key


def _query(params: Params | None) -> httpx.QueryParams:
    pairs: list[tuple[str, str | int | float | bool | None]] = []
    for name, value in (params or {}).items():
        values = [value] if isinstance(value, str | int) else value
        pairs.extend((name, str(each)) for each in values)
    return httpx.QueryParams(pairs)


def _next_cursor(page: Mapping[str, Any], cursor: Cursor, where: str) -> str | None:
    has_more = page.get("has_more")
    if not isinstance(has_more, bool):
        raise MalformedResponseError("`has_more` is missing or is not true or false", where=where, mend=_CHECK_BASE_URL)
    if not has_more:
        return None
    following = page.get(cursor.field)
    if isinstance(following, str) and following:
        return following
    if cursor.null_ends:
        return None
    raise MalformedResponseError(
        f"`has_more` is true but `{cursor.field}` says not where",
        where=where,
        mend="Nothing was landed. Run again; if it stays, report it to the provider.",
    )


def _told_wait_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that the answer asks to wait, from ``retry-after-ms`` or ``Retry-After`` (seconds or an HTTP date)."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name, "").strip()
        if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text):
            return float(text) * unit
    try:
        moment = email.utils.parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def _status_error(status: int, said: str, where: str, mend: Mapping[int, str]) -> ProviderError:
    if status == 401:
        return AuthenticationError(
            f"The provider does not accept the key (401){said}",
            where=where,
            mend=mend.get(401, "The key may have expired: make a new one and set the variable of api_key_env."),
        )
    if status == 403:
        return PermissionDeniedError(
            f"The key may not read this (403){said}",
            where=where,
            mend=mend.get(403, "Give the key the permission, or use one that has it."),
        )
    if status == 404:
        return NotFoundError(f"There is no such path (404){said}", where=where, mend=mend.get(404, _CHECK_BASE_URL))
    if status >= 500 or status in _RETRIED_STATUSES:
        return ProviderError(
            f"The provider failed to answer ({status}){said}",
            where=where,
            mend=mend.get(status, "Run again later; nothing was landed."),
        )
    return ProviderError(
        f"The provider answered {status}{said}",
        where=where,
        mend=mend.get(status, "Check base_url and the source's settings in sources.yml."),
    )


def _after_tries(error: ProviderError, tries: int, waited: float) -> ProviderError:
    return type(error)(f"{error.what} [{tries} tries, {waited:.0f} s of waiting]", where=error.where, mend=error.mend)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
