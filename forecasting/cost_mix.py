"""What a forecast of cells (team, feature) consists of: the slices of recent cost, seen along any dimension.

A slice is one combination of dimension values. A cell's forecast is spread over its slices by their share of the
cell's recent cost, so a change that concerns one model, provider or segment reaches the right part of every series.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from forecasting.errors import ForecastError
from forecasting.series import FloatArray

Cell = tuple[str, str]
"""Team and feature; ``unattributed`` where there is none."""

UNATTRIBUTED = "unattributed"
TEAM, FEATURE = "team", "feature"
SLICE_DIMENSIONS = (
    TEAM,
    FEATURE,
    "environment",
    "provider_name",
    "model_id",
    "model_family",
    "customer_segment",
)
"""What a planned change can be scoped by."""


@dataclass(frozen=True)
class CostMix:
    """Recent cost of every slice.

    Attributes:
        dimensions: Names of the values of a slice; ``team`` and ``feature`` must be among them.
        slices: One tuple of values for each slice, no two alike.
        costs: ``[n_slices]``, dollars >= 0 over the same recent days. Only shares within a cell matter for the future.
    """

    dimensions: tuple[str, ...]
    slices: tuple[tuple[str, ...], ...]
    costs: FloatArray

    @classmethod
    def of(cls, rows: Iterable[tuple[tuple[str, ...], float]], dimensions: tuple[str, ...]) -> CostMix:
        """The mix of rows (values of a slice, dollars); equal slices are added up, net credits count as nothing."""
        costs: defaultdict[tuple[str, ...], float] = defaultdict(float)
        for values, cost in rows:
            costs[values] += cost
        slices = tuple(sorted(costs))
        return cls(dimensions, slices, np.maximum(np.array([costs[one] for one in slices], dtype=np.float64), 0.0))

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The cell of each slice."""
        team, feature = self._position(TEAM), self._position(FEATURE)
        return tuple((one[team], one[feature]) for one in self.slices)

    def values(self, dimension: str) -> list[str]:
        """Every value of one dimension, sorted."""
        return sorted({one[self._position(dimension)] for one in self.slices})

    def matching(self, scope: Mapping[str, str]) -> NDArray[np.bool_]:
        """``[n_slices]``: whether a slice has every value of the scope.

        Raises:
            ForecastError: the mix was made without a dimension of the scope.
        """
        wanted = [(self._position(name), value) for name, value in scope.items()]
        return np.array([all(one[at] == value for at, value in wanted) for one in self.slices], dtype=np.bool_)

    def replaced(self, one: tuple[str, ...], values: Mapping[str, str]) -> tuple[str, ...]:
        """The slice with other values in some dimensions."""
        return tuple(values.get(name, value) for name, value in zip(self.dimensions, one, strict=True))

    def extended(self, slices: Iterable[tuple[str, ...]]) -> CostMix:
        """The mix with these slices as well; those that are new have cost nothing so far."""
        known = set(self.slices)
        new = [one for one in dict.fromkeys(slices) if one not in known]
        return CostMix(self.dimensions, (*self.slices, *new), np.concatenate((self.costs, np.zeros(len(new)))))

    def with_cells(self, cells: Iterable[Cell]) -> CostMix:
        """The mix with a slice of unknown make-up for each cell of which it knows nothing."""
        known = set(self.cells)
        blank = (UNATTRIBUTED,) * len(self.dimensions)
        missing = [cell for cell in dict.fromkeys(cells) if cell not in known]
        return self.extended(self.replaced(blank, {TEAM: team, FEATURE: feature}) for team, feature in missing)

    def spread(self, points: Mapping[Cell, FloatArray]) -> FloatArray:
        """``[n_slices, days]``: the daily points of the cells, spread over their slices; cells without points are 0.

        Raises:
            ForecastError: a cell has points but no slice (see ``with_cells``).
        """
        if unknown := sorted(set(points) - set(self.cells)):
            raise ForecastError("Cells of the forecast are not in the cost mix", where=str(unknown))
        days = len(next(iter(points.values()))) if points else 0
        nothing = np.zeros(days)
        return np.array([points.get(cell, nothing) for cell in self.cells]).reshape(-1, days) * self._shares[:, None]

    @cached_property
    def _shares(self) -> FloatArray:
        """Share of each slice in its cell; even where the cell has cost nothing lately."""
        totals: defaultdict[Cell, float] = defaultdict(float)
        counts: defaultdict[Cell, int] = defaultdict(int)
        for cell, cost in zip(self.cells, self.costs.tolist(), strict=True):
            totals[cell] += cost
            counts[cell] += 1
        return np.array(
            [
                cost / totals[cell] if totals[cell] > 0 else 1 / counts[cell]
                for cell, cost in zip(self.cells, self.costs.tolist(), strict=True)
            ],
            dtype=np.float64,
        )

    def _position(self, dimension: str) -> int:
        if dimension not in self.dimensions:
            raise ForecastError(
                f"The cost mix does not know the dimension {dimension!r}",
                where=", ".join(self.dimensions),
                mend="Scope the change or budget by one of these.",
            )
        return self.dimensions.index(dimension)
