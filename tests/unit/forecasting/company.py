"""A made-up company for the tests of everything that follows a fit: its history, and studies that nobody fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from forecasting.budgets import Budget
from forecasting.combination import Selection, prior
from forecasting.cost_mix import SLICE_DIMENSIONS, UNATTRIBUTED
from forecasting.history import DriverDays, History, LateDay
from forecasting.intervals import PathNoise
from forecasting.planned_changes import PlannedChange
from forecasting.scenarios import GrowthRow, Scenario, scenarios_of
from forecasting.series import DailySeries, FloatArray, SeriesCharacter
from forecasting.study import STORED_MODELS, Study

FIRST_DAY = date(2026, 1, 1)
CUTOFF = date(2026, 3, 26)
HORIZON_DAYS = 120

CELLS: Mapping[tuple[str, str], tuple[float, Mapping[str, str]]] = {
    ("search", "chat"): (30.0, {"provider_name": "openai", "model_family": "gpt"}),
    ("search", "rank"): (20.0, {"provider_name": "anthropic", "model_family": "claude"}),
    ("docs", "chat"): (10.0, {"provider_name": "openai", "model_family": "gpt"}),
    (UNATTRIBUTED, UNATTRIBUTED): (5.0, {"provider_name": "openai", "model_family": "gpt"}),
}
"""Dollars a day of each cell, and what it is called in other dimensions."""

SCENARIOS = scenarios_of(
    [
        GrowthRow("accelerated", Decimal("0.05"), fade_months=Decimal(6)),
        GrowthRow("conservative", Decimal("-0.02")),
        GrowthRow("s_curve", Decimal("0.4"), saturation_ratio=Decimal(3), feature="chat"),
    ]
)


def values_of(cell: tuple[str, str]) -> dict[str, str]:
    """Every dimension of the slice of a cell."""
    named = {"team": cell[0], "feature": cell[1], "environment": "prod", "customer_segment": "business"}
    return dict.fromkeys(SLICE_DIMENSIONS, "m") | named | CELLS[cell][1]


def slice_of(cell: tuple[str, str]) -> tuple[str, ...]:
    return tuple(values_of(cell)[name] for name in SLICE_DIMENSIONS)


def nodes() -> dict[tuple[str, str], float]:
    """Dollars a day of every series: dimension and value."""
    dimensions = {
        "provider": "provider_name",
        **{name: name for name in ("team", "feature", "model_family", "environment", "customer_segment")},
    }
    found: dict[tuple[str, str], float] = {("total", "total"): 0.0}
    for cell, (level, _) in CELLS.items():
        own = {name: values_of(cell)[column] for name, column in dimensions.items()}
        for node in [("total", "total"), *own.items(), ("team_feature", "/".join(cell))]:
            found[node] = found.get(node, 0.0) + level
    return found


def series_of_node(node: tuple[str, str], level: float) -> DailySeries:
    series_id = "total" if node[0] == "total" else "=".join(node)
    days = (CUTOFF - FIRST_DAY).days + 1
    return DailySeries(series_id, *node, FIRST_DAY, (Decimal(str(level)),) * days)


def history_of(
    *,
    budgets: Sequence[Budget] = (),
    changes: Sequence[PlannedChange] = (),
    scenarios: tuple[Scenario, ...] = SCENARIOS,
    late_days: Mapping[str, Mapping[date, LateDay]] | None = None,
) -> History:
    """Flat costs since New Year in every dimension; budgets with a scope of their own have a series of 7 dollars."""
    own = {("budget", one.budget_id): 7.0 for one in budgets if one.series_id == f"budget={one.budget_id}"}
    series = [series_of_node(node, level) for node, level in (nodes() | own).items()]
    recent = [CUTOFF - timedelta(days=back) for back in range(28)]
    return History(
        cutoff=CUTOFF,
        series=series,
        drivers={
            one.series_id: DriverDays(
                np.array([float(cost) for cost in one.costs[-28:]]), np.full(28, 100.0), np.full(28, 50_000.0)
            )
            for one in series
        },
        late_days=late_days or {},
        budgets=list(budgets),
        changes=list(changes),
        scenarios=scenarios,
        mix=[(slice_of(cell), day, level) for cell, (level, _) in CELLS.items() for day in recent],
        provider_costs={"openai": 45.0, "anthropic": 20.0},
        customer_segments={"c-1": "business"},
    )


def study_of(series: DailySeries, daily: FloatArray) -> Study:
    """A study whose models all say the same, but for the compared ones, which say a tenth more."""
    points = {name: daily * (1.0 if name == "selected" else 1.1) for name in STORED_MODELS}
    return Study(
        series,
        series.last_day,
        points,
        Selection(prior(["seasonal_naive", "ets", "prophet_flat", "regime_56d"]), "7 days: told by the test"),
        "prophet_flat",
        PathNoise({7: 0.1, 30: 0.15, 90: 0.25, 365: 0.35}, np.array([1.1, 0.9, 1.0, 1.2, 0.8, 1.0, 1.0])),
        (),
        SeriesCharacter("regular", "high"),
        1.5,
    )


def studies_of(history: History, *, horizon_days: int = HORIZON_DAYS) -> list[Study]:
    """Studies that forecast each series at its level, each dimension off by a few per cent of its own."""
    rng = np.random.default_rng(3)
    found = []
    for one in history.series:
        level = float(one.costs[-1]) * rng.uniform(0.9, 1.1)
        found.append(study_of(one, np.full(horizon_days, level) * rng.uniform(0.8, 1.2, horizon_days)))
    return found


def silenced(study: Study) -> Study:
    """The study with every model at zero."""
    return replace(study, points={name: np.zeros_like(daily) for name, daily in study.points.items()})
