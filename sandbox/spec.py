"""What one simulated company is made from: seed, size and span of days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

STORY_DATE = date(2026, 11, 22)
"""The day around which launches, migrations, experiments and contract changes are laid out by default."""


@dataclass(frozen=True)
class SandboxSpec:
    """Seed and size of a simulated company.

    A day depends on the seed, the day itself, the rate (``requests / sized_for_days``) and the story date, and on
    nothing
    else: a company built with a later ``end_date`` repeats its earlier days to the last digit.

    Attributes:
        seed: Seed of everything that is drawn.
        days: Length of history; the last day is ``end_date``, inclusive.
        requests: About how many requests fall into ``sized_for_days`` days around the story date. The company grows, so
            spans far from it hold up to a third fewer or more.
        end_date: Last UTC day.
        sized_for_days: The days that ``requests`` counts; 0 means ``days``.
        story_date: The events of the company (launches, experiments, discounts) lie at fixed distances from this day.
    """

    seed: int = 7
    days: int = 180
    requests: int = 200_000
    end_date: date = STORY_DATE
    sized_for_days: int = 0
    story_date: date = STORY_DATE

    def __post_init__(self) -> None:
        if self.days < 1 or self.requests < 1 or self.sized_for_days < 0:
            raise ValueError("days and requests must be at least 1, and sized_for_days at least 0")

    @property
    def start_date(self) -> date:
        return self.end_date - timedelta(days=self.days - 1)

    @property
    def requests_per_day(self) -> float:
        return self.requests / (self.sized_for_days or self.days)

    @property
    def size(self) -> float:
        """How large the company is, 1 being its usual size; fees and budgets grow with it."""
        return self.requests_per_day / (SandboxSpec.requests / SandboxSpec.days)

    def dates(self) -> Iterator[date]:
        """Every UTC day of the span, oldest first."""
        return (self.start_date + timedelta(days=index) for index in range(self.days))

    def advanced(self, days: int) -> SandboxSpec:
        """The same company some days later: the same first day and the same rate."""
        return replace(
            self,
            days=self.days + days,
            end_date=self.end_date + timedelta(days=days),
            sized_for_days=self.sized_for_days or self.days,
        )

    def is_continued_by(self, later: SandboxSpec) -> bool:
        """Whether ``later`` is this company, grown by some days or none."""
        return (
            (self.seed, self.start_date, self.story_date, self.requests_per_day)
            == (later.seed, later.start_date, later.story_date, later.requests_per_day)
        ) and later.end_date >= self.end_date
