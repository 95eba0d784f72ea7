"""Weeks of a digest: Monday to Sunday, UTC, with their ISO names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from ingestion.errors import TokenAtlasError

_NAME = re.compile(r"(\d{4})-?W(\d{1,2})", re.IGNORECASE)


@dataclass(frozen=True, order=True)
class Week:
    """A whole week, named by its Monday."""

    start_date: date

    @property
    def end_date(self) -> date:
        """Its Sunday."""
        return self.start_date + timedelta(days=6)

    @property
    def name(self) -> str:
        """``2026-W47``: the ISO year, which is that of its Thursday."""
        year, number, _ = self.start_date.isocalendar()
        return f"{year}-W{number:02d}"

    @property
    def number(self) -> int:
        return self.start_date.isocalendar().week

    def before(self, weeks: int = 1) -> Week:
        return Week(self.start_date - timedelta(weeks=weeks))


def week_of(day: date) -> Week:
    """The week that a day lies in."""
    return Week(day - timedelta(days=day.weekday()))


def last_complete_week(today: date) -> Week:
    """The youngest week all of whose days are past."""
    return week_of(today).before()


def parse_week(text: str, today: date) -> Week:
    """The week of a name such as ``2026-W47``.

    Raises:
        TokenAtlasError: it is no such name, the year has no such week, or the week has not ended.
    """
    last = last_complete_week(today)
    mend = f"write a week such as {last.name}, the last complete one"
    match = _NAME.fullmatch(text.strip())
    if match is None:
        raise TokenAtlasError(f"{text!r} is not a week", where="--week", mend=mend)
    try:
        week = Week(date.fromisocalendar(int(match[1]), int(match[2]), 1))
    except ValueError as error:
        raise TokenAtlasError(f"{match[1]} has no week {match[2]}", where="--week", mend=mend) from error
    if week > last:
        raise TokenAtlasError(f"{week.name} has not ended: its last day is {week.end_date}", where="--week", mend=mend)
    return week
