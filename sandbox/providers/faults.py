"""What can go wrong on purpose, and the clock that the servers go by."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Faults:
    """Misbehaviour of a fake provider. Everything is off by default.

    Attributes:
        rate_limited_rate: Share of requests answered 429; 1 is a storm that never ends.
        retry_after_seconds: What ``Retry-After`` says then; None leaves the header out.
        server_error_rate: Share of requests answered 500 or 503.
        cut_bodies: So many reports break off in the middle, the first ones; -1: all of them.
        has_repeated_cursor: Every page points to the same next page.
        has_more_without_page: Every page says that there is more, and not where.
        is_key_expired: The right key is answered 401.
        is_scope_missing: The right key is answered 403.
        has_unknown_fields: Results carry fields that no documentation has, and one unheard-of enumeration value.
        currency: The currency of every amount, in the provider's own letter case.
        max_page_buckets: Pages hold at most so many buckets, whatever was asked for.
    """

    rate_limited_rate: float = 0.0
    retry_after_seconds: int | None = 0
    server_error_rate: float = 0.0
    cut_bodies: int = 0
    has_repeated_cursor: bool = False
    has_more_without_page: bool = False
    is_key_expired: bool = False
    is_scope_missing: bool = False
    has_unknown_fields: bool = False
    currency: str = "usd"
    max_page_buckets: int | None = None


EVERYDAY = Faults(rate_limited_rate=0.03, server_error_rate=0.02)
"""What any week with a provider brings."""


class Clock:
    """The time that the servers take it to be. It stands still until it is moved; safe to share between threads."""

    def __init__(self, now: datetime) -> None:
        self._lock = threading.Lock()
        self._now = now
        self.move_to(now)

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def move_to(self, now: datetime) -> None:
        """Sets the time, forwards or back.

        Raises:
            ValueError: the time has no zone.
        """
        if now.tzinfo is None:
            raise ValueError("the clock needs a time with a zone")
        with self._lock:
            self._now = now.astimezone(UTC)
