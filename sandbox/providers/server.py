"""The part that both fake providers share: HTTP, keys, faults, parameters, buckets and pages."""

from __future__ import annotations

import base64
import binascii
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from sandbox.draws import mix, unit_interval
from sandbox.providers.faults import Clock, Faults

MAX_BUCKETS = {"1d": (7, 31), "1h": (24, 168), "1m": (60, 1440)}
"""Default and most buckets of a page of usage, for each width."""

WIDTHS = {"1d": timedelta(days=1), "1h": timedelta(hours=1), "1m": timedelta(minutes=1)}


class Refusal(Exception):  # noqa: N818 - an answer, not an error of ours
    """A request that is answered with an error status."""

    def __init__(self, status: int, kind: str, message: str, *, retry_after_seconds: int | None = None) -> None:
        self.status = status
        self.kind = kind
        self.message = message
        self.retry_after_seconds = retry_after_seconds
        super().__init__(message)


class Raw(str):
    """JSON text that goes into a body as it stands: amounts whose digits must not pass through a float."""


@dataclass(frozen=True)
class Query:
    """The parameters of a request; lists may be repeated, bracketed or not."""

    path: str
    values: dict[str, list[str]]

    def texts(self, name: str) -> list[str]:
        return self.values.get(name, []) + self.values.get(f"{name}[]", [])

    def text(self, name: str) -> str | None:
        found = self.texts(name)
        return found[-1] if found else None

    def whole_number(self, name: str, default: int, most: int) -> int:
        """A number from 1 to ``most``.

        Raises:
            Refusal: it is not one (400).
        """
        text = self.text(name)
        if text is None:
            return default
        if not text.isdigit() or not 1 <= int(text) <= most:
            raise Refusal(
                400,
                "invalid_request_error",
                f"Invalid '{name}': expected a whole number from 1 to {most}, got '{text}'",
            )
        return int(text)

    def choices(self, name: str, allowed: tuple[str, ...]) -> list[str]:
        """Values of a list parameter.

        Raises:
            Refusal: one of them is not allowed (400).
        """
        found = self.texts(name)
        for value in found:
            if value not in allowed:
                raise Refusal(
                    400, "invalid_request_error", f"Invalid '{name}': '{value}' is not one of {', '.join(allowed)}"
                )
        return found


@dataclass(frozen=True)
class Page:
    """One page of time buckets: each ``(start, end)``, and the cursor of the next page if there is one."""

    buckets: list[tuple[datetime, datetime]]
    next_page: str | None


