"""Weeks by their ISO names, and numbers as people read them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from digest.svg import axis_ticks, axis_usd
from digest.weeks import Week, last_complete_week, parse_week
from digest.words import percent, short_day, signed_percent, signed_usd, span, usd
from ingestion.errors import TokenAtlasError

MONDAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("today", "name"), [(MONDAY, "2026-W47"), (date(2026, 11, 29), "2026-W47"), (date(2027, 1, 4), "2026-W53")]
)
def test_the_last_complete_week_is_past_on_its_monday(today: date, name: str) -> None:
    """On a Sunday its own week has not ended; a week belongs to the year of its Thursday."""
    assert last_complete_week(today).name == name


def test_a_week_runs_from_monday_to_sunday() -> None:
    """Seven days, named as in a calendar."""
    week = parse_week("2026-W47", MONDAY)
    assert (week.start_date, week.end_date, week.number) == (date(2026, 11, 16), date(2026, 11, 22), 47)
    assert parse_week("2026w47", MONDAY) == week
    assert week.before(2) == Week(date(2026, 11, 2))


@pytest.mark.parametrize(
    ("text", "says"),
    [("47", "is not a week"), ("2026-W54", "2026 has no week 54"), ("2026-W48", "2026-W48 has not ended")],
)
def test_what_is_no_week_is_refused(text: str, says: str) -> None:
    """With the last week that can be asked for."""
    with pytest.raises(TokenAtlasError, match=says) as raised:
        parse_week(text, MONDAY)
    assert "2026-W47" in raised.value.mend


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0", "$0.00"),
        ("0.0421", "$0.042"),
        ("0.00001", "less than $0.0001"),
        ("49.713", "$49.71"),
        ("1240.4", "$1,240"),
        ("1240400", "$1.24M"),
        ("-3.1", "\u2212$3.10"),
    ],
)
def test_dollars_are_rounded_for_reading(amount: str, shown: str) -> None:
    """Cents where they say something; what is not known is not zero."""
    assert usd(Decimal(amount)) == shown
    assert usd(None) == "not known"


def test_shares_are_not_rounded_to_all_or_nothing() -> None:
    """99.7 % is not everything, and 0.2 % is not nothing."""
    assert [percent(each) for each in (1, Decimal("0.997"), Decimal("0.99991"), Decimal("0.002"), 0)] == [
        *("100 %", "99.7 %", "more than 99.9 %", "less than 1 %", "0 %")
    ]
    assert (signed_percent(Decimal("0.12")), signed_percent(Decimal("0.001"))) == ("+12 %", "no change")
    assert signed_usd(Decimal(2)) == "+$2.00"


def test_days_are_written_out() -> None:
    """With month and year of the first day where they differ."""
    assert span(date(2026, 11, 16), date(2026, 11, 22)) == "16 to 22 November 2026"
    assert span(date(2026, 11, 30), date(2026, 12, 6)) == "30 November to 6 December 2026"
    assert span(date(2026, 12, 28), date(2027, 1, 3)) == "28 December 2026 to 3 January 2027"
    assert short_day(date(2026, 11, 2)) == "2 Nov"


@pytest.mark.parametrize("top", [0.0003, 0.7, 49.7, 99, 1234, 8e6])
def test_an_axis_has_round_ticks_that_cover_the_bars(top: float) -> None:
    """Three to six of them."""
    ticks = axis_ticks(top)
    assert ticks[0] == 0
    assert ticks[-1] >= top > ticks[-2]
    assert 3 <= len(ticks) <= 6
    assert axis_usd(1500) == "$1.5k"
