"""Values of SQL as JSON that loses nothing."""

from __future__ import annotations

import base64
import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

MAX_EXACT_INTEGER = 2**53 - 1
"""JSON has numbers without a limit, but JavaScript reads them as doubles."""


def to_json(value: Any) -> Any:
    """The value as JSON.

    Decimals are text without trailing zeros (`"12.5"`), since many clients read numbers as doubles; so are whole
    numbers above 2**53. Dates are ISO 8601; instants are UTC and end in `Z`. NaN and the infinities are text. Null is
    null. Bytes are base64. A MAP is an object if its keys are text, else a list of pairs.

    Raises:
        TypeError: a kind of value that is not known here; it is never guessed.
    """
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if abs(value) <= MAX_EXACT_INTEGER else str(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case Decimal():
            return plain(value)
        case datetime():
            return instant(value)
        case date() | time():
            return value.isoformat()
        case timedelta() | UUID():
            return str(value)
        case bytes() | bytearray():
            return base64.b64encode(value).decode()
        case list() | tuple() | set():
            return [to_json(item) for item in value]
        case dict() if all(isinstance(key, str) for key in value):
            return {key: to_json(item) for key, item in value.items()}
        case dict():
            return [[to_json(key), to_json(item)] for key, item in value.items()]
    raise TypeError(f"{type(value).__name__} has no JSON form here")


def plain(amount: Decimal) -> str:
    """The digits of a decimal without an exponent and without trailing zeros: exactly the same number."""
    if not amount.is_finite():
        return str(amount)
    text = f"{amount:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def instant(value: datetime) -> str:
    """ISO 8601; with an offset it is moved to UTC and ends in Z, without one it stays without."""
    if value.tzinfo is None:
        return value.isoformat()
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
