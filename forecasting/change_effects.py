"""Planned changes laid over forecasts: which part of every series they move, and by how much each day.

Shapes: points ``[days]``, paths ``[n_paths, days]``, arrays over slices ``[n_slices, days]``. All numbers come from the
same slices, so what a change does to the cells is what it does to every other dimension: teams, features and the total
are sums of cells (``LaidChanges.cells``), and ``LaidChanges.dimension`` brings the values of any other dimension to the
same total.

    plan = plan_changes(changes, reference_mix(rows, SLICE_DIMENSIONS, changes, cutoff), cutoff, cells=points)
    training = rebase_history(values, plan.past_effect({"team": "search"}, first_day, len(values)))
    laid = plan.lay_over(points)
    cells = laid.cells()
    cells_of_scenario = laid.grown({cell: scenario_factors(scenario, cell, horizon) for cell in cells}).cells()
    paths = laid.effect({"provider_name": "openai"}).on_paths(paths, provider_points)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from forecasting.cost_mix import FEATURE, TEAM, UNATTRIBUTED, Cell, CostMix
from forecasting.planned_changes import ADDING_KINDS, DRIVERS, PlannedChange, check_ids
from forecasting.series import ONE_DAY, FloatArray

LOOK_AHEAD_DAYS = 366
"""A change that does nothing within a year needs no known scope yet."""

_SMALLEST_DIVISOR = 0.05
"""A day of the history is raised to at most twenty times itself: more would blow up its noise."""


@dataclass(frozen=True)
class ChangeFinding:
    """Something about a planned change that its author should know."""

    change_id: str
    message: str


@dataclass(frozen=True)
class Effect:
    """What all planned changes do to one series: ``points * factor + amount_usd``, day by day.

    Attributes:
        factor: ``[days]``, >= 0.
        amount_usd: ``[days]``, dollars; may be below 0, and then never takes more than there is.
    """

    factor: FloatArray
    amount_usd: FloatArray

    def on_points(self, points: FloatArray) -> FloatArray:
        """Points ``[days]`` with the changes, >= 0."""
        return np.maximum(points * self.factor + self.amount_usd, 0.0)

    def on_paths(self, paths: FloatArray, points: FloatArray) -> FloatArray:
        """Paths ``[n_paths, days]`` around ``points`` with the changes.

        Each path keeps its relative error: planned cost is no surer than the spend that it joins. Where nothing was
        forecast, the planned amount stands without spread.
        """
        after = self.on_points(points)
        is_spent = points > 0
        return np.where(is_spent, paths * _ratio(after, points), after)


@dataclass(frozen=True)
class LaidChanges:
    """Planned changes laid over the points of the cells, for the days after the cutoff.

    Attributes:
        before: ``[n_slices, days]``, the points spread over the slices.
        scaled: ``before`` with the factors.
        after: ``scaled`` with the amounts, >= 0.
        by_driver: ``before`` with the factors of one driver alone.
    """

    mix: CostMix
    points: Mapping[Cell, FloatArray]
    before: FloatArray
    scaled: FloatArray
    after: FloatArray
    by_driver: Mapping[str, FloatArray]

    def effect(self, scope: Mapping[str, str]) -> Effect:
        """Effect on any series: dimension names of the mix and their values; ``{}`` is the total."""
        mine = self.mix.matching(scope)
        before, scaled, after = (part[mine].sum(axis=0) for part in (self.before, self.scaled, self.after))
        return Effect(_ratio(scaled, before), after - scaled)

    def driver_factors(self, scope: Mapping[str, str]) -> dict[str, FloatArray]:
        """Factor ``[days]`` on each driver of a series, from the changes of that driver alone."""
        mine = self.mix.matching(scope)
        before = self.before[mine].sum(axis=0)
        return {driver: _ratio(part[mine].sum(axis=0), before) for driver, part in self.by_driver.items()}

    def cells(self) -> dict[Cell, FloatArray]:
        """Points ``[days]`` of every cell with the changes, new cells of launches included.

        Teams, features and the total are the sums of these.
        """
        after = {cell: np.zeros(self.after.shape[1]) for cell in (*self.points, *self.mix.cells)}
        for cell, path in zip(self.mix.cells, self.after, strict=True):
            after[cell] = after[cell] + path
        return {cell: path for cell, path in after.items() if cell in self.points or path.any()}

    def dimension(self, dimension: str, nodes: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """Points ``[days]`` of every value of a dimension with the changes; they add up to what the cells add up to.

        Args:
            nodes: Points of the values without the changes, which add up to those of the cells. Values that only a
                launch brings are added.
        """
        nothing = np.zeros(self.after.shape[1])
        effects = {value: self.effect({dimension: value}) for value in (*nodes, *self.mix.values(dimension))}
        scaled = {value: nodes.get(value, nothing) * effect.factor for value, effect in effects.items()}
        # The nodes' own forecasts weigh the slices a little differently than the cells do.
        agreed = _scaled_to(scaled, self.scaled.sum(axis=0))
        moved = {value: np.maximum(agreed[value] + effect.amount_usd, 0.0) for value, effect in effects.items()}
        after = _scaled_to(moved, self.after.sum(axis=0))
        return {value: path for value, path in after.items() if value in nodes or path.any()}

    def grown(self, factors: Mapping[Cell, FloatArray]) -> LaidChanges:
        """The same with each cell's cost multiplied day by day, as a growth scenario does it; its driver is requests.

        Args:
            factors: ``[days]`` of each cell, such as from ``scenario_factors``; cells without stay as they are.
        """
        same = np.ones(self.after.shape[1])
        growth = np.array([factors.get(cell, same) for cell in self.mix.cells]).reshape(self.after.shape)
        by_driver = {**self.by_driver, "requests": self.by_driver["requests"] * growth}
        return replace(self, scaled=self.scaled * growth, after=self.after * growth, by_driver=by_driver)


def _ratio(after: FloatArray, before: FloatArray) -> FloatArray:
    return np.divide(after, before, out=np.ones_like(after), where=before > 0)


def _scaled_to(parts: Mapping[str, FloatArray], total: FloatArray) -> dict[str, FloatArray]:
    factor = _ratio(total, np.sum(list(parts.values()), axis=0))
    return {name: part * factor for name, part in parts.items()}


@dataclass(frozen=True)
class ChangePlan:
    """Planned changes matched to the slices of cost that they concern, as of one cutoff. Made by ``plan_changes``.

    Attributes:
        weights: ``[n_changes, n_slices]``: 1 where a factor applies; the share of an amount that each slice takes.
    """

    cutoff: date
    mix: CostMix
    changes: tuple[PlannedChange, ...]
    weights: FloatArray
    findings: tuple[ChangeFinding, ...]

    def lay_over(self, points: Mapping[Cell, FloatArray]) -> LaidChanges:
        """The changes over the daily points of the cells, the first of which is the day after the cutoff.

        Raises:
            ForecastError: the plan was made without one of the cells.
        """
        before = self.mix.spread(points)
        first_day, days = self.cutoff + ONE_DAY, before.shape[1]
        everywhere = np.ones(len(self.mix.slices), dtype=np.bool_)
        by_driver = {driver: before * self._factors(first_day, days, everywhere, (driver,)) for driver in DRIVERS}
        scaled = before * self._factors(first_day, days, everywhere)
        after = np.maximum(scaled + self._amounts(first_day, days, everywhere), 0.0)
        return LaidChanges(self.mix, dict(points), before, scaled, after, by_driver)

    def past_effect(self, scope: Mapping[str, str], first_day: date, days: int) -> Effect:
        """Effect that the changes had on days of the history, relative to the reference level at the cutoff."""
        mine = self.mix.matching(scope)
        costs = self.mix.costs[mine]
        factors = self._factors(first_day, days, mine)
        factor = costs @ factors / costs.sum() if costs.sum() > 0 else np.ones(days)
        return Effect(factor, self._amounts(first_day, days, mine).sum(axis=0))

    def slice_factors(self, first_day: date, days: int) -> dict[tuple[str, ...], FloatArray]:
        """Factor ``[days]`` of each slice, relative to the reference level at the cutoff."""
        everywhere = np.ones(len(self.mix.slices), dtype=np.bool_)
        return dict(zip(self.mix.slices, self._factors(first_day, days, everywhere), strict=True))

    def _factors(
        self, first_day: date, days: int, mine: NDArray[np.bool_], drivers: tuple[str, ...] = DRIVERS
    ) -> FloatArray:
        factors = np.ones((int(mine.sum()), days))
        for change, weights in zip(self.changes, self.weights[:, mine], strict=True):
            if change.factor is not None and change.driver in drivers:
                factors[weights > 0] *= change.factor_path(first_day, days, self.cutoff)
        return factors

    def _amounts(self, first_day: date, days: int, mine: NDArray[np.bool_]) -> FloatArray:
        amounts = np.zeros((int(mine.sum()), days))
        for change, weights in zip(self.changes, self.weights[:, mine], strict=True):
            if change.daily_amount_usd is not None:
                amounts += np.outer(weights, change.amount_path(first_day, days, self.cutoff))
        return amounts


def plan_changes(
    changes: Iterable[PlannedChange], mix: CostMix, cutoff: date, cells: Iterable[Cell] = ()
) -> ChangePlan:
    """Match changes to the cost that they concern.

    A change whose scope has no cost has no effect and is a finding; unless it is a launch or go-live with an amount:
    that one opens new slices (in the cells of its team and feature if these have spent before, else in a new cell) and
    is a finding too, since a misspelt name looks the same.

    Args:
        mix: Recent cost up to the cutoff, at the reference level (``reference_mix``).
        cells: Cells that will be forecast; those that the mix lacks count as of unknown make-up.
    Raises:
        PlannedChangeError: two changes have one id.
        ForecastError: a change is scoped by a dimension that the mix lacks.
    """
    ordered = check_ids(changes)
    mix = mix.with_cells(cells)
    targets: list[dict[tuple[str, ...], float]] = []
    findings = []
    for change in ordered:
        targets.append(_costs_in_scope(change, mix))
        if not targets[-1] and change.moves_after(cutoff, LOOK_AHEAD_DAYS):
            is_adding = change.daily_amount_usd is not None and change.change_kind in ADDING_KINDS
            targets[-1] = _opened_slices(change, mix) if is_adding else {}
            findings.append(ChangeFinding(change.change_id, _unknown_scope(change, is_adding)))
    mix = mix.extended(one for costs in targets for one in costs)
    weights = np.array(
        [_weights(change, costs, mix) for change, costs in zip(ordered, targets, strict=True)], dtype=np.float64
    )
    return ChangePlan(cutoff, mix, ordered, weights.reshape(len(ordered), len(mix.slices)), tuple(findings))


def _unknown_scope(change: PlannedChange, is_adding: bool) -> str:
    what = f"Planned change {change.change_id} ({change.change_name}): nothing was spent on {change.scope_text} lately"
    if is_adding:
        return f"{what}, so it opens a new series. Check the names in planned_changes.csv if it should not"
    return f"{what}, so it has no effect. Check the names in planned_changes.csv"


def _costs_in_scope(change: PlannedChange, mix: CostMix) -> dict[tuple[str, ...], float]:
    matched = mix.matching(change.scope).tolist()
    return {one: cost for one, cost, mine in zip(mix.slices, mix.costs.tolist(), matched, strict=True) if mine}


def _opened_slices(change: PlannedChange, mix: CostMix) -> dict[tuple[str, ...], float]:
    """New slices of a launch, each with the cost of what it joins."""
    owners = {name: value for name, value in change.scope.items() if name in (TEAM, FEATURE)}
    blank = (UNATTRIBUTED,) * len(mix.dimensions)
    opened: dict[tuple[str, ...], float] = {}
    for one, cost, mine in zip(mix.slices, mix.costs.tolist(), mix.matching(owners).tolist(), strict=True):
        if mine:
            new = mix.replaced(one, change.scope)
            opened[new] = opened.get(new, 0.0) + cost
    return opened or {mix.replaced(blank, change.scope): 0.0}


def _weights(change: PlannedChange, costs: Mapping[tuple[str, ...], float], mix: CostMix) -> FloatArray:
    """``[n_slices]``: 1 where a factor applies; the share of an amount that each slice takes, 1 in all."""
    matched = np.array([one in costs for one in mix.slices], dtype=np.float64)
    if change.factor is not None or not costs:
        return matched
    shares = np.array([costs.get(one, 0.0) for one in mix.slices])
    shares = shares if shares.sum() > 0 else matched
    return np.asarray(shares / shares.sum(), dtype=np.float64)


def rebase_history(values: FloatArray, effect: Effect) -> FloatArray:
    """Daily costs ``[days]`` as they would have been at the reference level of the cutoff: what models train on.

    Args:
        effect: ``ChangePlan.past_effect`` of the same series and days.
    """
    left = np.maximum(values - effect.amount_usd, 0.0)
    return np.asarray(left / np.maximum(effect.factor, _SMALLEST_DIVISOR), dtype=np.float64)


def reference_mix(
    rows: Iterable[tuple[tuple[str, ...], date, float]],
    dimensions: tuple[str, ...],
    changes: Iterable[PlannedChange],
    cutoff: date,
) -> CostMix:
    """The cost mix of recent days at the reference level of the cutoff.

    Without this, a model whose price fell to a third last week would weigh too much by its dearer days.

    Args:
        rows: Values of a slice, day and dollars, of the last four weeks or so up to the cutoff.
    """
    listed = list(rows)
    raw = CostMix.of(((values, cost) for values, _, cost in listed), dimensions)
    first_day = min((day for _, day, _ in listed), default=cutoff)
    factors = plan_changes(changes, raw, cutoff).slice_factors(first_day, (cutoff - first_day).days + 1)
    rebased = (
        (values, cost / max(float(factors[values][(day - first_day).days]), _SMALLEST_DIVISOR))
        for values, day, cost in listed
    )
    return CostMix.of(rebased, dimensions)
