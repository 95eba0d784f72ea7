"""What one digest says, before it is laid out. Dollars are effective US dollars; days are UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from digest.weeks import Week
from digest.words import MINUS, ratio_of


@dataclass(frozen=True)
class Footnote:
    """Where numbers come from: the marts, and the SQL that gives exactly them."""

    number: int
    name: str
    title: str
    tables: tuple[str, ...]
    sql: str


@dataclass(frozen=True)
class WeekSpend:
    """One week. ``expected``: as forecast before it began, with a range that at least 9 weeks in 10 lie in.

    ``is_known`` is false where no row of the week has a price: then its cost is not nothing, but not known.
    """

    week: Week
    effective_cost_usd: Decimal
    request_count: Decimal
    estimated_cost_usd: Decimal
    day_count: int
    expected_usd: Decimal | None = None
    expected_lower_usd: Decimal | None = None
    expected_upper_usd: Decimal | None = None
    is_before_the_fact: bool = True
    is_known: bool = True

    @property
    def cost_per_request_usd(self) -> Decimal | None:
        if not self.is_known:
            return None
        return ratio_of(self.effective_cost_usd, self.request_count)


@dataclass(frozen=True)
class Line:
    """What one team, feature or model cost in this week and in the one before."""

    name: str
    effective_cost_usd: Decimal
    previous_cost_usd: Decimal
    request_count: Decimal
    previous_request_count: Decimal

    @property
    def change_usd(self) -> Decimal:
        return self.effective_cost_usd - self.previous_cost_usd

    @property
    def reason(self) -> str:
        """Whether it is how much was asked for, or what an answer costs."""
        if self.previous_request_count <= 0 and self.previous_cost_usd == 0:
            return "not used the week before"
        if self.request_count <= 0 and self.effective_cost_usd == 0:
            return "not used this week"
        if self.previous_request_count <= 0 or self.request_count <= 0:
            # Metered use that no log explains has a cost and no requests.
            return "how many requests is not known"
        if self.previous_cost_usd <= 0 or self.effective_cost_usd <= 0:
            return "no cost that is known in one of the two weeks"
        volume = self.request_count / self.previous_request_count - 1
        unit = (self.effective_cost_usd / self.request_count) / (self.previous_cost_usd / self.previous_request_count)
        return f"requests {volume * 100:+.0f} %, cost per request {(unit - 1) * 100:+.0f} %".replace("-", MINUS)


@dataclass(frozen=True)
class Anomaly:
    """Days of one series that left what was forecast of them."""

    dimension_name: str
    dimension_value: str
    direction: str
    day_count: int
    actual_cost_usd: Decimal
    expected_cost_usd: Decimal
    excess_cost_usd: Decimal
    explained_by: str | None
    explained_value: str | None
    cost_date: date


@dataclass(frozen=True)
class Driver:
    driver_name: str
    change_usd: Decimal


@dataclass(frozen=True)
class Budget:
    budget_name: str
    budget_kind: str
    status: str
    spent_usd: Decimal | None
    budget_usd: Decimal | None
    spent_ratio: float | None
    elapsed_ratio: float | None
    projected_p10_usd: Decimal | None
    projected_p50_usd: Decimal | None
    projected_p90_usd: Decimal | None
    breach_probability: float | None
    breach_date: date | None
    driver_1: str | None
    is_hard_cap: bool
    period_end_date: date


@dataclass(frozen=True)
class Action:
    """A recommendation that is open or accepted."""

    recommendation_id: str
    team: str | None
    title: str
    evidence: str
    how_to: str
    owner: str | None
    state: str
    confidence: str
    rank: int
    saving_usd: Decimal
    saving_lower_usd: Decimal
    saving_upper_usd: Decimal
    additional_usd: Decimal
    is_budget_at_risk: bool


@dataclass(frozen=True)
class Done:
    """A recommendation that was carried out, and what it is found to have brought."""

    recommendation_id: str
    title: str
    team: str | None
    status: str
    method: str | None
    finding: str | None
    saving_usd: Decimal | None
    saving_lower_usd: Decimal | None
    saving_upper_usd: Decimal | None
    saving_usd_per_month: Decimal | None
    days: int | None
    done_date: date


@dataclass(frozen=True)
class Trust:
    """One thing that limits what the numbers say. ``ratio`` from 0 to 1 where it is a share."""

    name: str
    label: str
    shown: str
    meaning: str
    exact: str
    ratio: float | None = None
    is_good: bool = True


@dataclass(frozen=True)
class Digest:
    """One week of one reader.

    Attributes:
        team: Whose numbers; None: everybody's.
        weeks: Up to 13 weeks, the last of them this one.
        first_date: The day from which there is any data, of whichever team.
        reasons: Why a part is empty, by its name.
    """

    week: Week
    team: str | None
    team_name: str | None
    made_at: datetime
    weeks: tuple[WeekSpend, ...]
    first_date: date | None
    teams: tuple[Line, ...]
    features: tuple[Line, ...]
    models: tuple[Line, ...]
    anomalies: tuple[Anomaly, ...]
    drivers: tuple[Driver, ...]
    drivers_month: date | None
    budgets: tuple[Budget, ...]
    actions: tuple[Action, ...]
    done: tuple[Done, ...]
    trust: tuple[Trust, ...]
    footnotes: dict[str, Footnote] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    @property
    def this_week(self) -> WeekSpend | None:
        return next((spend for spend in self.weeks if spend.week == self.week), None)

    @property
    def week_before(self) -> WeekSpend | None:
        """None also where data begins within it: days that nobody saw are no days without spend."""
        if not self.has_whole_week_before:
            return None
        return next((spend for spend in self.weeks if spend.week == self.week.before()), None)

    @property
    def change_ratio(self) -> Decimal | None:
        """Of this week against the one before; None where one of them is not known, or the one before was no spend."""
        week, before = self.this_week, self.week_before
        if week is None or before is None or not (week.is_known and before.is_known) or before.effective_cost_usd <= 0:
            return None
        return week.effective_cost_usd / before.effective_cost_usd - 1

    @property
    def has_whole_week_before(self) -> bool:
        return self.first_date is not None and self.first_date <= self.week.before().start_date

    @property
    def is_whole(self) -> bool:
        """Whether the week's first day had data, or none of its days did."""
        return self.first_date is None or not self.week.start_date < self.first_date <= self.week.end_date

    @property
    def is_before_data(self) -> bool:
        """Whether nothing was received of this week or of any before it: no news, and not a week without spend."""
        return self.first_date is None or self.first_date > self.week.end_date

    @property
    def is_past(self) -> bool:
        """Whether the digest is made later than in the week after: budgets and actions are those of now."""
        return self.made_at.date() > self.week.end_date + timedelta(days=7)

    @property
    def audience(self) -> str:
        return "All teams" if self.team is None else self.team_name or self.team
