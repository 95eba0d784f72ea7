"""The topic of experiments: every arm with what it costs and brings, and each weekly look at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from optimization.experiment_data import ExperimentData, read_experiments
from optimization.experiment_verdicts import ArmResult, Look, judge
from optimization.ratios import Estimate
from optimization.tables import EXPERIMENT_ARMS, EXPERIMENT_LOOKS, SCHEMAS

LOOK_DAYS = 7


def assess_experiments(connection: duckdb.DuckDBPyConnection, assessment_date: date) -> Mapping[str, pa.Table]:
    """All arms of all experiments as of the end of a day, and their looks so far.

    Looks are made of the days of the data and not of runs: whenever and however often this runs, a day's look is the
    same. The test looks at every day; stored are every seventh and the last.
    """
    arms: list[dict[str, Any]] = []
    looks: list[dict[str, Any]] = []
    for data in read_experiments(connection, assessment_date):
        for result in judge(data, assessment_date):
            arms.append(_arm_row(data, result, assessment_date))
            looks += [_look_row(data, result, look, assessment_date) for look in _stored(result.looks)]
    return {
        EXPERIMENT_ARMS: pa.Table.from_pylist(arms, schema=SCHEMAS[EXPERIMENT_ARMS]),
        EXPERIMENT_LOOKS: pa.Table.from_pylist(looks, schema=SCHEMAS[EXPERIMENT_LOOKS]),
    }


def _stored(looks: Sequence[Look]) -> Sequence[Look]:
    weekly = looks[LOOK_DAYS - 1 :: LOOK_DAYS]
    return weekly if not looks or (weekly and weekly[-1] is looks[-1]) else [*weekly, looks[-1]]


def _arm_row(data: ExperimentData, result: ArmResult, assessment_date: date) -> dict[str, Any]:
    arm = result.arm
    last_day = None if data.first_day is None else data.first_day + timedelta(days=arm.sums["unit_count"].size - 1)
    has_days = last_day is not None and data.first_day is not None and last_day >= data.first_day
    final = result.looks[-1] if result.looks else None
    row: dict[str, Any] = {
        "experiment_id": data.experiment.experiment_id,
        "variant": arm.variant,
        "status": result.status,
        "verdict": result.verdict,
        "finding": result.finding,
        "unit_count": arm.last("unit_count"),
        "crossed_unit_count": arm.last("crossed_unit_count"),
        "request_count": arm.last("request_count"),
        "unpriced_request_count": arm.last("unpriced_request_count"),
        "unidentified_request_count": arm.last("unidentified_request_count"),
        "outcome_count": arm.last("outcome_count"),
        "successful_outcome_count": arm.last("successful_outcome_count"),
        "effective_cost_usd": _money(float(arm.sums["effective_cost_usd"][-1])) if has_days else _money(0.0),
        "expected_share": data.experiment.shares.get(arm.variant),
        "observed_share": result.observed_share,
        "srm_p_value": result.sample_ratio_p_value,
        "effect_ratio": final.effect if final else None,
        "effect_lower_ratio": final.lower if final else None,
        "effect_upper_ratio": final.upper if final else None,
        "p_value": final.p_value if final else None,
        "probability_better": result.probability_better,
        "minimum_detectable_effect_ratio": result.detectable_effect,
        "remaining_days": result.remaining_days,
        "is_control": result.is_control,
        "is_declared": result.is_declared,
        "is_significant": result.is_significant,
        "has_sample_ratio_mismatch": result.has_sample_ratio_mismatch,
        "first_date": data.first_day if has_days else None,
        "last_date": last_day if has_days else None,
        "assessment_date": assessment_date,
    }
    for metric, estimate in result.estimates.items():
        row |= _columns(metric, estimate)
        row |= _columns(f"difference_{metric}", result.differences.get(metric))
    row |= _columns("relative_difference", result.relative)
    return row


def _columns(metric: str, estimate: Estimate | None) -> dict[str, Any]:
    """Value and limits under the names of the table: dollars as decimal text, rates as numbers."""
    value, lower, upper = (None, None, None) if estimate is None else (estimate.value, estimate.lower, estimate.upper)
    if "cost_per" in metric:
        names = (f"{metric}_usd", f"{metric}_lower_usd", f"{metric}_upper_usd")
        return dict(zip(names, map(_money, (value, lower, upper)), strict=True))
    if metric == "relative_difference":
        names = (f"{metric}_ratio", f"{metric}_lower_ratio", f"{metric}_upper_ratio")
    else:
        names = (metric, f"{metric}_lower", f"{metric}_upper")
    return dict(zip(names, (value, lower, upper), strict=True))


def _money(amount: float | None) -> str | None:
    """To a billionth of a dollar, the border between estimates and money."""
    return None if amount is None else f"{amount:.9f}"


def _look_row(data: ExperimentData, result: ArmResult, look: Look, assessment_date: date) -> dict[str, Any]:
    return {
        "experiment_id": data.experiment.experiment_id,
        "variant": result.arm.variant,
        "unit_count": look.units,
        "effect_ratio": look.effect,
        "effect_lower_ratio": look.lower,
        "effect_upper_ratio": look.upper,
        "p_value": look.p_value,
        "look_date": look.day,
        "assessment_date": assessment_date,
    }
