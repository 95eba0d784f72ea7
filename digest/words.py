"""How numbers are written in a digest: with their unit, rounded for reading, never zero for what is not known."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
UNKNOWN = "not known"
MINUS = "\u2212"
"""As wide as a plus, and never broken from its number."""

Number = Decimal | float | int


def usd(amount: Number | None) -> str:
    """``$0.042``, ``$49.71``, ``$1,240``, ``$1.24M``; cents only where they say something."""
    if amount is None:
        return UNKNOWN
    size = abs(Decimal(str(amount)))
    sign = MINUS if amount < 0 else ""
    if size >= 999_500:
        return f"{sign}${size / 1_000_000:,.2f}M"
    if size >= Decimal("99.5"):
        return f"{sign}${size:,.0f}"
    if size >= Decimal("0.095") or size == 0:
        return f"{sign}${size:,.2f}"
    return f"{sign}${float(size):.2g}" if size >= Decimal("0.0001") else "less than $0.0001"


def signed_usd(amount: Number | None) -> str:
    """The same with a plus."""
    if amount is None:
        return UNKNOWN
    return f"+{usd(amount)}" if amount > 0 else usd(amount)


def percent(ratio: Number | None) -> str:
    """``37 %``. A share that is not quite all, or not quite nothing, is not rounded to all or nothing."""
    if ratio is None:
        return UNKNOWN
    size = abs(Decimal(str(ratio)))
    shown = f"{size * 100:.0f}"
    if shown == "100" and size < 1:
        shown = f"{size * 100:.1f}" if size < Decimal("0.9995") else "more than 99.9"
    if shown == "0" and ratio != 0:
        return "less than 1 %"
    return f"{MINUS if ratio < 0 else ''}{shown} %"


def signed_percent(ratio: Number | None) -> str:
    """``+12 %``; of no change at all, ``no change``."""
    if ratio is None:
        return UNKNOWN
    shown = f"{abs(Decimal(str(ratio))) * 100:.0f}"
    if shown == "0":
        return "no change"
    return f"{'+' if ratio > 0 else MINUS}{shown} %"


def count(number: Number | None) -> str:
    return UNKNOWN if number is None else f"{number:,.0f}"


def day(date_: date | None) -> str:
    """``22 November 2026``."""
    return UNKNOWN if date_ is None else f"{date_.day} {MONTHS[date_.month - 1]} {date_.year}"


def short_day(date_: date | None) -> str:
    """``22 Nov``."""
    return UNKNOWN if date_ is None else f"{date_.day} {MONTHS[date_.month - 1][:3]}"


def span(first: date, last: date) -> str:
    """``16 to 22 November 2026``, with month and year of the first day where they differ."""
    if first.year != last.year:
        return f"{day(first)} to {day(last)}"
    if first.month != last.month:
        return f"{first.day} {MONTHS[first.month - 1]} to {day(last)}"
    return f"{first.day} to {day(last)}"


def ratio_of(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    """A share or a change for reading; None where the whole is not known or nothing."""
    return None if part is None or whole is None or whole == 0 else part / whole
