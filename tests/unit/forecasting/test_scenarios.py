"""Growth scenarios: curves that start at today's level, say what finance wrote, and never explode."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from forecasting.errors import ScenarioError
from forecasting.models.baselines import RecentMean, SeasonalNaive
from forecasting.scenarios import DAYS_IN_MONTH, LARGEST_MULTIPLE, GrowthRow, scenario_factors, scenarios_of
from tests.unit.forecasting.series_of import FIRST_DAY, series_of

YEAR = 365
CELL = ("support", "chat")


def row(growth: str, **values: Any) -> GrowthRow:
    decimals = {name: Decimal(value) for name, value in values.items() if name in ("fade_months", "saturation_ratio")}
    return GrowthRow(**{"scenario": "s", **values, **decimals, "monthly_growth_ratio": Decimal(growth)})


CURVES = [
    (growth, fade, saturation)
    for growth in ("-0.9999", "-0.02", "0", "0.05", "99")
    for fade in (None, "0.01", "6", "1200")
    for saturation in (None, "0.0001", "1", "3", "9999")
    if saturation is None or (float(saturation) - 1) * float(growth) >= 0
]


@pytest.mark.parametrize(("growth", "fade", "saturation"), CURVES)
def test_every_curve_starts_at_one_and_stays_finite_bounded_and_monotone(
    growth: str, fade: str | None, saturation: str | None
) -> None:
    """Whatever a file may say that makes sense at all."""
    values = {name: value for name, value in (("fade_months", fade), ("saturation_ratio", saturation)) if value}
    factors = row(growth, **values).factors(YEAR)
    steps = np.diff(factors) * (1 if float(growth) >= 0 else -1)
    assert factors[0] == pytest.approx(1, abs=1e-12)
    assert np.isfinite(factors).all()
    assert factors.min() >= 1 / LARGEST_MULTIPLE - 1e-12
    assert factors.max() <= LARGEST_MULTIPLE + 1e-12
    assert (steps >= -1e-12).all()


def test_growth_without_fade_compounds_by_the_month() -> None:
    """5 % a month is 1.05 to the twelfth in a year."""
    factors = row("0.05").factors(YEAR)
    assert factors[-1] == pytest.approx(1.05 ** ((YEAR - 1) / DAYS_IN_MONTH))


def test_after_one_half_life_growth_has_half_its_pace() -> None:
    """The slope of the logarithm halves in six months, and the sum of all growth is bounded."""
    logs = np.log(row("0.05", fade_months="6").factors(round(6 * DAYS_IN_MONTH) + 2))
    assert (logs[-1] - logs[-2]) / (logs[1] - logs[0]) == pytest.approx(0.5, rel=0.01)
    assert row("0.05", fade_months="6").factors(20_000)[-1] == pytest.approx(1.05 ** (6 / np.log(2)))


def test_an_s_curve_begins_with_its_growth_and_ends_at_its_saturation() -> None:
    """Three times today's level, reached from 30 % in the first month on."""
    factors = row("0.3", saturation_ratio="3").factors(4 * YEAR)
    assert np.log(factors[1]) == pytest.approx(np.log(1.3) / DAYS_IN_MONTH, rel=0.01)
    assert factors[-1] == pytest.approx(3)
    bend = np.diff(factors, n=2)
    assert bend[0] > 0 > bend[YEAR], "it first speeds up, then slows down"


def test_a_decline_saturates_below_today() -> None:
    """A feature that is phased out to a quarter of its traffic."""
    assert row("-0.2", saturation_ratio="0.25").factors(4 * YEAR)[-1] == pytest.approx(0.25, rel=0.03)


@pytest.mark.parametrize("days", [1, 3, 10])
@pytest.mark.parametrize("model", [RecentMean(), SeasonalNaive()])
def test_a_year_on_a_few_days_of_history_stays_near_what_was_seen(days: int, model: Any) -> None:
    """Steep starts are what new features look like: no scenario may carry them on for a year."""
    series = series_of([2.0**day for day in range(days)])
    base = model.fit(series).predict(YEAR)
    for growth in ("0.05", "0.5", "20"):
        curve = base * row(growth).factors(YEAR)
        assert np.isfinite(curve).all()
        assert curve.max() <= LARGEST_MULTIPLE * 2.0**days
    assert (base * row("0.05", fade_months="6").factors(YEAR)).max() <= 1.4 * base.max()
    assert series.last_day == FIRST_DAY + timedelta(days=days - 1)


def test_scenarios_are_ordered_as_their_growth() -> None:
    """Conservative at or below base, base at or below accelerated, on each of 365 days."""
    conservative, accelerated = row("-0.02", fade_months="6").factors(YEAR), row("0.05", fade_months="6").factors(YEAR)
    assert (conservative <= 1).all()
    assert (accelerated >= 1).all()
    assert (row("0.06", fade_months="6").factors(YEAR) >= accelerated).all()


def test_the_most_specific_line_of_a_scenario_counts() -> None:
    """A feature's own line goes before its team's, that before the line of all; others are left at base."""
    rows = [
        row("0.01"),
        row("0.02", team="support"),
        row("0.03", feature="chat"),
        row("0.04", team="support", feature="chat"),
        row("0.05", scenario="other", team="search"),
    ]
    first, second = scenarios_of(rows)
    found = [first.row_for(cell) for cell in (CELL, ("search", "chat"), ("support", "x"), ("search", "x"))]
    assert [str(one.monthly_growth_ratio) for one in found if one] == ["0.04", "0.03", "0.02", "0.01"]
    np.testing.assert_array_equal(scenario_factors(second, CELL, 3), 1)
    assert scenario_factors(first, CELL, YEAR)[-1] == row("0.04").factors(YEAR)[-1]


@pytest.mark.parametrize(
    ("growth", "values", "said"),
    [
        ("-1", {}, "monthly growth -1"),
        ("NaN", {}, "monthly growth NaN"),
        ("0.1", {"fade_months": "0"}, "fades in 0"),
        ("0.1", {"saturation_ratio": "0"}, "saturates at 0"),
        ("0.1", {"saturation_ratio": "0.5"}, "saturates at 0.5"),
        ("0.1", {"scenario": "base"}, "taken"),
    ],
)
def test_a_line_that_cannot_be_drawn_is_refused(growth: str, values: dict[str, Any], said: str) -> None:
    """With the scenario, and how to mend it."""
    with pytest.raises(ScenarioError, match=said):
        row(growth, **values)


def test_two_lines_of_one_scope_are_refused() -> None:
    """Which of them counts would be chance."""
    with pytest.raises(ScenarioError, match="two lines"):
        scenarios_of([row("0.1", team="a"), row("0.2", team="a")])
