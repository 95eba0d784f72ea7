"""How far the numbers of a week can be trusted, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from digest.facts import Trust
from digest.weeks import Week
from digest.words import UNKNOWN, percent, ratio_of, short_day, usd

_SHARES = (
    (
        "priced_ratio",
        "Has a price",
        "Share of the ledger's rows whose model has a known price. The rest is not in any total.",
        0.99,
    ),
    ("attributed_ratio", "Has a team", "Share of spend whose owner is known.", 0.95),
    (
        "logged_ratio",
        "Explained by logs",
        "Share of spend that requests in the logs account for; the rest is only on the meter.",
        0.8,
    ),
    ("billed_ratio", "Billed", "Share of spend that providers have billed; the rest is estimated until they do.", 0.7),
)
"""Column, label, meaning, and the level from which it is good."""


def trust_lines(
    shares: Sequence[Any], accuracy: Sequence[Any], gap: Sequence[Any], freshness: Sequence[Any], week: Week
) -> Iterator[Trust]:
    """One line for each limit, in the order in which they are read."""
    found = shares[0] if shares else {}
    for name, label, meaning, level in _SHARES:
        ratio = found.get(name)
        yield Trust(
            name,
            label,
            percent(ratio),
            meaning,
            _exact(ratio),
            None if ratio is None else float(ratio),
            ratio is not None and ratio >= level,
        )
    yield from _gap(gap)
    yield from _accuracy(accuracy)
    yield from _freshness(freshness, week)


def _exact(value: object) -> str:
    return "" if value is None else str(value)


def _gap(rows: Sequence[Any]) -> Iterator[Trust]:
    if not rows:
        return
    row = rows[0]
    share = ratio_of(row["unexplained_usd"], row["billed_cost_usd"])
    if share is None:
        yield Trust("unexplained_usd", "Unexplained", UNKNOWN, "No bill of this week has come yet.", "", None, False)
        return
    yield Trust(
        "unexplained_usd",
        "Unexplained",
        usd(row["unexplained_usd"]),
        f"What is left of the difference of {usd(row['gap_usd'])} between logs and bills of the days that are billed, "
        "once every known cause is taken off.",
        _exact(row["unexplained_usd"]),
        None,
        abs(share) < 0.005,
    )


def _accuracy(rows: Sequence[Any]) -> Iterator[Trust]:
    if not rows:
        yield Trust(
            "forecast_accuracy", "Forecast accuracy", UNKNOWN, "No forecast has come to its end yet.", "", None, False
        )
        return
    row = rows[0]
    made = "made before the fact" if row["is_before_the_fact"] else "made afterwards from earlier days, as a test"
    times = "time" if row["cutoff_count"] == 1 else "times"
    yield Trust(
        "forecast_accuracy",
        f"Forecast accuracy, {row['horizon_days']} days",
        percent(row["total_accuracy_ratio"]),
        f"1 less the error of the total, measured {row['cutoff_count']} {times} on forecasts {made}.",
        _exact(row["total_accuracy_ratio"]),
        None if row["total_accuracy_ratio"] is None else float(row["total_accuracy_ratio"]),
        row["total_accuracy_ratio"] is not None and row["total_accuracy_ratio"] >= 0.85,
    )


def _freshness(rows: Sequence[Any], week: Week) -> Iterator[Trust]:
    for row in rows:
        billed = row["last_billed_date"]
        told = f"billed up to {short_day(billed)}" if billed else "no bill yet"
        yield Trust(
            f"last_date_{row['provider_name']}",
            f"Data of {row['provider_name']}",
            f"up to {short_day(row['last_date'])}",
            f"The last day with any use; {told}.",
            str(row["last_date"]),
            None,
            row["last_date"] >= week.end_date,
        )
