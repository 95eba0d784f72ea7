"""Experiments as the warehouse has them: what is declared, and what the units of each arm cost and brought by day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta

import duckdb
import numpy as np

from optimization.moments import FloatArray, Moments

READS = (
    ("intermediate", "int_experiments"),
    ("intermediate", "int_experiment_moments_daily"),
    ("staging", "stg_config__experiment_arms"),
)

SUMS = (
    *("assigned_unit_count", "crossed_unit_count", "unit_count", "request_count", "unidentified_request_count"),
    *("unpriced_request_count", "outcome_count", "successful_outcome_count", "effective_cost_usd", "cost_squares"),
    *("request_squares", "outcome_squares", "success_squares", "cost_request_products", "cost_success_products"),
    "success_outcome_products",
)
"""Columns of ``int_experiment_moments_daily`` that add up over days."""


@dataclass(frozen=True)
class Experiment:
    """One experiment. ``shares`` are the expected shares of the declared arms; the dates are those of the declaration,
    and None where nobody declared it."""

    experiment_id: str
    is_declared: bool
    control_variant: str | None
    randomization_unit: str
    primary_metric: str
    stop_rule: str | None
    shares: Mapping[str, float]
    minimum_effect: float
    alpha: float
    power: float
    max_units: int | None
    outcome_delay_days: int
    planned_first_date: date | None = None
    planned_last_date: date | None = None
    decision: str | None = None
    decision_date: date | None = None


@dataclass(frozen=True)
class Arm:
    """One arm by day, from the first day of the experiment's traffic on, without gaps.

    Attributes:
        sums: By column of ``SUMS``: the state at the end of each day, of an arm without traffic zeros.
    """

    variant: str
    sums: Mapping[str, FloatArray]

    def until(self, days: int) -> Arm:
        """The first so many days of it."""
        return Arm(self.variant, {name: values[:days] for name, values in self.sums.items()})

    def last(self, name: str) -> int:
        """A count as it stands at the end; 0 before the first day."""
        values = self.sums[name]
        return int(values[-1]) if values.size else 0

    def moments(self, metric: str) -> Moments:
        """By day, for ``cost_per_request``, ``cost_per_successful_outcome`` or ``success_rate``."""
        top, bottom = _NAMES[metric]
        units = self.sums["unit_count"]
        names = (top.total, bottom.total, top.squares, bottom.squares, _PRODUCTS[metric])
        return Moments(units, *(self.sums[name] for name in names))


@dataclass(frozen=True)
class _Sums:
    total: str
    squares: str


_COST = _Sums("effective_cost_usd", "cost_squares")
_REQUESTS = _Sums("request_count", "request_squares")
_OUTCOMES = _Sums("outcome_count", "outcome_squares")
_SUCCESSES = _Sums("successful_outcome_count", "success_squares")
_NAMES = {
    "cost_per_request": (_COST, _REQUESTS),
    "cost_per_successful_outcome": (_COST, _SUCCESSES),
    "success_rate": (_SUCCESSES, _OUTCOMES),
}
_PRODUCTS = {
    "cost_per_request": "cost_request_products",
    "cost_per_successful_outcome": "cost_success_products",
    "success_rate": "success_outcome_products",
}


@dataclass(frozen=True)
class ExperimentData:
    """An experiment with its arms, declared or seen; ``first_day`` is that of its traffic, None without any."""

    experiment: Experiment
    arms: tuple[Arm, ...]
    first_day: date | None

    @property
    def days(self) -> int:
        return int(self.arms[0].sums["unit_count"].size) if self.arms else 0


def read_experiments(connection: duckdb.DuckDBPyConnection, last_day: date) -> list[ExperimentData]:
    """All experiments with their days up to ``last_day``, in the order of their ids."""
    shares: dict[str, dict[str, float]] = {}
    for experiment_id, variant, share in connection.execute(
        "select experiment_id, variant, expected_share_ratio from staging.stg_config__experiment_arms order by all"
    ).fetchall():
        shares.setdefault(experiment_id, {})[variant] = share
    rows = connection.execute(
        f"""
        select experiment_id, variant, usage_date, {", ".join(f"cast({name} as double)" for name in SUMS)}
        from intermediate.int_experiment_moments_daily where usage_date <= ? order by experiment_id, variant, usage_date
        """,
        [last_day],
    ).fetchall()
    days: dict[str, dict[str, dict[date, tuple[float, ...]]]] = {}
    for experiment_id, variant, day, *sums in rows:
        days.setdefault(experiment_id, {}).setdefault(variant, {})[day] = tuple(sums)
    experiments = connection.execute(
        """
        select
            experiment_id, is_declared, control_variant, randomization_unit, primary_metric, stop_rule,
            coalesce(minimum_effect_ratio, 0.1), coalesce(alpha_ratio, 0.05), coalesce(power_ratio, 0.8),
            max_unit_count, outcome_delay_days, planned_first_date, planned_last_date, decision, decision_date
        from intermediate.int_experiments order by experiment_id
        """
    ).fetchall()
    names = [field.name for field in fields(Experiment) if field.name != "shares"]
    return [
        arranged(
            Experiment(**dict(zip(names, row, strict=True)), shares=shares.get(row[0], {})),
            days.get(row[0], {}),
            last_day,
        )
        for row in experiments
    ]


def arranged(
    experiment: Experiment, days: Mapping[str, Mapping[date, tuple[float, ...]]], last_day: date
) -> ExperimentData:
    """Increments of single days as states on one axis of days: from the first with traffic to ``last_day``, but not
    beyond the last on which traffic counts."""
    ends = [end for end in (last_day, experiment.planned_last_date, experiment.decision_date) if end is not None]
    first_day = min((day for arm in days.values() for day in arm if day <= min(ends)), default=None)
    variants = sorted({*days, *experiment.shares}, key=lambda name: (name != experiment.control_variant, name))
    count = 0 if first_day is None else max((min(ends) - first_day).days + 1, 0)
    arms = []
    for variant in variants:
        table = np.zeros((count, len(SUMS)))
        for day, sums in days.get(variant, {}).items():
            if first_day is not None and day <= min(ends):
                table[(day - first_day).days] = sums
        arms.append(Arm(variant, dict(zip(SUMS, np.cumsum(table, axis=0).T, strict=True))))
    return ExperimentData(experiment, tuple(arms), first_day)


def day_of(data: ExperimentData, index: int) -> date:
    """The day at an index of the axis."""
    assert data.first_day is not None  # noqa: S101 (an index exists only where there is traffic)
    return data.first_day + timedelta(days=index)
