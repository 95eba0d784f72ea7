"""Maturity: which days may be trained on, how complete the others are, and what they will cost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from forecasting.maturity import (
    MAX_WAIT_DAYS,
    CostObservation,
    ProviderDay,
    learn_completeness,
    mature_through,
    nowcast,
)

TODAY = date(2026, 3, 10)


def provider_day(days_ago: int, settled: str, estimated: str, provider: str = "openai") -> ProviderDay:
    return ProviderDay(provider, TODAY - timedelta(days=days_ago), Decimal(settled), Decimal(estimated))


def seen(provider: str, days_ago: int, known_by_age: Mapping[int, float], account: str = "a") -> list[CostObservation]:
    """What loads at six in the morning knew of one day, by the age of the day."""
    day = TODAY - timedelta(days=days_ago)
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1, hours=6)
    return [
        CostObservation(provider, account, day, midnight + timedelta(days=age), Decimal(str(known)))
        for age, known in known_by_age.items()
    ]


def test_the_cutoff_waits_for_the_slowest_bill() -> None:
    """Each provider that sends bills must have settled the cutoff day."""
    days = [provider_day(ago, "10", "0") if ago >= 3 else provider_day(ago, "0", "10") for ago in range(10)]
    days += [provider_day(ago, "10", "0", "anthropic") for ago in range(1, 10)]
    assert mature_through(days, TODAY) == TODAY - timedelta(days=3)


def test_today_is_never_mature() -> None:
    """An incomplete last day poisons every model."""
    assert mature_through([provider_day(ago, "10", "0") for ago in range(5)], TODAY) == TODAY - timedelta(days=1)


def test_a_provider_without_any_bill_holds_nothing_back() -> None:
    """Local models never get a bill; their estimates are all there will be."""
    days = [provider_day(ago, "10", "0") for ago in range(1, 9)]
    days += [provider_day(ago, "0", "3", "ollama") for ago in range(1, 9)]
    assert mature_through(days, TODAY) == TODAY - timedelta(days=1)


def test_a_provider_that_went_silent_holds_nothing_back() -> None:
    """A contract that ended has no later day to wait for."""
    days = [provider_day(1, "10", "0"), provider_day(60, "10", "0", "anthropic")]
    assert mature_through(days, TODAY) == TODAY - timedelta(days=1)


def test_a_bill_that_never_comes_is_waited_for_only_so_long() -> None:
    """After the pulled window an estimate is as good as it gets."""
    days = [provider_day(90, "10", "0"), *(provider_day(ago, "0", "10") for ago in range(1, 90))]
    assert mature_through(days, TODAY) == TODAY - timedelta(days=1 + MAX_WAIT_DAYS)


def test_without_a_past_day_nothing_is_mature() -> None:
    """A ledger of today only has nothing to train on."""
    assert mature_through([provider_day(0, "1", "0")], TODAY) is None


LATE = {0: 40.0, 1: 80.0, 2: 95.0, 20: 100.0}
"""Two fifths on the first morning, four fifths on the second."""


def test_the_age_of_a_load_counts_from_the_end_of_its_day() -> None:
    """Six in the morning after the day is age 0; while the day still runs it is below."""
    (morning,) = seen("openai", 5, {0: 1})
    (before,) = seen("openai", 5, {-1: 1})
    assert (morning.age_days, before.age_days) == (0, -1)


def test_the_curve_is_the_usual_share_of_the_final_cost() -> None:
    """Learned from settled days, of whatever size, and carried on to ages between."""
    observations = [one for ago in range(20, 50) for one in seen("openai", ago, {a: k * ago for a, k in LATE.items()})]
    learned = learn_completeness(observations)
    assert [learned.at_age("openai", age) for age in (0, 1, 2, 7, 14)] == pytest.approx([0.4, 0.8, 0.95, 0.95, 1])


def test_a_few_odd_days_do_not_bend_the_curve() -> None:
    """An outage day with nothing on its first morning, and one that was credited away later."""
    observations = [one for ago in range(20, 50) for one in seen("openai", ago, LATE)]
    observations += seen("openai", 60, {0: 0.0, 1: 0.0, 20: 100.0})
    observations += seen("openai", 61, {0: 500.0, 20: 1.0})
    observations += seen("openai", 62, {0: 100.0, 20: -3.0})
    assert learn_completeness(observations).at_age("openai", 0) == pytest.approx(0.4)


def test_the_curve_never_falls_and_never_passes_one() -> None:
    """Later days that were loaded at other ages by chance must not make it swing."""
    observations = [one for ago in range(20, 40) for one in seen("openai", ago, {0: 90.0, 20: 100.0})]
    observations += [one for ago in range(40, 60) for one in seen("openai", ago, {1: 60.0, 2: 130.0, 20: 100.0})]
    curve = learn_completeness(observations).curves["openai"]
    assert list(curve.values()) == sorted(curve.values())
    assert max(curve.values()) <= 1
    assert curve[0] == pytest.approx(0.75)


def test_a_thin_provider_leans_on_all() -> None:
    """One day of its own says little; none at all leaves the curve of all; one that sends no bills has none."""
    observations = [one for ago in range(20, 50) for one in seen("openai", ago, LATE)]
    observations += seen("anthropic", 20, {0: 100.0, 20: 100.0})
    observations += seen("mistral", 3, {0: 1.0})
    learned = learn_completeness(observations)
    assert learned.at_age("anthropic", 0) == pytest.approx(1 / 6 * 1 + 5 / 6 * 0.4)
    assert learned.at_age("mistral", 0) == pytest.approx(0.4, abs=0.01)
    assert learned.at_age("ollama", 0) is None


def test_before_any_day_has_settled_nothing_is_known() -> None:
    """A first backfill loads every day once, old ones complete: that teaches nothing about young ones."""
    observations = [*seen("openai", 3, {0: 1.0}), *seen("openai", 40, {39: 10.0})]
    learned = learn_completeness(observations)
    assert learned.at_age("openai", 3) is None
    assert learned.of_day("openai", TODAY - timedelta(days=3)) is None


def test_a_day_is_as_complete_as_its_last_load() -> None:
    """A source that has not answered for days does not ripen by waiting, and the slower account decides."""
    observations = [one for ago in range(20, 50) for one in seen("openai", ago, LATE)]
    observations += seen("openai", 9, {0: 4.0, 1: 8.0})
    observations += seen("openai", 9, {0: 1.0}, account="b")
    assert learn_completeness(observations).of_day("openai", TODAY - timedelta(days=9)) == pytest.approx(0.4)


def test_a_series_of_two_providers_is_complete_by_their_weight() -> None:
    """Three quarters at one, a quarter at the other; a provider without bills is left out."""
    day = TODAY - timedelta(days=1)
    observations = [one for ago in range(20, 320) for one in seen("openai", ago, {0: 40.0, 20: 100.0})]
    observations += [one for ago in range(20, 320) for one in seen("anthropic", ago, {0: 80.0, 20: 100.0})]
    observations += [*seen("openai", 1, {0: 1.0}), *seen("anthropic", 1, {0: 1.0})]
    learned = learn_completeness(observations)
    costs = {"openai": 3.0, "anthropic": 1.0, "ollama": 9.0}
    assert learned.of_series(costs, day) == pytest.approx(0.5, abs=0.01)
    assert learned.of_series({"ollama": 9.0}, day) is None


@pytest.mark.parametrize(
    ("known", "completeness", "expected"),
    [
        ("40", "0.4", "100"),
        ("60", "0.4", "120"),
        ("0", "0", "100"),
        ("97", "1", "97"),
    ],
)
def test_a_nowcast_adds_what_is_missing_from_the_forecast(known: str, completeness: str, expected: str) -> None:
    """With 100 dollars forecast: the part that is usually missing is taken from there."""
    assert nowcast(Decimal(known), Decimal(100), Decimal(completeness)) == Decimal(expected)


def test_a_billed_day_that_is_usually_incomplete_is_not_mature() -> None:
    """The bill has come, but at this age it has usually only four fifths of the cost."""
    observations = [one for ago in range(20, 50) for one in seen("openai", ago, LATE)]
    for ago in range(1, 20):
        observations += seen("openai", ago, dict.fromkeys(range(ago), 50.0))
    days = [provider_day(ago, "10", "0") for ago in range(1, 50)]
    learned = learn_completeness(observations)
    assert mature_through(days, TODAY) == TODAY - timedelta(days=1)
    assert mature_through(days, TODAY, learned) == TODAY - timedelta(days=3)
    young = [provider_day(1, "10", "0"), provider_day(2, "10", "0")]
    assert mature_through(young, TODAY, learned) == TODAY - timedelta(days=1 + MAX_WAIT_DAYS)
