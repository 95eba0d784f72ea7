"""Planned changes that should have begun but cannot be seen in the cost: launches slip, migrations stop halfway.

Bringing the history to the level of a change that never came would move the whole forecast by it. So such a change is
found here, and the caller leaves it out: the forecast then follows what was seen, until the plan gives another date.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from forecasting.change_effects import ChangeFinding
from forecasting.cost_mix import CostMix
from forecasting.planned_changes import PlannedChange
from forecasting.series import FloatArray

WINDOW_DAYS = 7
"""A week on either side, so that weekends weigh alike."""

SEEN_SHARE = 0.5
"""A change is seen when cost moved by at least this share of what was planned."""

_SMALLEST_STEP = 0.2
"""A planned step below a fifth of the cost in its scope cannot be told from a usual week; it is believed."""


@dataclass(frozen=True)
class _DailyCosts:
    """``[n_slices, days]`` dollars of the slices of a mix."""

    mix: CostMix
    first_day: date
    costs: FloatArray


def unseen_changes(
    rows: Iterable[tuple[tuple[str, ...], date, float]],
    dimensions: tuple[str, ...],
    changes: Iterable[PlannedChange],
    cutoff: date,
) -> list[ChangeFinding]:
    """A finding for each change without end that was complete a week before the cutoff and did not show.

    Prices are contracts and are believed. Changes whose first day lies before the rows, or less than a week after them,
    cannot be judged.

    Args:
        rows: As for ``reference_mix``: values of a slice, day and dollars, of the last weeks up to the cutoff.
    """
    listed = list(rows)
    if not listed:
        return []
    daily = _daily(listed, dimensions, cutoff)
    judged = ((change, _steps(change, daily, cutoff)) for change in changes)
    return [_finding(change, *steps) for change, steps in judged if steps is not None and _is_unseen(*steps)]


def _daily(
    rows: Sequence[tuple[tuple[str, ...], date, float]], dimensions: tuple[str, ...], cutoff: date
) -> _DailyCosts:
    mix = CostMix.of(((values, cost) for values, _, cost in rows), dimensions)
    first_day = min(day for _, day, _ in rows)
    costs = np.zeros((len(mix.slices), (cutoff - first_day).days + 1))
    position = {one: row for row, one in enumerate(mix.slices)}
    for values, day, cost in rows:
        costs[position[values], (day - first_day).days] += cost
    return _DailyCosts(mix, first_day, costs)


def _steps(change: PlannedChange, daily: _DailyCosts, cutoff: date) -> tuple[float, float, float] | None:
    """Dollars a day before the change, and the planned and the seen step; None where it cannot be judged."""
    start = (change.start_date - daily.first_day).days
    if change.change_kind == "price" or not change.is_for_ever or start < WINDOW_DAYS:
        return None
    if (cutoff - change.start_date).days + 1 < change.ramp_days + WINDOW_DAYS:
        return None
    in_scope = daily.costs[daily.mix.matching(change.scope)].sum(axis=0)
    before, after = float(in_scope[start - WINDOW_DAYS : start].mean()), float(in_scope[-WINDOW_DAYS:].mean())
    planned = before * float(change.factor - 1) if change.factor is not None else float(change.daily_amount_usd or 0)
    return before, planned, after - before


def _is_unseen(before: float, planned: float, seen: float) -> bool:
    return abs(planned) > _SMALLEST_STEP * before and seen / planned < SEEN_SHARE


def _finding(change: PlannedChange, before: float, planned: float, seen: float) -> ChangeFinding:
    return ChangeFinding(
        change.change_id,
        f"Planned change {change.change_id} ({change.change_name}) began on {change.start_date}, but cost of "
        f"{change.scope_text} moved by {seen:+.2f} dollars a day instead of {planned:+.2f} (from {before:.2f}), so it "
        "is left out of the forecast. Correct its date or effect in planned_changes.csv",
    )
