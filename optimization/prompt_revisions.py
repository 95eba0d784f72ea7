"""Each revision of a prompt against the one before: what changed, whether that is worse, and how far it can be said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa

from optimization.reading import NOTHING, MomentsOf, read_moments
from optimization.statistics import (
    LEVEL,
    MIN_UNITS,
    Estimate,
    Moments,
    difference,
    ratio_estimate,
    relative_difference,
    share_estimate,
)
from optimization.tables import PROMPT_REVISIONS, Value, interval_columns, rounded, to_arrow

READS = (("intermediate", "int_prompt_revisions"), ("intermediate", "int_prompt_revision_moments"))

SAME_WITHIN = 0.05
"""A cost per success that surely changed by less than this makes no difference."""
MIN_COMPARABLE = 0.2
"""Share of either revision's requests that must be on models which both ran on; below, nothing is said."""
COVERAGE_SHIFT = 0.05
"""Where outcomes per request surely changed by more than this, nothing is said by outcomes."""


@dataclass(frozen=True)
class Metric:
    """One thing that may get worse.

    Attributes:
        moments: Name of its moments.
        is_share: A share between 0 and 1, compared in points; otherwise a ratio of amounts, compared relatively.
        worse: 1 where more is worse, -1 where less is.
        from_change: The smallest change that matters.
    """

    name: str
    moments: str
    worse: int
    from_change: float
    is_share: bool = False
    is_cost: bool = False


OUTCOMES_PER_REQUEST = Metric("outcomes per request", "outcomes_per_request", 1, 0.0)
COST_PER_SUCCESS = Metric("cost per successful outcome", "list_cost_per_success", 1, 0.0, is_cost=True)
METRICS = {
    "change_cost_per_request_ratio": Metric("cost per request", "list_cost_per_request", 1, SAME_WITHIN, is_cost=True),
    "change_success_rate": Metric("success rate", "success", -1, 0.0, is_share=True),
    "change_input_tokens_ratio": Metric("input tokens per request", "input_tokens", 1, 0.05),
    "change_output_tokens_ratio": Metric("output tokens per request", "output_tokens", 1, 0.05),
    "change_duration_ratio": Metric("duration", "duration", 1, 0.05),
    "change_cache_hit_ratio": Metric("cache hit ratio", "cache_hit", -1, 0.02, is_share=True),
}
FLAG_LEVEL = 1 - (1 - LEVEL) / (len(METRICS) + 1)
"""All metrics are looked at together, so each is flagged at a level that keeps one false flag of all at 5 %."""

ModelKey = tuple[str, str]


@dataclass(frozen=True)
class Revision:
    """One revision with its moments by model (provider and id) and metric."""

    feature: str
    prompt_name: str
    version: str
    models: Mapping[ModelKey, MomentsOf]

    def requests(self, keys: Iterable[ModelKey] | None = None) -> float:
        chosen = self.models if keys is None else keys
        return sum(float(self.models[key]["outcomes_per_request"].y) for key in chosen)

    def effective_per_list(self, key: ModelKey) -> float:
        """What a dollar at list price effectively cost; 1 where nothing was paid."""
        moments = self.models[key].get("list_per_effective")
        return float(moments.y / moments.x) if moments is not None and moments.x > 0 and moments.y > 0 else 1.0


@dataclass(frozen=True)
class Pair:
    """A revision, the one before it, and the models that both ran on."""

    revision: Revision
    previous: Revision
    common: tuple[ModelKey, ...]

    @property
    def comparable(self) -> float:
        """Share of the requests of either revision that is on common models, the smaller one."""
        return min(one.requests(self.common) / one.requests() for one in (self.revision, self.previous))

    def shares(self, one: Revision) -> dict[ModelKey, float]:
        total = one.requests(self.common)
        return {key: one.requests([key]) / total for key in self.common}

    def moments(self, metric: Metric) -> tuple[Moments, Moments] | None:
        """Both sides over the common models: the previous one weighted to the mix, and at the discount, of this one."""
        mine, theirs = self.shares(self.revision), self.shares(self.previous)
        sides = []
        for one in (self.previous, self.revision):
            parts = []
            for key in self.common:
                found = one.models[key].get(metric.moments)
                if found is not None:
                    weight = mine[key] / theirs[key] if one is self.previous else 1.0
                    scale = self.revision.effective_per_list(key) if metric.is_cost else 1.0
                    parts.append(weighted(found, weight, scale))
            if not parts:
                return None
            sides.append(added(parts))
        return sides[0], sides[1]


