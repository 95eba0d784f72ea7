"""What the arms of an experiment show against its control, as one verdict and one sentence for people."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np

from optimization.experiment_data import Arm, Experiment, ExperimentData, day_of
from optimization.moments import FloatArray
from optimization.ratios import Estimate, difference, ratio_estimate, relative_difference, share_estimate
from optimization.sequential import (
    SAMPLE_RATIO_ALPHA,
    SequentialTest,
    always_valid_test,
    detectable_effect,
    log_ratio_looks,
    probability_below_zero,
    remaining_ratio,
    sample_ratio_p_values,
)

METRICS = ("success_rate", "cost_per_request", "cost_per_successful_outcome")

ANSWERS = ("better", "worse", "no difference")

MAX_CROSSED_RATIO = 0.05
MAX_UNPRICED_RATIO = 0.05
MAX_UNIDENTIFIED_RATIO = 0.05

_NOUNS = {
    "cost_per_request": "cost per request",
    "cost_per_successful_outcome": "cost per successful outcome",
    "success_rate": "success rate",
}


@dataclass(frozen=True)
class Look:
    """State of the comparison at the end of a day: relative effects on the primary metric, -0.1 is a tenth less."""

    day: date
    units: int
    effect: float | None
    lower: float | None
    upper: float | None
    p_value: float


@dataclass(frozen=True)
class ArmResult:
    """One arm as of the assessment.

    Attributes:
        estimates: By metric.
        differences: To the control, by metric; empty for the control itself and where nothing can be compared.
        looks: One for each day of the sequential test, empty as the differences are.
    """

    arm: Arm
    is_control: bool
    is_declared: bool
    status: str
    verdict: str | None
    finding: str
    estimates: dict[str, Estimate]
    observed_share: float | None
    sample_ratio_p_value: float | None
    has_sample_ratio_mismatch: bool
    differences: dict[str, Estimate] = field(default_factory=dict)
    relative: Estimate | None = None
    looks: tuple[Look, ...] = ()
    is_significant: bool = False
    probability_better: float | None = None
    detectable_effect: float | None = None
    remaining_days: int | None = None


def judge(data: ExperimentData, assessment_date: date) -> list[ArmResult]:
    """Every arm, the control first.

    Units count on the day of their requests. Days younger than the usual delay of the feature's outcomes are left out
    of costs and rates, since their successes have not come yet; the check of shares needs no outcome and takes all.
    """
    experiment = data.experiment
    end, status = _end(data, assessment_date)
    mature = min(end, max(_days_until(data, assessment_date - timedelta(days=experiment.outcome_delay_days)), 0))
    assigned = [arm.until(end) for arm in data.arms]
    arms = [arm.until(mature) for arm in data.arms]
    p_value = _sample_ratio(experiment, assigned)
    problem = _problem(data, assigned, arms, p_value)
    total = sum(arm.last("assigned_unit_count") for arm in assigned)
    control = next((arm for arm in arms if arm.variant == experiment.control_variant), None)
    results = []
    for arm, all_assigned in zip(arms, assigned, strict=True):
        judgement = _Judgement(data, control, arm, status)
        results.append(
            judgement.result(
                problem=problem or _arm_problem(experiment, all_assigned, arm),
                observed_share=all_assigned.last("assigned_unit_count") / total if total else None,
                sample_ratio_p_value=p_value,
            )
        )
    return results


def _days_until(data: ExperimentData, day: date) -> int:
    return 0 if data.first_day is None else (day - data.first_day).days + 1


def _end(data: ExperimentData, assessment_date: date) -> tuple[int, str]:
    """How many days of the axis count under the stop rule, and where the experiment stands."""
    experiment = data.experiment
    if not experiment.is_declared:
        return data.days, "undeclared"
    full = None
    if experiment.max_units is not None and data.days:
        assigned = sum(arm.sums["assigned_unit_count"] for arm in data.arms)
        reached = np.flatnonzero(np.asarray(assigned) >= experiment.max_units)
        full = int(reached[0]) + 1 if reached.size else None
    days = data.days if full is None else full
    last = experiment.planned_last_date
    if full is not None or (last is not None and last <= assessment_date):
        # Decided before the rule ended it, an experiment was stopped.
        decided = experiment.decision_date
        is_early = decided is not None and last is not None and full is None and decided < last
        return days, "stopped" if is_early else "finished"
    if experiment.decision is not None:
        return days, "finished" if experiment.stop_rule == "sequential" else "stopped"
    if experiment.planned_first_date is not None and experiment.planned_first_date > assessment_date:
        return days, "planned"
    return days, "running"


def _sample_ratio(experiment: Experiment, arms: list[Arm]) -> float | None:
    """Always-valid p-value of the declared shares after the last day; None where none are declared or nobody came."""
    declared = [arm for arm in arms if arm.variant in experiment.shares]
    if not declared or not any(arm.last("assigned_unit_count") for arm in declared):
        return None
    counts = np.stack([arm.sums["assigned_unit_count"] for arm in declared], axis=-1)
    shares = np.array([experiment.shares[arm.variant] for arm in declared])
    return float(sample_ratio_p_values(counts, shares / shares.sum())[-1])


Problem = tuple[str, str]
"""Verdict and finding of what can not be judged as it should be."""


def _problem(data: ExperimentData, assigned: list[Arm], arms: list[Arm], p_value: float | None) -> Problem | None:
    """What spoils the whole experiment, the worst first."""
    experiment = data.experiment
    if not experiment.is_declared:
        return "inconclusive", (
            f"Requests carry {experiment.experiment_id}, which nobody declared: add it to config/experiments.csv to "
            "have its arms compared."
        )
    total = sum(arm.last("assigned_unit_count") for arm in assigned)
    if not total:
        return "inconclusive", (
            f"No request of {experiment.experiment_id} has been seen: check its id, feature, environment and dates in "
            "config/experiments.csv against what the application sends."
        )
    silent = [
        arm.variant for arm in assigned if arm.variant in experiment.shares and not arm.last("assigned_unit_count")
    ]
    if silent and total >= 20:
        return "invalid", (
            f"The declared arm {', '.join(silent)} has had no traffic among {total:,} units: check its name, and "
            "whether it is switched on."
        )
    crossed = sum(arm.last("crossed_unit_count") for arm in assigned) / total
    if crossed > MAX_CROSSED_RATIO:
        return "invalid", (
            f"{crossed:.0%} of the {experiment.randomization_unit}s were seen in more than one arm: they are not what "
            "is assigned. Correct randomization_unit in config/experiments.csv, or the assignment."
        )
    if p_value is not None and p_value <= SAMPLE_RATIO_ALPHA:
        return "invalid", _mismatch(experiment, assigned, total)
    unpriced = sum(arm.last("unpriced_request_count") for arm in arms)
    requests = sum(arm.last("request_count") for arm in arms)
    if experiment.primary_metric != "success_rate" and unpriced > MAX_UNPRICED_RATIO * requests:
        return (
            "inconclusive",
            f"{unpriced:,} of {requests:,} requests have no price: the cost of the arms is not known.",
        )
    return None


def _mismatch(experiment: Experiment, arms: list[Arm], total: int) -> str:
    def apart(arm: Arm) -> float:
        return abs(arm.last("assigned_unit_count") / total - experiment.shares[arm.variant])

    worst = max((arm for arm in arms if arm.variant in experiment.shares), key=apart)
    share = worst.last("assigned_unit_count") / total
    return (
        f"{worst.variant} has {share:.1%} of {total:,} units instead of the declared "
        f"{experiment.shares[worst.variant]:.1%}: units are lost or assigned otherwise than planned, and the arms "
        "cannot be compared until it is known why."
    )


def _arm_problem(experiment: Experiment, assigned: Arm, arm: Arm) -> Problem | None:
    if arm.variant not in experiment.shares:
        return "inconclusive", (
            f"The arm {arm.variant} is not declared: add it to the arms of {experiment.experiment_id}, or correct the "
            "application."
        )
    if not assigned.last("assigned_unit_count"):
        return "inconclusive", f"The declared arm {arm.variant} has had no traffic yet."
    if not arm.last("unit_count"):
        return "inconclusive", (
            f"All units of {arm.variant} are younger than the {experiment.outcome_delay_days} days that outcomes take."
        )
    return None


@dataclass(frozen=True)
class _Judgement:
    """One arm against the control."""

    data: ExperimentData
    control: Arm | None
    arm: Arm
    status: str

    @property
    def experiment(self) -> Experiment:
        return self.data.experiment

    @property
    def metric(self) -> str:
        return self.experiment.primary_metric

    @property
    def is_control(self) -> bool:
        return self.arm.variant == self.experiment.control_variant

    @property
    def effect_of_interest(self) -> float:
        """On the logarithmic scale; the smaller of the two sides."""
        return math.log1p(self.experiment.minimum_effect)

    @property
    def comparisons(self) -> int:
        return max(len(self.experiment.shares) - 1, 1)

    @property
    def alpha(self) -> float:
        # The arms share the error: with three treatments each has a third of it (Bonferroni).
        return self.experiment.alpha / self.comparisons

    def result(
        self, *, problem: Problem | None, observed_share: float | None, sample_ratio_p_value: float | None
    ) -> ArmResult:
        """The finished row; a problem decides the verdict and leaves the figures as they are."""
        estimates = {metric: _estimate(self.arm, metric) for metric in METRICS}
        base = ArmResult(
            arm=self.arm,
            is_control=self.is_control,
            is_declared=self.arm.variant in self.experiment.shares,
            status=self.status,
            verdict=problem[0] if problem else None,
            finding=problem[1] if problem else f"Control of {self.experiment.experiment_id}.",
            estimates=estimates,
            observed_share=observed_share,
            sample_ratio_p_value=sample_ratio_p_value,
            has_sample_ratio_mismatch=sample_ratio_p_value is not None and sample_ratio_p_value <= SAMPLE_RATIO_ALPHA,
        )
        if self.control is None or self.is_control or not self.arm.last("unit_count"):
            return base
        return self._compared(base, is_spoilt=problem is not None)

    def _compared(self, base: ArmResult, *, is_spoilt: bool) -> ArmResult:
        assert self.control is not None  # noqa: S101 (asked before)
        of_control = {metric: _estimate(self.control, metric) for metric in METRICS}
        test, errors = self._test()
        effect, error = _at_end(test, errors)
        p_value = min(float(test.p_value[-1]) * self.comparisons, 1.0)
        verdict, finding = (base.verdict, base.finding) if is_spoilt else self._verdict(test, effect, error, p_value)
        is_rate = self.metric == "success_rate"
        below = (
            None
            if effect is None
            else probability_below_zero(effect, error, effect_of_interest=self.effect_of_interest)
        )
        return replace(
            base,
            verdict=verdict,
            finding=finding + self._caveat(),
            differences={metric: difference(of_control[metric], base.estimates[metric]) for metric in METRICS},
            relative=relative_difference(of_control[self.metric], base.estimates[self.metric]),
            looks=self._looks(test),
            is_significant=p_value <= self.experiment.alpha and not is_spoilt,
            probability_better=None if below is None else 1 - below if is_rate else below,
            detectable_effect=None if effect is None else math.expm1(self._detectable(error)),
            remaining_days=self._remaining_days(effect, error, is_answered=verdict in ANSWERS),
        )

    def _test(self) -> tuple[SequentialTest, FloatArray]:
        assert self.control is not None  # noqa: S101 (asked before)
        effects, errors = log_ratio_looks(
            self.control.moments(self.metric),
            self.arm.moments(self.metric),
            of_shares=self.metric == "success_rate",
        )
        test = always_valid_test(effects, errors, effect_of_interest=self.effect_of_interest, alpha=self.alpha)
        return test, errors

    def _verdict(self, test: SequentialTest, effect: float | None, error: float, p_value: float) -> tuple[str, str]:
        lower, upper = float(test.lower[-1]), float(test.upper[-1])
        noun, variant, control = _NOUNS[self.metric], self.arm.variant, self.experiment.control_variant
        if effect is None:
            what = "successful outcomes" if self.metric != "cost_per_request" else "requests"
            return "inconclusive", f"{variant} or {control} has too few {what} yet to compare the {noun}."
        span = f"{_percent(lower)} to {_percent(upper)}"
        sentence = f"The {noun} of {variant} is {_change(effect)} than that of {control}"
        if lower > upper:
            return (
                "inconclusive",
                f"The effect of {variant} on the {noun} changed while it ran: no one effect fits all days.",
            )
        if -self.effect_of_interest <= lower and upper <= self.effect_of_interest:
            return "no difference", (
                f"{variant} and {control} differ in {noun} by less than the "
                f"{self.experiment.minimum_effect:.0%} that would matter ({span}, on all days so far)."
            )
        if p_value <= self.experiment.alpha:
            is_better = effect > 0 if self.metric == "success_rate" else effect < 0
            return "better" if is_better else "worse", f"{sentence} ({span}, on all days so far)."
        return "inconclusive", f"{sentence} so far, but {span} is possible. {self._outlook(effect, error)}"

    def _outlook(self, effect: float | None, error: float) -> str:
        if self.status in ("finished", "stopped"):
            return "It ended without an answer."
        days = self._remaining_days(effect, error)
        change = f"{self.experiment.minimum_effect:.0%}"
        if not days:
            return f"A change of {change} would probably have shown by now."
        return f"At this pace a change of {change} would show in about {days:,} more days."

    def _caveat(self) -> str:
        requests = sum(arm.last("request_count") for arm in (self.arm, self.control) if arm is not None)
        alone = sum(arm.last("unidentified_request_count") for arm in (self.arm, self.control) if arm is not None)
        if alone <= MAX_UNIDENTIFIED_RATIO * requests:
            return ""
        unit = self.experiment.randomization_unit
        return (
            f" {alone:,} of {requests:,} requests name no {unit} and count one by one: the intervals may be too short."
        )

    def _detectable(self, error: float) -> float:
        return detectable_effect(
            error, effect_of_interest=self.effect_of_interest, alpha=self.alpha, power=self.experiment.power
        )

    def _remaining_days(self, effect: float | None, error: float, *, is_answered: bool = False) -> int | None:
        """Days until the minimum effect would show with the planned power, at the pace of all days so far."""
        if effect is None or self.status in ("finished", "stopped", "undeclared"):
            return None
        if is_answered:
            return 0
        ratio = remaining_ratio(
            error, effect_of_interest=self.effect_of_interest, alpha=self.alpha, power=self.experiment.power
        )
        return math.ceil(ratio * self.arm.sums["unit_count"].size)

    def _looks(self, test: SequentialTest) -> tuple[Look, ...]:
        units = self.arm.sums["unit_count"]
        return tuple(
            Look(
                day_of(self.data, index),
                int(units[index]),
                _ratio(test.effect[index]),
                _ratio(test.lower[index]),
                _ratio(test.upper[index]),
                min(float(test.p_value[index]) * self.comparisons, 1.0),
            )
            for index in range(units.size)
        )


def _estimate(arm: Arm, metric: str) -> Estimate:
    moments = arm.moments(metric)
    if not moments.units.size:
        return Estimate(None, None, None, reason="no unit")
    last = moments.at(-1)
    if metric == "success_rate":
        return share_estimate(last)
    return ratio_estimate(last, of_successes=metric == "cost_per_successful_outcome")


def _at_end(test: SequentialTest, errors: FloatArray) -> tuple[float | None, float]:
    effect, error = float(test.effect[-1]), float(errors[-1])
    return (effect, error) if math.isfinite(effect) else (None, math.nan)


def _ratio(log_effect: float) -> float | None:
    return math.expm1(log_effect) if math.isfinite(log_effect) else None


def _percent(log_effect: float) -> str:
    return f"{math.expm1(log_effect):+.1%}" if math.isfinite(log_effect) else "anything"


def _change(log_effect: float) -> str:
    ratio = math.expm1(log_effect)
    return f"{abs(ratio):.1%} {'higher' if ratio > 0 else 'lower'}"
