"""Every load is a look at the days that it covers, also the loads that were superseded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.lake import Lake, Window
from ingestion.records import AnthropicCost, OpenAICost, to_arrow
from orchestration.completeness import LOOK_BACK_DAYS, cost_observations, learn_from_lake

DAY = date(2026, 11, 1)
MORNING = datetime(2026, 11, 2, 6, tzinfo=UTC)


class Mornings:
    """A lake that is loaded once a morning."""

    def __init__(self, root: Path) -> None:
        self.now = MORNING
        self.lake = Lake(root, lambda: self.now)

    def load_openai(self, age: int, amounts: Sequence[str], *, day: date = DAY, days: int = 1) -> None:
        """Lines of one day, as seen some days after it."""
        self.now = MORNING + timedelta(days=age) + (day - DAY)
        rows = [OpenAICost("main", "acme", day, None, None, "x", Decimal(one), "usd", None, None) for one in amounts]
        window = Window(day, day + timedelta(days=days))
        self.lake.land("openai_costs", "main", to_arrow(OpenAICost, rows), account_id="acme", window=window)


def test_superseded_loads_are_seen_as_they_were(tmp_path: Path) -> None:
    """Nothing at first, then a part, the same part again, then all: also after compaction moved the rows."""
    mornings = Mornings(tmp_path / "lake")
    for age, amounts in enumerate([[], ["3"], ["3"], ["3", "7"]]):
        mornings.load_openai(age, amounts)
    expected = [(0, Decimal(0)), (1, Decimal(3)), (2, Decimal(3)), (3, Decimal(10))]
    for _ in range(2):
        found = sorted((one.age_days, one.known_cost_usd) for one in cost_observations(mornings.lake, mornings.now))
        assert found == expected
        mornings.lake.compact(min_files=2, grace=timedelta(0))


def test_cents_are_dollars_and_old_days_are_left_alone(tmp_path: Path) -> None:
    """Anthropic sends cents; a day before the look-back is no observation."""
    mornings = Mornings(tmp_path / "lake")
    line = AnthropicCost("main", "acme", DAY, None, "x", None, None, None, None, None, None, Decimal("1250"), "USD")
    mornings.lake.land(
        "anthropic_costs",
        "main",
        to_arrow(AnthropicCost, [line]),
        account_id="acme",
        window=Window(DAY, DAY + timedelta(days=1)),
    )
    (one,) = cost_observations(mornings.lake, mornings.now)
    assert (one.provider_name, one.account_id, one.known_cost_usd) == ("anthropic", "acme", Decimal("12.50"))
    assert list(cost_observations(mornings.lake, mornings.now + timedelta(days=LOOK_BACK_DAYS))) == []


def test_the_curve_is_learned_from_the_lake(tmp_path: Path) -> None:
    """Three settled days with half of their cost on the first morning; the fourth is young."""
    mornings = Mornings(tmp_path / "lake")
    for later in range(4):
        mornings.load_openai(0, ["5"], day=DAY + timedelta(days=later))
    for later in range(3):
        mornings.load_openai(20, ["5", "5"], day=DAY + timedelta(days=later))
    learned = learn_from_lake(mornings.lake, mornings.now)
    assert learned.of_day("openai", DAY) == 1
    assert learned.of_day("openai", DAY + timedelta(days=3)) == pytest.approx(0.5)


def test_an_empty_lake_teaches_nothing(tmp_path: Path) -> None:
    """Before the first load there is no curve."""
    assert learn_from_lake(Mornings(tmp_path / "lake").lake, MORNING).of_day("openai", DAY) is None
