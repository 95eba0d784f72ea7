"""What a good answer and a success cost with each model of a feature, and which models another one makes needless."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa
from scipy import stats

from optimization.reading import NOTHING, MomentsOf, read_moments, score_estimate
from optimization.statistics import MIN_UNITS, Estimate, difference, ratio_estimate, relative_difference, share_estimate
from optimization.tables import MODEL_EFFICIENCY, Value, interval_columns, rounded, to_arrow

READS = (("intermediate", "int_model_efficiencies"), ("intermediate", "int_model_efficiency_moments"))

FEW = f"fewer than {MIN_UNITS} sessions with outcomes"


@dataclass(frozen=True)
class Option:
    """One model of a feature.

    Attributes:
        quality: Mean score, measured or (without limits) from the configuration.
        is_scored: Whether there is any score; without one, models are compared by their success rates.
    """

    feature: str
    provider_name: str
    model_id: str
    success: Estimate
    quality: Estimate
    cost_per_request: Estimate
    cost_per_attempt: Estimate
    quality_adjusted_price: Estimate
    cost_of_pass: Estimate

    @property
    def is_scored(self) -> bool:
        return self.quality.value is not None

    @property
    def is_known(self) -> bool:
        """Whether there are enough outcomes to place it."""
        return self.cost_of_pass.lower is not None and self.cost_of_pass.value is not None


@dataclass(frozen=True)
class Dominance:
    """Why an option is needless: another one costs no more per success, is no worse, and one of both beyond noise."""

    by: Option
    probability: float
    saving: Estimate
    gain: Estimate


def assess(connection: duckdb.DuckDBPyConnection, day: date) -> Mapping[str, pa.Table]:
    """Every feature and model of the last 90 days. ``intermediate.int_model_efficiencies`` has the counts beside it."""
    configured = connection.execute(
        """
        select feature, provider_name, model_id, configured_quality_score
        from intermediate.int_model_efficiencies order by all
        """
    ).fetchall()
    moments = read_moments(
        connection, "intermediate.int_model_efficiency_moments", ("feature", "provider_name", "model_id")
    )
    options: dict[str, list[Option]] = {}
    for feature, provider_name, model_id, score in configured:
        found = moments.get((feature, provider_name, model_id), {})
        option = make_option(feature, provider_name, model_id, found, None if score is None else float(score))
        options.setdefault(feature, []).append(option)
    rows = (row for of_feature in options.values() for row in frontier_rows(of_feature, day))
    return {MODEL_EFFICIENCY: to_arrow(MODEL_EFFICIENCY, rows)}


def make_option(
    feature: str, provider_name: str, model_id: str, moments: MomentsOf, configured_score: float | None
) -> Option:
    """Estimates of one feature and model; a configured score only where none was measured."""

    def ratio(metric: str, *, of_successes: bool = False) -> Estimate:
        return ratio_estimate(moments[metric], of_successes=of_successes) if metric in moments else NOTHING

    quality = score_estimate(moments["quality"]) if "quality" in moments else NOTHING
    cost_per_request, price = ratio("cost_per_request"), ratio("quality_adjusted_price")
    if quality.value is None and configured_score is not None:
        quality = Estimate(configured_score, None, None)
        # The score is taken as it is: the interval is that of the cost alone.
        price = _scaled(cost_per_request, 1 / configured_score) if configured_score > 0 else NOTHING
    return Option(
        feature=feature,
        provider_name=provider_name,
        model_id=model_id,
        success=share_estimate(moments["success"]) if "success" in moments else NOTHING,
        quality=quality,
        cost_per_request=cost_per_request,
        cost_per_attempt=ratio("cost_per_attempt"),
        quality_adjusted_price=price,
        cost_of_pass=ratio("cost_of_pass", of_successes=True),
    )


def dominance(option: Option, others: Sequence[Option]) -> Dominance | None:
    """The option that most likely makes this one needless, or None."""
    found = [one for other in others if other is not option and (one := _dominance(option, other)) is not None]
    return max(found, key=lambda one: one.probability, default=None)


def _dominance(option: Option, other: Option) -> Dominance | None:
    if not (option.is_known and other.is_known):
        return None
    saving = relative_difference(option.cost_of_pass, other.cost_of_pass)
    both_scored = option.is_scored and other.is_scored
    gain = difference(option.quality, other.quality) if both_scored else difference(option.success, other.success)
    if saving.value is None or gain.value is None or saving.value > 0 or gain.value < 0:
        return None
    is_cheaper = saving.upper is not None and saving.upper < 0
    is_better = gain.lower is not None and gain.lower > 0
    if not (is_cheaper or is_better):
        return None
    errors = (option.cost_of_pass.standard_error or 0.0, other.cost_of_pass.standard_error or 0.0)
    cheaper = _probability(-math.log1p(saving.value), math.hypot(*errors))
    no_worse = _probability(gain.value, _standard_error(gain))
    return Dominance(other, cheaper * no_worse, saving, gain)


def _probability(value: float, error: float) -> float:
    """That a normal quantity, estimated as ``value``, is not below zero."""
    return float(stats.norm.cdf(value / error)) if error > 0 else float(value >= 0)


def _standard_error(estimate: Estimate) -> float:
    if estimate.lower is None or estimate.upper is None:
        return 0.0
    return (estimate.upper - estimate.lower) / (2 * float(stats.norm.ppf(0.975)))


def frontier_rows(options: Sequence[Option], day: date) -> Iterator[dict[str, Value]]:
    """The models of one feature, each with its place."""
    for option in options:
        needless = dominance(option, options)
        status = "dominated" if needless else "on frontier" if option.is_known else "not known"
        yield {
            "feature": option.feature,
            "provider_name": option.provider_name,
            "model_id": option.model_id,
            "dominated_by_model_id": needless.by.model_id if needless else None,
            "frontier_status": status,
            "finding": _finding(option, needless, sum(one.is_known for one in options)),
            **interval_columns("success_rate", option.success),
            **interval_columns("mean_quality_score", option.quality),
            **interval_columns("cost_per_request_usd", option.cost_per_request),
            **interval_columns("cost_per_attempt_usd", option.cost_per_attempt),
            **interval_columns("quality_adjusted_price_usd", option.quality_adjusted_price),
            **interval_columns("cost_of_pass_usd", option.cost_of_pass),
            "dominance_probability": rounded(needless.probability) if needless else None,
            "is_on_frontier": status == "on frontier",
            "is_dominated": status == "dominated",
            "assessment_date": day,
        }


def _finding(option: Option, needless: Dominance | None, known: int) -> str:
    if needless:
        by, kind = needless.by, "quality" if option.is_scored and needless.by.is_scored else "success rate"
        return (
            f"{by.model_id} costs {_percent(-(needless.saving.value or 0))} less per success{_range(needless.saving)} "
            f"and its {kind} is no lower ({_points(needless.gain)}): {needless.probability:.0%} sure that both hold."
        )
    if not option.is_known:
        return f"Not compared: {option.cost_of_pass.reason or FEW}."
    if known == 1:
        return f"A success costs {_dollars(option.cost_of_pass)}; no other model of the feature has enough outcomes."
    return f"A success costs {_dollars(option.cost_of_pass)}; no model is surely cheaper per success and no worse."


def _percent(ratio: float) -> str:
    return f"{ratio:.0%}"


def _range(estimate: Estimate) -> str:
    if estimate.lower is None or estimate.upper is None:
        return ""
    return f" ({_percent(-estimate.upper)} to {_percent(-estimate.lower)})"


def _points(estimate: Estimate) -> str:
    points = f"{100 * (estimate.value or 0):+.1f} points"
    if estimate.lower is None or estimate.upper is None:
        return points
    return f"{points}, {100 * estimate.lower:+.1f} to {100 * estimate.upper:+.1f}"


def _dollars(estimate: Estimate) -> str:
    value = f"${estimate.value or 0:.4g}"
    upper = "no upper limit" if estimate.upper is None else f"${estimate.upper:.4g}"
    return f"{value} (${estimate.lower or 0:.4g} to {upper})"


def _scaled(estimate: Estimate, factor: float) -> Estimate:
    def times(value: float | None) -> float | None:
        return None if value is None else value * factor

    return Estimate(
        times(estimate.value), times(estimate.lower), times(estimate.upper), estimate.standard_error, estimate.units
    )
