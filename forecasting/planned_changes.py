"""Known future events: what each line of ``planned_changes.csv`` does to the cost of its scope, day by day.

Policies, in one place:

- A change multiplies one driver of the cost in its scope (``factor``) or adds a daily amount. Several factors on the
  same cost multiply; amounts come on top of them.
- A ramp of n days moves in equal steps: the first day has 1 ÷ (n + 1) of the effect, and the day n days after the start
  all of it. After the last day (``end_date``, included) the effect is gone at once.
- **What the history already contains is not counted again.** Forecast and history are both expressed at a reference
  level: a change for ever counts at its level on the cutoff day, a change with an end counts as not there. History is
  divided by the effect that each of its days had relative to that level (``rebase_history`` in
  ``forecasting.change_effects``), and the forecast is multiplied by the effect that is still to come. So a price cut
  ten days before the cutoff lowers the older training days and leaves the forecast alone, and a holiday in the history
  does not drag the level down.
- A migration is one line on the scope that moves away, with the price of the new model ÷ that of the old one as factor.
  Its cost stays in the series of the old model until the ledger shows it under the new one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

import numpy as np

from forecasting.errors import PlannedChangeError
from forecasting.series import FloatArray

DRIVERS = ("requests", "tokens_per_request", "price")
ADDING_KINDS = ("launch", "go_live")
"""Kinds that may open a scope in which nothing was ever spent."""


@dataclass(frozen=True)
class PlannedChange:
    """One line of ``planned_changes.csv``; blank cells are None.

    Attributes:
        change_kind: ``price``, ``launch``, ``migration``, ``go_live``, ``holiday`` or ``other``.
        driver: ``requests``, ``tokens_per_request`` or ``price``; what ``factor`` multiplies. Amounts are requests.
        factor: Above 0; None for an amount.
        daily_amount_usd: Dollars a day at full ramp (below 0 for a saving); None for a factor.
        end_date: Last day of the effect; None, or a day of the year 9999, means for ever.
    """

    change_id: str
    change_name: str
    change_kind: str
    driver: str
    start_date: date
    end_date: date | None = None
    factor: Decimal | None = None
    daily_amount_usd: Decimal | None = None
    ramp_days: int = 0
    team: str | None = None
    feature: str | None = None
    environment: str | None = None
    provider_name: str | None = None
    model_id: str | None = None
    model_family: str | None = None
    customer_segment: str | None = None

    def __post_init__(self) -> None:
        if (self.factor is None) == (self.daily_amount_usd is None):
            raise self._error("needs a factor or a daily amount, and not both")
        if self.factor is not None and not (self.factor.is_finite() and self.factor > 0):
            raise self._error(f"has the factor {self.factor}, which is not above 0")
        if self.factor is not None and self.driver not in DRIVERS:
            raise self._error(f"moves {self.driver!r}, which is no driver ({', '.join(DRIVERS)})")
        if self.end_date is not None and self.end_date < self.start_date:
            raise self._error("ends before it starts")
        if self.ramp_days < 0:
            raise self._error(f"has a ramp of {self.ramp_days} days")

    def _error(self, what: str) -> PlannedChangeError:
        return PlannedChangeError(
            f"The planned change {what}",
            where=f"planned_changes.csv, change_id {self.change_id}",
            mend="Correct the line.",
        )

    @property
    def scope(self) -> dict[str, str]:
        """The dimensions that it is limited to, and their values."""
        values = {
            "team": self.team,
            "feature": self.feature,
            "environment": self.environment,
            "provider_name": self.provider_name,
            "model_id": self.model_id,
            "model_family": self.model_family,
            "customer_segment": self.customer_segment,
        }
        return {name: value for name, value in values.items() if value}

    @property
    def scope_text(self) -> str:
        """The scope in words."""
        return ", ".join(f"{name} {value}" for name, value in self.scope.items()) or "all spend"

    def ramp(self, first_day: date, days: int) -> FloatArray:
        """Share of the effect that is there on each of ``days`` days, 0 to 1."""
        since_start = np.arange(days) + (first_day - self.start_date).days
        share = np.clip((since_start + 1) / (self.ramp_days + 1), 0.0, 1.0)
        if self.end_date is not None and not self.is_for_ever:
            share[since_start > (self.end_date - self.start_date).days] = 0.0
        return np.asarray(share, dtype=np.float64)

    def factor_path(self, first_day: date, days: int, cutoff: date) -> FloatArray:
        """Factor of each day relative to the reference level at the cutoff (see the module); all 1 for an amount."""
        if self.factor is None:
            return np.ones(days)
        step = float(self.factor) - 1
        return np.asarray((1 + step * self.ramp(first_day, days)) / (1 + step * self._reference(cutoff)))

    def amount_path(self, first_day: date, days: int, cutoff: date) -> FloatArray:
        """Dollars added on each day relative to the reference level at the cutoff; all 0 for a factor."""
        if self.daily_amount_usd is None:
            return np.zeros(days)
        return float(self.daily_amount_usd) * (self.ramp(first_day, days) - self._reference(cutoff))

    def moves_after(self, cutoff: date, days: int) -> bool:
        """Whether it changes anything on the ``days`` days after the cutoff."""
        factors, amounts = self.factor_path(cutoff, days + 1, cutoff), self.amount_path(cutoff, days + 1, cutoff)
        return bool((factors[1:] != 1).any() or (amounts[1:] != 0).any())

    def _reference(self, cutoff: date) -> float:
        return float(self.ramp(cutoff, 1)[0]) if self.is_for_ever else 0.0

    @property
    def is_for_ever(self) -> bool:
        """Whether it has no last day."""
        return self.end_date is None or self.end_date.year == date.max.year


def check_ids(changes: Iterable[PlannedChange]) -> tuple[PlannedChange, ...]:
    """The changes in the order of their ids, which must differ.

    Raises:
        PlannedChangeError: two changes have one id.
    """
    ordered = tuple(sorted(changes, key=lambda change: change.change_id))
    for one, other in pairwise(ordered):
        if one.change_id == other.change_id:
            raise PlannedChangeError(
                "Two planned changes have the same id",
                where=f"planned_changes.csv, change_id {one.change_id}",
                mend="Give each line an id of its own.",
            )
    return ordered
