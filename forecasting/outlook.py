"""The forecasts of one cutoff, coherent across every dimension, with planned changes, in every scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from forecasting.change_effects import (
    ChangeFinding,
    ChangePlan,
    Effect,
    LaidChanges,
    plan_changes,
    rebase_history,
    reference_mix,
)
from forecasting.change_evidence import unseen_changes
from forecasting.cost_mix import SLICE_DIMENSIONS, Cell
from forecasting.history import BUDGET, HOLIDAY, History
from forecasting.reconcile import follow, reconcile
from forecasting.scenarios import Scenario, scenario_factors
from forecasting.series import DailySeries, FloatArray
from forecasting.study import Study

TOTAL, TEAM, FEATURE, CELL = "total", "team", "feature", "team_feature"
CUSTOMER, SEGMENT = "customer_id", "customer_segment"
MIX_COLUMNS = {
    "provider": "provider_name",
    "model_family": "model_family",
    "environment": "environment",
    "customer_segment": "customer_segment",
}
"""The dimensions beside team and feature, and what the cost mix calls them."""


def cell_of(series: DailySeries) -> Cell:
    """Team and feature of a series of the dimension ``team_feature``."""
    team, _, feature = series.dimension_value.partition("/")
    return team, feature


def series_id_of(dimension: str, value: str) -> str:
    return TOTAL if dimension == TOTAL else f"{dimension}={value}"


@dataclass(frozen=True)
class Points:
    """Daily points ``[days]`` of every series in one scenario; each dimension sums to the total.

    ``cells`` are what total, teams and features are sums of. ``budgets`` (by budget id) are parts of the whole and add
    up to nothing.
    """

    cells: Mapping[Cell, FloatArray]
    others: Mapping[str, Mapping[str, FloatArray]]
    budgets: Mapping[str, FloatArray]

    @property
    def total(self) -> FloatArray:
        return np.asarray(np.sum(list(self.cells.values()), axis=0), dtype=np.float64)


@dataclass(frozen=True)
class Plan:
    """The planned changes of a run, matched to its recent cost, and by series id what each series is called there.

    Attributes:
        of_customers: Ids of the series of single customers.
    """

    matched: ChangePlan
    findings: tuple[ChangeFinding, ...]
    scopes: Mapping[str, Mapping[str, str]]
    of_customers: frozenset[str] = frozenset()

    def own(self, series_id: str, effect: Effect) -> Effect:
        """The part of an effect that is the series' own: nobody says which customer an added amount belongs to."""
        if series_id not in self.of_customers:
            return effect
        return Effect(effect.factor, np.zeros_like(effect.amount_usd))


def make_plan(history: History) -> Plan:
    """Match the planned changes to what was spent lately; changes that concern nothing are findings, never errors."""
    unseen = unseen_changes(history.mix, SLICE_DIMENSIONS, history.changes, history.cutoff)
    left_out = {finding.change_id for finding in unseen}
    changes = [change for change in history.changes if change.change_id not in left_out]
    cells = [cell_of(one) for one in history.series if one.dimension_name == CELL]
    mix = reference_mix(history.mix, SLICE_DIMENSIONS, changes, history.cutoff)
    matched = plan_changes(changes, mix, history.cutoff, cells=cells)
    scopes = {one.series_id: _scope(one, history) for one in history.series}
    of_customers = frozenset(budget.series_id for budget in history.budgets if CUSTOMER in dict(budget.scope))
    return Plan(matched, (*unseen, *matched.findings), scopes, of_customers)


def _scope(series: DailySeries, history: History) -> Mapping[str, str]:
    """What a series is called in the cost mix. A single customer is not kept apart there: its segment stands in."""
    if series.dimension_name == CELL:
        return dict(zip((TEAM, FEATURE), cell_of(series), strict=True))
    if series.dimension_name == BUDGET:
        scopes = {budget.budget_id: dict(budget.scope) for budget in history.budgets}
        scope = scopes.get(series.dimension_value, {})
        segment = history.customer_segments.get(scope.get(CUSTOMER, ""))
        if segment is not None:
            scope = {SEGMENT: segment} | scope
        return {name: value for name, value in scope.items() if name in SLICE_DIMENSIONS}
    if series.dimension_name == TOTAL:
        return {}
    return {MIX_COLUMNS.get(series.dimension_name, series.dimension_name): series.dimension_value}


def rebased(series: DailySeries, plan: Plan) -> DailySeries:
    """The series at the level of the cutoff: what changes that began before it did to earlier days is taken out."""
    changes = [change for change in plan.matched.changes if change.start_date <= plan.matched.cutoff]
    if not changes:
        return series
    values = series.actuals(series.first_day, len(series.costs))
    effect = plan.matched.past_effect(plan.scopes[series.series_id], series.first_day, len(values))
    moved = rebase_history(values, plan.own(series.series_id, effect))
    if np.array_equal(moved, values):
        return series
    costs = tuple(Decimal(repr(float(value))) for value in moved)
    return DailySeries(series.series_id, series.dimension_name, series.dimension_value, series.first_day, costs)


def holidays_of(history: History) -> dict[str, list[date]]:
    """Days of holidays that have an end: Prophet learns from the past ones."""
    return {
        change.change_name: [date.fromordinal(day) for day in range(change.start_date.toordinal(), end.toordinal() + 1)]
        for change in history.changes
        if change.change_kind == HOLIDAY and (end := change.end_date) is not None and end <= history.cutoff
    }


def reconciled(studies: Sequence[Study], model_name: str) -> Points:
    """Points of one model that add up, from the studies of every series at one cutoff."""
    by_dimension: dict[str, dict[str, FloatArray]] = {}
    cells: dict[Cell, FloatArray] = {}
    for study in studies:
        daily = study.points[model_name]
        by_dimension.setdefault(study.series.dimension_name, {})[study.series.dimension_value] = daily
        if study.series.dimension_name == CELL:
            cells[cell_of(study.series)] = daily
    agreed = reconcile(by_dimension[TOTAL][TOTAL], by_dimension.get(TEAM, {}), by_dimension.get(FEATURE, {}), cells)
    total = np.sum(list(agreed.values()), axis=0)
    others = {name: follow(by_dimension[name], total) for name in MIX_COLUMNS if name in by_dimension}
    return Points(agreed, others, by_dimension.get(BUDGET, {}))


def with_changes(points: Points, plan: Plan) -> LaidChanges:
    """The planned changes laid over the points of the cells."""
    return plan.matched.lay_over(points.cells)


def moved(points: Points, laid: LaidChanges, plan: Plan) -> Points:
    """The points of every dimension with planned changes, and with the growth of a scenario where ``laid`` has it."""
    cells = laid.cells()
    total = np.sum(list(cells.values()), axis=0)
    others = {name: follow(laid.dimension(MIX_COLUMNS[name], nodes), total) for name, nodes in points.others.items()}
    budgets = {}
    for budget_id, daily in points.budgets.items():
        series_id = series_id_of(BUDGET, budget_id)
        budgets[budget_id] = plan.own(series_id, laid.effect(plan.scopes[series_id])).on_points(daily)
    return Points(cells, others, budgets)


def in_scenario(laid: LaidChanges, scenario: Scenario) -> LaidChanges:
    """The growth of a scenario on top of the planned changes, cell by cell."""
    days = laid.after.shape[1]
    return laid.grown({cell: scenario_factors(scenario, cell, days) for cell in laid.mix.cells})