@dataclass(frozen=True)
class Confounding:
    """What else changed, in words; and whether outcomes are logged for another share of the requests."""

    notes: tuple[str, ...]
    has_other_coverage: bool


def weighted(moments: Moments, weight: float, scale: float = 1.0) -> Moments:
    """Each unit counts ``weight`` times, in both sums; numerators are multiplied by ``scale`` as well."""
    x, y = weight * scale, weight
    return Moments(
        moments.units, x * moments.x, y * moments.y, x * x * moments.xx, y * y * moments.yy, x * y * moments.xy
    )


def added(parts: Sequence[Moments]) -> Moments:
    """The units of all parts together."""
    return Moments.of(
        *(sum(float(getattr(part, name)) for part in parts) for name in ("units", "x", "y", "xx", "yy", "xy"))
    )


def assess(connection: duckdb.DuckDBPyConnection, day: date) -> Mapping[str, pa.Table]:
    """Every revision in ``intermediate.int_prompt_revisions``, which has what it cost and used beside it."""
    listed = connection.execute(
        """
        select feature, prompt_name, prompt_version, previous_prompt_version
        from intermediate.int_prompt_revisions order by all
        """
    ).fetchall()
    keys = ("feature", "prompt_name", "prompt_version", "provider_name", "model_id")
    models: dict[tuple[str, ...], dict[ModelKey, MomentsOf]] = {}
    for key, moments in read_moments(connection, "intermediate.int_prompt_revision_moments", keys).items():
        models.setdefault(key[:3], {})[key[3], key[4]] = moments

    def revision(feature: str, prompt_name: str, version: str) -> Revision:
        return Revision(feature, prompt_name, version, models[feature, prompt_name, version])

    rows = (
        compare(
            revision(feature, prompt_name, version),
            None if previous is None else revision(feature, prompt_name, previous),
            day,
        )
        for feature, prompt_name, version, previous in listed
    )
    return {PROMPT_REVISIONS: to_arrow(PROMPT_REVISIONS, rows)}


def compare(revision: Revision, previous: Revision | None, day: date) -> dict[str, Value]:
    """The row of one revision."""
    estimates = dict.fromkeys(METRICS, NOTHING)
    cost_change, verdict, comparable = NOTHING, "first", None
    reasons: list[str] = []
    confounding = Confounding((), has_other_coverage=False)
    finding = f"{revision.version} is the first revision that is known."
    if previous is not None:
        pair = Pair(revision, previous, tuple(sorted(set(revision.models) & set(previous.models))))
        comparable = pair.comparable
        confounding = confounding_of(pair)
        if comparable >= MIN_COMPARABLE:
            estimates = {column: _change(pair, metric, LEVEL) for column, metric in METRICS.items()}
        cost_change, relative = _cost_change(pair)
        verdict = "inconclusive" if confounding.has_other_coverage else verdict_of(relative)
        reasons = list(_regressions(pair, confounding)) if comparable >= MIN_COMPARABLE else []
        finding = " ".join((_headline(revision, previous, relative, verdict), *confounding.notes))
    return {
        "feature": revision.feature,
        "prompt_name": revision.prompt_name,
        "prompt_version": revision.version,
        "previous_prompt_version": previous.version if previous else None,
        "regression_reasons": "; ".join(reasons) or None,
        "verdict": verdict,
        "finding": finding,
        **interval_columns("cost_per_successful_outcome_usd", _own_cost(revision)),
        **interval_columns("success_rate", _own_success(revision)),
        **interval_columns("change_cost_per_successful_outcome_usd", cost_change),
        **{
            column: value
            for name, estimate in estimates.items()
            for column, value in interval_columns(name, estimate).items()
        },
        "comparable_request_ratio": rounded(comparable),
        "is_regression": bool(reasons),
        "is_confounded": bool(confounding.notes),
        "assessment_date": day,
    }


# ---------------------------------------------------------------- one revision


def _own_cost(revision: Revision) -> Estimate:
    """Effective cost per successful outcome over all of its models, at the discount of its own days."""
    parts = [
        weighted(moments["list_cost_per_success"], 1.0, revision.effective_per_list(key))
        for key, moments in revision.models.items()
        if "list_cost_per_success" in moments
    ]
    return ratio_estimate(added(parts)) if parts else NOTHING


