"""Where messages go: one apprise address for each channel, read from the environment at the moment of sending.

An address is a secret. It is never stored, logged or shown, and nothing that a library says of an attempt is either:
what remains of it is a verdict and a few words of our own.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any
from urllib.parse import urlencode

from alerting.model import EventName, Severity
from ingestion.errors import TokenAtlasError

_MAIL_NAMES = frozenset({"email", "mail"})

SEND_SECONDS = 25
"""An attempt that takes longer has no known end. Below the minute that Dagster gives a sensor."""
CONNECT_SECONDS = 8
READ_SECONDS = 15

SENDER = "TokenAtlas"
IDEMPOTENCY_HEADER = "Idempotency-Key"


@dataclass(frozen=True)
class Channel:
    """One line of ``alert_channels.csv``.

    Attributes:
        url_env: Name of the environment variable that holds the apprise address.
        min_severity: The least that it wants to hear of.
    """

    name: str
    url_env: str
    min_severity: Severity = Severity.INFO


@dataclass(frozen=True)
class Image:
    """A picture within a letter, which its HTML shows as ``cid:<content_id>``."""

    content_id: str
    png: bytes


@dataclass(frozen=True)
class Message:
    """What is sent to one receiver. ``message_id`` is the same at every attempt: receivers can tell repeats by it.

    Attributes:
        alert_id: What it is about; letters about the same are one thread.
        images: Pictures of the HTML; only mail carries them.
    """

    message_id: str
    alert_id: str
    event_name: EventName
    severity: Severity
    channel: str
    recipient: str
    subject: str
    text: str
    html: str
    images: tuple[Image, ...] = ()


class Verdict(StrEnum):
    """How an attempt ended."""

    DELIVERED = "delivered"
    FAILED = "failed"
    """It did not arrive; it may the next time."""
    REFUSED = "refused"
    """The receiver will never take it as it is: an address that is gone, a key that is wrong."""
    UNKNOWN = "unknown"
    """No answer came. It may have arrived."""


@dataclass(frozen=True)
class Outcome:
    verdict: Verdict
    error: str | None = None


def writes_to_owner(name: str) -> bool:
    """Whether a channel writes to the owner of what an alert is about: those called email, e-mail or mail do."""
    return name.lower().replace("-", "") in _MAIL_NAMES


class Channels:
    """All channels of one configuration.

    Args:
        environment: Where the addresses are.
    """

    def __init__(
        self, channels: tuple[Channel, ...], environment: Mapping[str, str], *, send_seconds: float = SEND_SECONDS
    ) -> None:
        self._channels = {channel.name: channel for channel in channels}
        self._environment = environment
        self._send_seconds = send_seconds

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._channels)

    def wants(self, name: str, severity: Severity) -> bool:
        """Whether a channel is to hear of it. One that is not listed is: its messages show that it is missing."""
        channel = self._channels.get(name)
        return channel is None or severity.rank >= channel.min_severity.rank

    def problem(self, name: str) -> str | None:
        """Why a channel cannot be used, or None."""
        channel = self._channels.get(name)
        if channel is None:
            return f"the channel {name} is not in alert_channels.csv"
        url = self._environment.get(channel.url_env, "").strip()
        if not url:
            return f"{channel.url_env} is not set in the environment or .env"
        if _instantiate(url) is None:
            return f"{channel.url_env} holds no address that apprise understands"
        return None

    def require(self, name: str) -> None:
        """Raises if a channel cannot be used.

        Raises:
            TokenAtlasError: it is not listed, or its address is missing or not understood.
        """
        if (problem := self.problem(name)) is not None:
            listed = ", ".join(self._channels) or "none yet"
            raise TokenAtlasError(
                f"The channel {name} cannot be used: {problem}",
                where="alert_channels.csv",
                mend=f"docs/alerts.md says how to set up each kind; the channels are: {listed}",
            )

    def send(self, message: Message) -> Outcome:
        """One attempt. Never raises for what a receiver or a library does, and always ends within its time."""
        if (problem := self.problem(message.channel)) is not None:
            return Outcome(Verdict.FAILED, problem)
        url = self._environment[self._channels[message.channel].url_env].strip()
        outcomes: list[Outcome] = []
        # Apprise bounds each read, not the whole: a receiver that drips one byte at a time would hold us for ever.
        attempt = threading.Thread(target=lambda: outcomes.append(_attempt(url, message)), daemon=True)
        attempt.start()
        attempt.join(self._send_seconds)
        return outcomes[0] if outcomes else Outcome(Verdict.UNKNOWN, f"no answer within {self._send_seconds:g} seconds")


def _attempt(url: str, message: Message) -> Outcome:
    from alerting import mail

    try:
        plugin = _instantiate(_addressed(url, message))
        if mail.is_mail(plugin):
            return mail.send(plugin, message)
        return _notify(plugin, message)
    except Exception as error:  # a library's mistake must not stop the other messages
        return Outcome(Verdict.UNKNOWN, f"the attempt broke off with {type(error).__name__}")


# ---------------------------------------------------------------- apprise


def _instantiate(url: str) -> Any:
    """The service that an address names, or None. What apprise would log of the address stays unsaid."""
    import apprise

    asset = apprise.AppriseAsset(app_id=SENDER, app_desc="Alerts of TokenAtlas")
    with _gate().listening():
        plugin: Any = apprise.Apprise.instantiate(url, asset=asset)
    if plugin is not None:
        plugin.socket_connect_timeout = CONNECT_SECONDS
        plugin.socket_read_timeout = READ_SECONDS
        # Its pause between messages is for one long-lived object; ours lives for one message.
        plugin.request_rate_per_sec = 0
    return plugin


def _addressed(url: str, message: Message) -> str:
    """The address with what lets its receiver know a repeat, in the way that its service has for it."""
    schema = url.partition("://")[0].lower()
    extras: dict[str, str] = {}
    if schema in ("json", "jsons"):
        extras = {
            f"+{IDEMPOTENCY_HEADER}": message.message_id,
            ":idempotency_key": message.message_id,
            ":alert_id": message.alert_id,
            ":event": message.event_name.value,
            ":severity": message.severity.value,
        }
    elif schema in ("form", "forms", "xml", "xmls"):
        extras = {f"+{IDEMPOTENCY_HEADER}": message.message_id}
    elif schema == "pagerduty":
        # One incident for each alert, closed when it is resolved.
        extras = {"dedup": message.alert_id, "action": "map"}
    elif schema == "opsgenie":
        extras = {"alias": message.alert_id}
    return url + ("&" if "?" in url else "?") + urlencode(extras) if extras else url


def _notify(plugin: Any, message: Message) -> Outcome:
    import apprise

    kinds = {
        Severity.INFO: apprise.NotifyType.INFO,
        Severity.WARNING: apprise.NotifyType.WARNING,
        Severity.CRITICAL: apprise.NotifyType.FAILURE,
    }
    is_resolved = message.event_name is EventName.RESOLVED
    with _gate().listening() as said:
        is_sent = plugin.notify(
            title=message.subject,
            body=message.text,
            body_format=apprise.NotifyFormat.TEXT,
            notify_type=apprise.NotifyType.SUCCESS if is_resolved else kinds[message.severity],
        )
    return Outcome(Verdict.DELIVERED) if is_sent else verdict_of("\n".join(said))


_STATUS = re.compile(r"error=(\d{3})\b")
_TRY_AGAIN = frozenset({408, 409, 425, 429})


def verdict_of(said: str) -> Outcome:
    """What a failed attempt was, from what apprise logged of it: it returns nothing but False. Only numbers are kept.

    Where nothing can be recognized, it is unknown whether the message arrived: it is sent again, with the same key.
    """
    statuses = _STATUS.findall(said)
    if statuses:
        status = int(statuses[-1])
        is_final = 300 <= status < 500 and status not in _TRY_AGAIN
        return Outcome(Verdict.REFUSED if is_final else Verdict.FAILED, f"the receiver answered {status}")
    if re.search(r"NewConnectionError|Connection refused|Name or service not known|ConnectTimeout|getaddrinfo", said):
        return Outcome(Verdict.FAILED, "the receiver could not be reached")
    if re.search(r"certificate|SSLError", said, re.IGNORECASE):
        return Outcome(Verdict.FAILED, "the receiver's certificate is not trusted")
    if re.search(r"timed out|Timeout", said):
        return Outcome(Verdict.UNKNOWN, "the receiver did not answer in time")
    return Outcome(Verdict.UNKNOWN, "the connection ended without an answer")


class _Gate(logging.Filter):
    """Stands before the loggers whose lines hold addresses: lets nothing out, and tells it to whoever listens here.

    A filter, because levels, handlers and propagation may be set by others at any time.
    """

    def __init__(self) -> None:
        super().__init__()
        self._heard = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        lines: list[str] | None = getattr(self._heard, "lines", None)
        if lines is not None and record.name == "apprise":
            lines.append(record.getMessage())
        return False

    @contextmanager
    def listening(self) -> Iterator[list[str]]:
        """What apprise says in this thread meanwhile."""
        self._heard.lines = []
        try:
            yield self._heard.lines
        finally:
            self._heard.lines = None


@cache
def _gate() -> _Gate:
    """The gate, which stands from the first use on."""
    gate = _Gate()
    # A filter is asked by its own logger only, and not by that of its children.
    for name in ("apprise", "requests", "urllib3", *(f"urllib3.{part}" for part in _URLLIB3_LOGGERS)):
        logging.getLogger(name).addFilter(gate)
    logging.getLogger("apprise").setLevel(logging.DEBUG)
    return gate


_URLLIB3_LOGGERS = ("connection", "connectionpool", "http2.connection", "poolmanager", "response", "util.retry")
