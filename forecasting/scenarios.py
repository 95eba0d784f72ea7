"""Growth scenarios: named, readable curves on top of the base forecast, bounded for as long as anyone plans.

A scenario multiplies the base forecast of a cell (team, feature), points and paths alike, by a curve that starts at 1:

    extra(t)  = ln(1 + monthly growth) x H / ln 2 x (1 - 2^(-t / H))      t in months, H the fade in months
              = ln(1 + monthly growth) x t                               without a fade
    factor(t) = e^extra(t)                                               without saturation
              = K / (1 + (K - 1) e^(-extra(t) x K / (K - 1)))            logistic, from 1 to the saturation K

Both curves begin with the stated monthly growth. All factors lie between 1 ÷ ``LARGEST_MULTIPLE`` and
``LARGEST_MULTIPLE``, whatever the file says, so that no scenario explodes in twelve months even on a few days of
history.

**What is plausible.** Enterprise buyers asked by Andreessen Horowitz in 2025 expected to spend about 75 % more on LLMs
a year later; that is 4.8 % a month without a fade. An accelerated scenario of 5 % a month that fades with a half-life
of six months ends the year at 1.37 times the base forecast (which has its own trend), and never exceeds 1.53 times.
The market for model APIs as a whole grew 2.4 times in half a year (Menlo Ventures, mid-2025), so an s-curve of a young
feature to three times its level is bold but seen; ten times the base forecast is where a plan stops being a forecast.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from forecasting.cost_mix import Cell
from forecasting.errors import ScenarioError
from forecasting.series import FloatArray

LARGEST_MULTIPLE = 10.0
DAYS_IN_MONTH = 365.25 / 12
RESERVED_NAMES = ("base", "backtest")


@dataclass(frozen=True)
class GrowthRow:
    """One line of ``forecast_scenarios.csv``: extra growth of the cells in its scope; blank cells are None.

    Attributes:
        monthly_growth_ratio: Growth on top of the base forecast in the first month, above -1 (0.05 is 5 %).
        fade_months: Half-life in months of the extra growth, above 0; None means that it goes on.
        saturation_ratio: Level at which it saturates, as a multiple of the base level; None means no saturation.
    """

    scenario: str
    monthly_growth_ratio: Decimal
    fade_months: Decimal | None = None
    saturation_ratio: Decimal | None = None
    team: str | None = None
    feature: str | None = None

    def __post_init__(self) -> None:
        if self.scenario in RESERVED_NAMES:
            raise self._error(f"is named {self.scenario}, which is taken", "Choose another name.")
        if not self.monthly_growth_ratio.is_finite() or self.monthly_growth_ratio <= -1:
            raise self._error(f"has the monthly growth {self.monthly_growth_ratio}", "It must be above -1.")
        if self.fade_months is not None and not (self.fade_months.is_finite() and self.fade_months > 0):
            raise self._error(f"fades in {self.fade_months} months", "It must be above 0; blank means never.")
        if self.saturation_ratio is None:
            return
        if not (self.saturation_ratio.is_finite() and self.saturation_ratio > 0):
            raise self._error(f"saturates at {self.saturation_ratio}", "It must be above 0; blank means never.")
        if (self.saturation_ratio - 1) * self.monthly_growth_ratio < 0:
            raise self._error(
                f"grows by {self.monthly_growth_ratio} a month but saturates at {self.saturation_ratio}",
                "Growth saturates above 1, decline below 1.",
            )

    def _error(self, what: str, mend: str) -> ScenarioError:
        return ScenarioError(
            f"The scenario {what}",
            where=f"forecast_scenarios.csv, scenario {self.scenario}, {self._scope_text}",
            mend=mend,
        )

    @property
    def _scope_text(self) -> str:
        return f"team {self.team or 'any'}, feature {self.feature or 'any'}"

    def covers(self, cell: Cell) -> bool:
        """Whether the cell is in its scope."""
        return self.team in (None, cell[0]) and self.feature in (None, cell[1])

    def factors(self, horizon_days: int) -> FloatArray:
        """``[horizon_days]``, 1 on the first day, monotone, within the bounds of the module."""
        months = np.arange(horizon_days) / DAYS_IN_MONTH
        elapsed = months
        if self.fade_months is not None:
            decay = float(np.log(2)) / float(self.fade_months)
            elapsed = -np.expm1(-decay * months) / decay
        extra = float(np.log1p(float(self.monthly_growth_ratio))) * elapsed
        if self.saturation_ratio is not None:
            extra = _saturating(extra, float(self.saturation_ratio))
        bound = float(np.log(LARGEST_MULTIPLE))
        return np.asarray(np.exp(np.clip(extra, -bound, bound)), dtype=np.float64)


def _saturating(extra: FloatArray, saturation: float) -> FloatArray:
    """Logarithm of the logistic curve that begins with the slope of ``extra`` and ends at ``saturation``."""
    room = saturation - 1
    if abs(room) < 1e-9:
        return np.zeros_like(extra)
    return np.asarray(np.log(saturation) - np.log1p(room * np.exp(-extra * saturation / room)), dtype=np.float64)


@dataclass(frozen=True)
class Scenario:
    """All lines of one scenario."""

    name: str
    rows: tuple[GrowthRow, ...]

    def row_for(self, cell: Cell) -> GrowthRow | None:
        """The most specific line that covers the cell: team and feature, then feature, then team, then all."""
        covering = [row for row in self.rows if row.covers(cell)]
        return max(covering, key=lambda row: (row.feature is not None, row.team is not None), default=None)


def scenarios_of(rows: Iterable[GrowthRow]) -> tuple[Scenario, ...]:
    """The scenarios of a file, in the order in which they first occur.

    Raises:
        ScenarioError: a scenario has two lines of one scope.
    """
    by_name: dict[str, dict[tuple[str | None, str | None], GrowthRow]] = {}
    for row in rows:
        scopes = by_name.setdefault(row.scenario, {})
        if (row.team, row.feature) in scopes:
            raise row._error("has two lines of one scope", "Keep one of them.")
        scopes[row.team, row.feature] = row
    return tuple(Scenario(name, tuple(scopes.values())) for name, scopes in by_name.items())


def scenario_factors(scenario: Scenario, cell: Cell, horizon_days: int) -> FloatArray:
    """Factor ``[horizon_days]`` of a cell's points and paths; 1 where no line of the scenario covers it.

    A series that spans several cells has the factor of its parts: sum of (points x factor) ÷ sum of points.
    """
    row = scenario.row_for(cell)
    return np.ones(horizon_days) if row is None else row.factors(horizon_days)
