"""Made-up series for the forecasting tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np

from forecasting.series import DailySeries, FloatArray

FIRST_DAY = date(2026, 1, 5)
"""A Monday."""


def series_of(
    values: Iterable[float | str], series_id: str = "total", *, kind: str = "total", first_day: date = FIRST_DAY
) -> DailySeries:
    """A series with these costs, one a day."""
    return DailySeries(series_id, kind, series_id, first_day, tuple(Decimal(str(value)) for value in values))


def weekly_growth(days: int, *, level: float = 100.0, seed: int = 7) -> FloatArray:
    """Costs that grow by 0.5 dollars a day, halve on weekends, and waver by 5 %."""
    rng = np.random.default_rng(seed)
    day = np.arange(days)
    shape = np.array([1.0, 1.05, 1.1, 1.05, 1.0, 0.5, 0.4])[day % 7]
    return np.asarray(np.round((level + 0.5 * day) * shape * rng.normal(1, 0.05, days), 6), dtype=np.float64)


def total_of(parts: Sequence[DailySeries]) -> DailySeries:
    """The exact sum of series that begin and end together."""
    costs = tuple(sum(day, Decimal(0)) for day in zip(*(part.costs for part in parts), strict=True))
    return DailySeries("total", "total", "total", parts[0].first_day, costs)


def poisoned_after(series: DailySeries, cutoff: date, amount: float | str = 10**9) -> DailySeries:
    """The series with every day after the cutoff replaced by the same absurd amount."""
    known = max((cutoff - series.first_day).days + 1, 0)
    later = (Decimal(str(amount)),) * max(len(series.costs) - known, 0)
    return replace(series, costs=series.costs[:known] + later)
