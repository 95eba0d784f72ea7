"""Typed reading of one provider payload. Every complaint names the path of the field, never its content."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from ingestion.errors import MalformedResponseError

_Value = TypeVar("_Value")

_INT64_LIMIT = 2**63
_DECIMAL_TEXT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,6})?", re.ASCII)
_DIGITS_LIMIT = 60
"""An exponent like 1E-999999 is valid JSON, and would unfold into a megabyte of zeros."""


@dataclass(frozen=True)
class Node:
    """One JSON object of a payload, and where it lies in it.

    A method without ``optional_`` raises MalformedResponseError when the field is missing, null or of another type; one
    with it gives None when the field is missing or null. Unknown fields are never looked at.
    """

    fields: Mapping[str, Any]
    path: str = ""

    def text(self, name: str) -> str:
        return self._required(name, self.optional_text(name))

    def optional_text(self, name: str) -> str | None:
        value = self.fields.get(name)
        if value is None or isinstance(value, str):
            return value
        raise self._wrong(name, "text")

    def integer(self, name: str) -> int:
        return self._required(name, self.optional_integer(name))

    def optional_integer(self, name: str) -> int | None:
        """A count. ``59200``, ``59200.0`` and ``"59200"`` are the same count."""
        number = self._number(name, "a whole number")
        if number is None:
            return None
        if number != number.to_integral_value() or abs(number) >= _INT64_LIMIT:
            raise self._wrong(name, "a whole number of at most 63 bits")
        return int(number)

    def decimal(self, name: str) -> Decimal:
        return self._required(name, self.optional_decimal(name))

    def optional_decimal(self, name: str) -> Decimal | None:
        """An exact amount, from a JSON number or from text, with or without an exponent."""
        return self._number(name, "a decimal number")

    def optional_boolean(self, name: str) -> bool | None:
        value = self.fields.get(name)
        if value is None or isinstance(value, bool):
            return value
        raise self._wrong(name, "true or false")

    def epoch_seconds(self, name: str) -> datetime:
        return self._required(name, self.optional_epoch_seconds(name))

    def optional_epoch_seconds(self, name: str) -> datetime | None:
        seconds = self.optional_integer(name)
        if seconds is None:
            return None
        try:
            return datetime.fromtimestamp(seconds, UTC)
        except (ValueError, OverflowError, OSError):
            raise self._wrong(name, "a Unix time in seconds") from None

    def instant(self, name: str) -> datetime:
        return self._required(name, self.optional_instant(name))

    def optional_instant(self, name: str) -> datetime | None:
        text = self.optional_text(name)
        if text is None:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise self._wrong(name, "an RFC 3339 time") from None
        if moment.tzinfo is None:
            raise self._wrong(name, "an RFC 3339 time with its zone")
        return moment.astimezone(UTC)

    def child(self, name: str) -> Node:
        return self._required(name, self.optional_child(name))

    def optional_child(self, name: str) -> Node | None:
        value = self.fields.get(name)
        if value is None:
            return None
        if isinstance(value, Mapping):
            return Node(value, self._path(name))
        raise self._wrong(name, "an object")

    def children(self, name: str) -> Iterator[Node]:
        values = self._required(name, self.fields.get(name))
        if not isinstance(values, list):
            raise self._wrong(name, "a list")
        for index, value in enumerate(values):
            path = f"{self._path(name)}[{index}]"
            if not isinstance(value, Mapping):
                raise _malformed(path, "is not an object")
            yield Node(value, path)

    def _number(self, name: str, kind: str) -> Decimal | None:
        value = self.fields.get(name)
        if value is None:
            return None
        # A bool is an int in Python; a float means that somebody parsed the body without parse_float=Decimal.
        if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
            raise self._wrong(name, kind)
        if isinstance(value, str) and not _DECIMAL_TEXT.fullmatch(value):
            raise self._wrong(name, kind)
        number = Decimal(value)
        exponent = number.as_tuple().exponent
        if not isinstance(exponent, int) or -exponent > _DIGITS_LIMIT or number.adjusted() > _DIGITS_LIMIT:
            raise self._wrong(name, f"{kind} within reason")
        return number

    def _required(self, name: str, value: _Value | None) -> _Value:
        if value is None:
            raise _malformed(self._path(name), "is missing or null")
        return value

    def _path(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def _wrong(self, name: str, wanted: str) -> MalformedResponseError:
        return _malformed(self._path(name), f"is not {wanted}")


def _malformed(path: str, complaint: str) -> MalformedResponseError:
    return MalformedResponseError(
        f"The provider's answer breaks its own shape: `{path}` {complaint}",
        where=path,
        mend="Nothing of this stream was landed. If the provider changed its API, update TokenAtlas or report it.",
    )