def paged_buckets(start: datetime, end: datetime, width: timedelta, limit: int, cursor: str | None) -> Page:
    """Buckets from ``start`` to ``end``. Only the first may begin between two multiples of the width.

    Raises:
        Refusal: the cursor is not one of ours (400).
    """
    begin = start if cursor is None else _decode_cursor(cursor)
    buckets: list[tuple[datetime, datetime]] = []
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    while begin < end and len(buckets) < limit:
        stop = epoch + ((begin - epoch) // width + 1) * width
        buckets.append((begin, stop))
        begin = stop
    return Page(buckets, _encode_cursor(begin) if begin < end else None)


def _encode_cursor(begin: datetime) -> str:
    return "page_" + base64.urlsafe_b64encode(f"at:{int(begin.timestamp())}".encode()).decode().rstrip("=")


def _decode_cursor(cursor: str) -> datetime:
    text = cursor.removeprefix("page_")
    try:
        return datetime.fromtimestamp(
            int(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().removeprefix("at:")), tz=UTC
        )
    except (ValueError, binascii.Error) as error:
        raise Refusal(400, "invalid_request_error", "Invalid 'page'") from error


def render(value: Any) -> str:
    """JSON text of a value in which ``Raw`` parts stand as they are."""
    match value:
        case Raw():
            return str(value)
        case dict():
            return "{" + ",".join(f"{json.dumps(key)}:{render(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ",".join(map(render, value)) + "]"
        case _:
            return json.dumps(value)


def plain(amount: Decimal) -> str:
    """A decimal without an exponent and without idle zeros."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


class Api(Protocol):
    """One provider's answers, and its faults for the requests that follow."""

    faults: Faults

    def check_key(self, headers: Any) -> None:
        """Raises ``Refusal`` (401) unless the request carries the right key."""

    def answer(self, query: Query) -> Any:
        """The body for a GET request; raises ``Refusal`` for what does not exist or is wrong."""

    def error_body(self, refusal: Refusal) -> Any:
        """An error in the provider's own shape."""


@dataclass
class Traffic:
    """What a server was asked, for tests: the path with its query, and the status that it answered."""

    answers: list[tuple[str, int]] = field(default_factory=list)


class FakeServer:
    """One provider on a port of this machine; port 0 takes a free one."""

    def __init__(self, api: Api, clock: Clock, port: int = 0) -> None:
        self.api = api
        self.clock = clock
        self.traffic = Traffic()
        self._lock = threading.Lock()
        self._count = 0
        self._cut_count = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def faults(self) -> Faults:
        return self.api.faults

    def set_faults(self, faults: Faults) -> None:
        """Misbehaves in this way from now on; counts of cut bodies begin anew."""
        with self._lock:
            self.api.faults = faults
            self._cut_count = 0

    @contextmanager
    def running(self) -> Iterator[FakeServer]:
        """Serves from a thread until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def respond(self, target: str, headers: Any) -> tuple[int, bytes, dict[str, str], bool]:
        """Status, body, extra headers, and whether the body breaks off."""
        parts = urlsplit(target)
        query = Query(parts.path, parse_qs(parts.query, keep_blank_values=True))
        extra: dict[str, str] = {}
        is_cut = False
        try:
            self._refuse_sometimes()
            self.api.check_key(headers)
            self._refuse_key()
            body = render(self.api.answer(query)).encode()
            status = 200
            is_cut = self._is_cut()
        except Refusal as refusal:
            status = refusal.status
            body = render(self.api.error_body(refusal)).encode()
            if refusal.retry_after_seconds is not None:
                extra["Retry-After"] = str(refusal.retry_after_seconds)
        with self._lock:
            self.traffic.answers.append((target, status))
        return status, body, extra, is_cut

    def _refuse_sometimes(self) -> None:
        with self._lock:
            self._count += 1
            draw = float(unit_interval(mix(self._count, 61))[0])
        if draw < self.faults.rate_limited_rate:
            raise Refusal(
                429,
                "rate_limit_error",
                "Rate limit reached, slow down",
                retry_after_seconds=self.faults.retry_after_seconds,
            )
        if draw < self.faults.rate_limited_rate + self.faults.server_error_rate:
            raise Refusal(500 if self._count % 2 else 503, "server_error", "The server had an error, try again")

    def _refuse_key(self) -> None:
        if self.faults.is_key_expired:
            raise Refusal(401, "authentication_error", "The API key has expired")
        if self.faults.is_scope_missing:
            raise Refusal(
                403,
                "permission_error",
                "You have insufficient permissions for this operation. Missing scopes: api.usage.read",
            )

    def _is_cut(self) -> bool:
        with self._lock:
            self._cut_count += 1
            return self.faults.cut_bodies < 0 or self._cut_count <= self.faults.cut_bodies

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # One packet an answer: otherwise header and body wait for each other's acknowledgement.
            wbufsize = -1
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                status, body, extra, is_cut = fake.respond(self.path, self.headers)
                self._send(status, body, extra, is_cut=is_cut)

            def do_POST(self) -> None:
                """Sets the clock of the sandbox: ``POST /__clock`` with ``{"now": "<RFC 3339>"}``."""
                text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.path != "/__clock":
                    self._send(404, b'{"error":"not found"}', {})
                    return
                try:
                    fake.clock.move_to(datetime.fromisoformat(json.loads(text)["now"]))
                except (ValueError, KeyError, TypeError) as error:
                    self._send(400, json.dumps({"error": f"the clock was not moved: {error}"}).encode(), {})
                    return
                self._send(200, json.dumps({"now": fake.clock.now().isoformat()}).encode(), {})

            def _send(self, status: int, body: bytes, extra: dict[str, str], *, is_cut: bool = False) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                for name, value in extra.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if is_cut else body)
                self.close_connection = self.close_connection or is_cut

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
                """Keeps quiet: ``traffic`` has what was asked."""

        return Handler


def epoch_seconds(query: Query, name: str) -> datetime | None:
    """An instant in whole seconds since 1970.

    Raises:
        Refusal: it is not a number (400).
    """
    text = query.text(name)
    if text is None:
        return None
    if not text.isdigit():
        raise Refusal(400, "invalid_request_error", f"Invalid '{name}': expected Unix seconds, got '{text}'")
    return datetime.fromtimestamp(int(text), tz=UTC)


def rfc3339(query: Query, name: str) -> datetime | None:
    """An instant in RFC 3339; without a zone it is UTC.

    Raises:
        Refusal: it cannot be read (400).
    """
    text = query.text(name)
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refusal(400, "invalid_request_error", f"{name}: expected an RFC 3339 time, got '{text}'") from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