def _own_success(revision: Revision) -> Estimate:
    parts = [moments["success"] for moments in revision.models.values() if "success" in moments]
    return share_estimate(added(parts)) if parts else NOTHING


# ---------------------------------------------------------------- two revisions


def _sides(pair: Pair, metric: Metric, level: float) -> tuple[Estimate, Estimate]:
    found = pair.moments(metric)
    if found is None:
        return NOTHING, NOTHING
    of_successes = metric is COST_PER_SUCCESS
    one, other = (
        share_estimate(side, level) if metric.is_share else ratio_estimate(side, level, of_successes=of_successes)
        for side in found
    )
    return one, other


def _change(pair: Pair, metric: Metric, level: float) -> Estimate:
    one, other = _sides(pair, metric, level)
    return difference(one, other) if metric.is_share else relative_difference(one, other)


def _cost_change(pair: Pair) -> tuple[Estimate, Estimate]:
    """Change of the cost per successful outcome: in dollars, and relative. None where too little is comparable."""
    if pair.comparable < MIN_COMPARABLE:
        return NOTHING, NOTHING
    one, other = _sides(pair, COST_PER_SUCCESS, LEVEL)
    return difference(one, other), relative_difference(one, other)


def confounding_of(pair: Pair) -> Confounding:
    """What else changed with the revision: the models, their mix, or for how many requests outcomes are logged."""
    if pair.comparable < MIN_COMPARABLE:
        note = "The models changed together with the prompt, so what the prompt did cannot be told."
        return Confounding((note,), has_other_coverage=False)
    notes = []
    mine, theirs = pair.shares(pair.revision), pair.shares(pair.previous)
    has_others = pair.comparable < 1 - SAME_WITHIN
    has_shift = any(abs(mine[key] - theirs[key]) > SAME_WITHIN for key in pair.common)
    if has_others or has_shift:
        names = ", ".join(sorted({model for (_, model), share in mine.items() if share >= SAME_WITHIN}))
        notes.append(
            f"The mix of models changed as well: compared on {names} ({pair.comparable:.0%} of the requests), "
            "weighted to the mix of now."
        )
    change = _change(pair, OUTCOMES_PER_REQUEST, LEVEL)
    has_other_coverage = (
        change.value is not None
        and abs(change.value) > COVERAGE_SHIFT
        and change.lower is not None
        and change.upper is not None
        and not change.lower <= 0 <= change.upper
    )
    if has_other_coverage:
        notes.append(
            f"Outcomes per request changed by {change.value:+.0%}: some are still to come, or they are logged "
            "differently, so costs per outcome say nothing."
        )
    return Confounding(tuple(notes), has_other_coverage=has_other_coverage)


def verdict_of(relative: Estimate) -> str:
    """From the relative change of the cost per successful outcome and its interval."""
    if relative.lower is None or relative.upper is None:
        return "inconclusive"
    if relative.upper < 0:
        return "better"
    if relative.lower > 0:
        return "worse"
    return "no difference" if relative.lower > -SAME_WITHIN and relative.upper < SAME_WITHIN else "inconclusive"


def _regressions(pair: Pair, confounding: Confounding) -> Iterator[str]:
    """Everything that got worse beyond noise, and by enough to matter."""
    by_outcome = () if confounding.has_other_coverage else (COST_PER_SUCCESS,)
    for metric in (*by_outcome, *METRICS.values()):
        change = _change(pair, metric, FLAG_LEVEL)
        if change.value is None or change.lower is None or change.upper is None:
            continue
        is_sure = change.lower > 0 if metric.worse > 0 else change.upper < 0
        if is_sure and abs(change.value) >= metric.from_change:
            yield f"{metric.name} {_shown(change, metric)}"


def _shown(change: Estimate, metric: Metric) -> str:
    unit = " points" if metric.is_share else " %"
    value, lower, upper = (100 * (number or 0) for number in (change.value, change.lower, change.upper))
    return f"{value:+.1f}{unit} ({lower:+.1f} to {upper:+.1f})"


def _headline(revision: Revision, previous: Revision, relative: Estimate, verdict: str) -> str:
    if relative.value is None or relative.lower is None or relative.upper is None:
        why = relative.reason or f"fewer than {MIN_UNITS} sessions on the same models"
        return f"{revision.version} against {previous.version}: cost per successful outcome cannot be compared ({why})."
    shown = _shown(relative, COST_PER_SUCCESS)
    return f"{revision.version} against {previous.version}: cost per successful outcome {shown}, {verdict}."
