"""Experiments are judged as declared: verdicts, what spoils them, what is left out, and how long they still run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest

from optimization.experiment_data import SUMS, Experiment, ExperimentData, arranged
from optimization.experiment_verdicts import ArmResult, judge
from optimization.experiments import LOOK_DAYS, _stored
from optimization.moments import FloatArray

FIRST = date(2026, 10, 1)
EXPERIMENT = Experiment(
    experiment_id="exp",
    is_declared=True,
    control_variant="old",
    randomization_unit="session",
    primary_metric="cost_per_successful_outcome",
    stop_rule="sequential",
    shares={"old": 0.5, "new": 0.5},
    minimum_effect=0.1,
    alpha=0.05,
    power=0.8,
    max_units=None,
    outcome_delay_days=0,
    planned_first_date=FIRST,
    planned_last_date=date(9999, 12, 31),
)

Days = dict[date, tuple[float, ...]]


def sums_of(cost: FloatArray, successes: FloatArray, **others: float) -> tuple[float, ...]:
    """The increments of a day with these units, each with one request and one outcome."""
    units = float(cost.size)
    values = {
        "assigned_unit_count": units,
        "unit_count": units,
        "request_count": units,
        "outcome_count": units,
        "request_squares": units,
        "outcome_squares": units,
        "effective_cost_usd": cost.sum(),
        "cost_squares": (cost**2).sum(),
        "cost_request_products": cost.sum(),
        "successful_outcome_count": successes.sum(),
        "success_squares": successes.sum(),
        "success_outcome_products": successes.sum(),
        "cost_success_products": (cost * successes).sum(),
    }
    return tuple(float((values | others).get(name, 0.0)) for name in SUMS)


def days_of(
    seed: int, days: int, units: int, *, factor: float = 1.0, rate: float = 0.6, sigma: float = 0.5, **others: float
) -> Days:
    """So many days of so many units whose costs are ``factor`` times log-normal."""
    generator = np.random.default_rng(seed)
    return {
        FIRST + timedelta(days=day): sums_of(
            factor * np.exp(sigma * generator.standard_normal(units)),
            (generator.random(units) < rate).astype(float),
            **others,
        )
        for day in range(days)
    }


def judged(
    arms: Mapping[str, Days], experiment: Experiment = EXPERIMENT, on: date = FIRST + timedelta(days=27)
) -> dict[str, ArmResult]:
    return {result.arm.variant: result for result in judge(arranged(experiment, arms, on), on)}


OLD = days_of(1, 28, 60)


@pytest.mark.parametrize(
    ("changes", "verdict", "words"),
    [
        ({"factor": 0.7}, "better", "lower than that of old"),
        ({"factor": 1.4}, "worse", "higher than that of old"),
        ({"rate": 0.4}, "worse", "cost per successful outcome of new is"),
        ({"factor": 1.0, "units": 6}, "inconclusive", "more days"),
    ],
)
def test_the_verdict_follows_the_effect(changes: dict[str, float], verdict: str, words: str) -> None:
    """Cheaper is better, dearer or less successful is worse, and few units say nothing yet."""
    units = int(changes.pop("units", 60))
    shares = {"old": 60 / (60 + units), "new": units / (60 + units)}
    results = judged({"old": OLD, "new": days_of(2, 28, units, **changes)}, replace(EXPERIMENT, shares=shares))
    assert (results["new"].verdict, words in results["new"].finding) == (verdict, True), results["new"].finding
    assert results["new"].is_significant == (verdict != "inconclusive")
    assert results["old"].verdict is None
    assert results["old"].is_control


def test_no_difference_is_said_only_when_no_change_that_matters_is_possible() -> None:
    """Not significant is not the same as no difference: the whole sequence must lie inside the minimum effect."""
    arms = {"old": days_of(3, 28, 900), "new": days_of(4, 28, 900)}
    result = judged(arms)["new"]
    assert result.verdict == "no difference"
    assert result.looks[-1].lower is not None
    assert result.looks[-1].lower > -0.1
    assert judged(arms, replace(EXPERIMENT, minimum_effect=0.01))["new"].verdict == "inconclusive"


def test_a_success_rate_is_better_when_it_is_higher() -> None:
    """The direction of the metric decides, not that of the number."""
    experiment = replace(EXPERIMENT, primary_metric="success_rate")
    result = judged({"old": OLD, "new": days_of(5, 28, 60, rate=0.75)}, experiment)["new"]
    assert result.verdict == "better"
    assert result.probability_better is not None
    assert result.probability_better > 0.99


def test_units_in_other_shares_than_declared_make_it_invalid() -> None:
    """However clear the difference looks, lost units may be what makes it."""
    results = judged({"old": OLD, "new": days_of(2, 28, 48, factor=0.5)})
    assert {result.verdict for result in results.values()} == {"invalid"}
    assert all(result.has_sample_ratio_mismatch for result in results.values())
    assert not results["new"].is_significant
    assert "instead of the declared 50.0%" in results["new"].finding


def test_units_seen_in_both_arms_make_it_invalid_only_when_they_are_many() -> None:
    """One in fifty is left out; one in ten says that the unit is not what was assigned."""
    few = judged({"old": OLD, "new": days_of(2, 28, 60, factor=0.7, crossed_unit_count=1, unit_count=59)})
    assert few["new"].verdict == "better"
    many = judged({"old": OLD, "new": days_of(2, 28, 60, factor=0.7, crossed_unit_count=12, unit_count=48)})
    assert many["new"].verdict == "invalid"
    assert "sessions were seen in more than one arm" in many["new"].finding


def test_a_declared_arm_without_traffic_is_told() -> None:
    """The other arm runs alone: nothing can be compared, and the finding names the silent arm."""
    results = judged({"old": OLD})
    assert results["new"].arm.last("unit_count") == 0
    assert results["new"].verdict == "invalid"
    assert "The declared arm new has had no traffic among 1,680 units" in results["new"].finding
    assert results["new"].estimates["success_rate"].value is None


def test_a_declared_experiment_without_traffic_is_told() -> None:
    """Both arms are there, with nothing in them."""
    results = judged({})
    assert {result.verdict for result in results.values()} == {"inconclusive"}
    assert "No request of exp has been seen" in results["new"].finding
    assert results["new"].sample_ratio_p_value is None


def test_an_undeclared_experiment_is_shown_and_not_judged() -> None:
    """Without a declaration nobody knows the control, the unit or what would matter."""
    experiment = replace(
        EXPERIMENT, is_declared=False, shares={}, control_variant=None, planned_first_date=None, planned_last_date=None
    )
    results = judged({"a": OLD, "b": days_of(2, 28, 60, factor=0.5)}, experiment)
    assert {(result.status, result.verdict) for result in results.values()} == {("undeclared", "inconclusive")}
    assert "config/experiments.csv" in results["a"].finding
    assert results["b"].differences == {}
    assert results["b"].estimates["cost_per_request"].lower is not None


def test_an_arm_that_is_not_declared_does_not_spoil_the_others() -> None:
    """A misspelled variant is told; the declared arms are compared."""
    results = judged({"old": OLD, "new": days_of(2, 28, 60, factor=0.7), "nwe": days_of(6, 28, 1)})
    assert results["new"].verdict == "better"
    assert (results["nwe"].verdict, results["nwe"].is_declared) == ("inconclusive", False)
    assert "The arm nwe is not declared" in results["nwe"].finding


def test_an_effect_that_changed_while_it_ran_is_no_answer() -> None:
    """A third of the price at first and six times it since: no one effect fits the looks of both halves."""
    cheap, dear = days_of(2, 28, 300, factor=0.3), days_of(7, 28, 300, factor=6.0)
    new = cheap | {day + timedelta(days=28): sums for day, sums in dear.items()}
    result = judged({"old": days_of(1, 56, 300), "new": new}, on=FIRST + timedelta(days=55))["new"]
    assert result.verdict == "inconclusive"
    assert "changed while it ran" in result.finding


def test_days_younger_than_the_outcomes_take_are_left_out() -> None:
    """Their successes have not come yet: counted, they would make every arm look worse and the newer one worst."""
    young = {FIRST + timedelta(days=day): sums_of(np.ones(60), np.zeros(60)) for day in range(26, 28)}
    late = judged({"old": OLD | young, "new": OLD | young}, replace(EXPERIMENT, outcome_delay_days=2))
    assert late["new"].arm.last("unit_count") == 26 * 60
    assert late["new"].arm.sums["unit_count"].size == 26
    assert late["new"].observed_share == 0.5


@pytest.mark.parametrize(
    ("changes", "on", "status"),
    [
        ({}, 27, "running"),
        ({"planned_first_date": FIRST + timedelta(days=40)}, 27, "planned"),
        ({"stop_rule": "fixed_date", "planned_last_date": FIRST + timedelta(days=20)}, 27, "finished"),
        ({"stop_rule": "fixed_date", "planned_last_date": FIRST + timedelta(days=40)}, 27, "running"),
        ({"stop_rule": "max_units", "max_units": 1000}, 27, "finished"),
        ({"stop_rule": "max_units", "max_units": 100_000}, 27, "running"),
        ({"decision": "ship", "decision_date": FIRST + timedelta(days=9)}, 27, "finished"),
        (
            {
                "stop_rule": "fixed_date",
                "planned_last_date": FIRST + timedelta(days=20),
                "decision": "stop",
                "decision_date": FIRST + timedelta(days=9),
            },
            27,
            "stopped",
        ),
    ],
)
def test_the_status_follows_the_stop_rule(changes: dict[str, object], on: int, status: str) -> None:
    """Planned, running, finished by its rule, or stopped by a decision before that."""
    experiment = replace(EXPERIMENT, **changes)  # type: ignore[arg-type]
    result = judged({"old": OLD, "new": days_of(2, 28, 60)}, experiment, FIRST + timedelta(days=on))["new"]
    assert result.status == status
    assert (result.remaining_days is None) == (status in ("finished", "stopped"))


def test_what_comes_after_the_last_unit_does_not_count() -> None:
    """An experiment of 1,000 units ends on the day that brought the thousandth, whatever followed."""
    experiment = replace(EXPERIMENT, stop_rule="max_units", max_units=1000)
    result = judged({"old": OLD, "new": days_of(2, 28, 60)}, experiment)["new"]
    assert result.arm.last("unit_count") == 9 * 60


def test_looks_do_not_depend_on_when_the_test_was_read() -> None:
    """What a later assessment says of a day is what was said on that day; p-values never rise again."""
    arms = {"old": OLD, "new": days_of(2, 28, 60, factor=0.85)}
    whole = judged(arms)["new"].looks
    earlier = judged(arms, on=FIRST + timedelta(days=13))["new"].looks
    assert whole[: len(earlier)] == earlier
    assert all(later.p_value <= look.p_value for look, later in pairwise(whole))
    kept = _stored(whole[:24])
    assert [look.day for look in kept] == [FIRST + timedelta(days=day) for day in (6, 13, 20, 23)]
    assert LOOK_DAYS == 7


def test_three_treatments_share_the_error() -> None:
    """With three chances to be wrong each comparison has a third of alpha."""
    one = judged({"old": OLD, "new": days_of(2, 28, 60, factor=0.85)})["new"]
    shares = {"old": 0.25, "new": 0.25, "x": 0.25, "y": 0.25}
    arms = {"old": OLD, "new": days_of(2, 28, 60, factor=0.85), "x": days_of(8, 28, 60), "y": days_of(9, 28, 60)}
    three = judged(arms, replace(EXPERIMENT, shares=shares))["new"]
    assert three.looks[-1].p_value == pytest.approx(min(3 * one.looks[-1].p_value, 1.0))


def test_more_days_are_needed_for_smaller_effects() -> None:
    """The detectable effect shrinks and the remaining days grow as they should."""
    arms = {"old": OLD, "new": days_of(2, 28, 60)}
    remaining = [
        judged(arms, replace(EXPERIMENT, minimum_effect=effect))["new"].remaining_days for effect in (0.1, 0.05)
    ]
    assert remaining[0] is not None
    assert remaining[1] is not None
    assert 0 < 3 * remaining[0] < remaining[1]
    short = judged({name: dict(list(days.items())[:14]) for name, days in arms.items()}, on=FIRST + timedelta(days=13))
    assert (short["new"].detectable_effect or 0) > (judged(arms)["new"].detectable_effect or 1)


def test_requests_without_a_price_leave_the_cost_unknown() -> None:
    """An arm whose requests have no price would look cheap; its success rate can still be judged."""
    new = days_of(2, 28, 60, factor=0.5, unpriced_request_count=30)
    assert judged({"old": OLD, "new": new})["new"].verdict == "inconclusive"
    assert "have no price" in judged({"old": OLD, "new": new})["new"].finding
    rate = judged({"old": OLD, "new": new}, replace(EXPERIMENT, primary_metric="success_rate"))["new"]
    assert "have no price" not in rate.finding


def test_requests_that_name_no_unit_are_told() -> None:
    """Sessions were assigned and the log has none: intervals by request may be too short."""
    new = days_of(2, 28, 60, factor=0.7, unidentified_request_count=60)
    assert "name no session and count one by one" in judged({"old": OLD, "new": new})["new"].finding


def test_gaps_between_days_are_filled() -> None:
    """A day without traffic has the state of the day before."""
    sparse = {FIRST + timedelta(days=day): sums_of(np.ones(2), np.ones(2)) for day in (0, 3)}
    data: ExperimentData = arranged(EXPERIMENT, {"old": sparse}, FIRST + timedelta(days=4))
    assert data.arms[0].sums["unit_count"].tolist() == [2, 2, 2, 4, 4]
    assert [arm.variant for arm in data.arms] == ["old", "new"]
