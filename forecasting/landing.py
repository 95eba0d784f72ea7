"""The rows that one cutoff lands: days, totals, drivers, nowcasts, and what was known of each series."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa

from forecasting.budgets import Budget, calendar_period
from forecasting.change_effects import LaidChanges
from forecasting.drivers import forecast_drivers, recent_intensities
from forecasting.forecast import SeriesForecast, quantiles
from forecasting.history import BUDGET, History, LateDay
from forecasting.intervals import QUANTILES
from forecasting.maturity import MAX_WAIT_DAYS, Completeness, nowcast
from forecasting.outlook import CELL, FEATURE, TEAM, TOTAL, Plan, Points, series_id_of
from forecasting.series import ONE_DAY, DailySeries, FloatArray
from forecasting.study import SELECTED, Study
from forecasting.tables import (
    FORECAST_DAYS,
    FORECAST_DRIVERS,
    FORECAST_NOWCASTS,
    FORECAST_PERIODS,
    FORECAST_SERIES,
    SCHEMAS,
    IntArray,
    Rows,
    billionths,
    decimal_text,
    dollars,
    quantile_column,
)

DAY_LEVELS = (0.05, 0.1, 0.5, 0.9, 0.95)
SCORED_HORIZON_DAYS = (7, 30, 90, 365)
COMPARED_DAYS = 92
"""Models that are only compared with keep the days of one quarter; their scored totals reach as far as any."""

_BUDGET_LOOK_AHEAD_DAYS = MAX_WAIT_DAYS + 5
"""The cutoff may lie this far back, and the budgets of the running month must be there all the same."""

_SHARE_STEP = Decimal("0.000000001")

Node = tuple[str, str]
"""Dimension and value of a series."""


@dataclass
class Landing:
    """Gathers the rows of one cutoff.

    Attributes:
        relative: Sample paths ``[n_paths, horizon]`` of each series as multiples of its points, by series id.
        completeness: How much of a young day's cost is usually known; without it forecasts stand in.
    """

    history: History
    plan: Plan
    studies: Sequence[Study]
    relative: Mapping[str, FloatArray]
    completeness: Completeness | None = None
    _rows: dict[str, Rows] = field(default_factory=lambda: {table: Rows(table) for table in SCHEMAS})
    _day_levels: dict[str, FloatArray] = field(default_factory=dict)
    _base: dict[Node, IntArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._true = {one.series_id: one for one in self.history.series}
        self._by_id = {study.series.series_id: study for study in self.studies}

    @property
    def cutoff(self) -> date:
        return self.studies[0].cutoff

    @property
    def first_day(self) -> date:
        return self.cutoff + ONE_DAY

    def rows(self, table: str) -> pa.Table:
        return self._rows[table].to_arrow()

    def add(self, points: Points, model_name: str, scenario: str, laid: LaidChanges | None = None) -> None:
        """Days and totals of every series in one scenario; its drivers too where the planned changes are given."""
        exact = coherent(points)
        if model_name == SELECTED and scenario not in self.history_scenarios:
            self._base = exact
        for node, amounts in exact.items():
            self._add_days(node, amounts, model_name, scenario)
            self._add_periods(node, amounts / 1e9, model_name, scenario)
            if laid is not None:
                self._add_drivers(node, amounts, scenario, laid)

    @property
    def history_scenarios(self) -> set[str]:
        return {scenario.name for scenario in self.history.scenarios}

    def _identity(self, node: Node) -> dict[str, str | date]:
        return {
            "series_id": series_id_of(*node),
            "dimension_name": node[0],
            "dimension_value": node[1],
            "cutoff_date": self.cutoff,
        }

    def _relative(self, node: Node) -> FloatArray:
        """Paths of a node. One that only a planned launch brings has no past: it is as sure as the total."""
        return self.relative.get(series_id_of(*node), self.relative[TOTAL])

    def _levels(self, node: Node) -> FloatArray:
        series_id = series_id_of(*node)
        if series_id not in self._day_levels:
            self._day_levels[series_id] = quantiles(self._relative(node), DAY_LEVELS)
        return self._day_levels[series_id]

    # ---------------------------------------------------------------- days

    def _add_days(self, node: Node, amounts: IntArray, model_name: str, scenario: str) -> None:
        days = len(amounts) if model_name == SELECTED else min(len(amounts), COMPARED_DAYS)
        point = amounts[:days]
        p05, lower, p50, upper, p95 = (billionths(level[:days] * point / 1e9) for level in self._levels(node))
        self._rows[FORECAST_DAYS].extend(
            days,
            **self._identity(node),
            cost_date=pa.array([self.first_day + timedelta(days=offset) for offset in range(days)], pa.date32()),
            model_name=model_name,
            scenario=scenario,
            forecast_cost_usd=decimal_text(point),
            lower_cost_usd=decimal_text(np.minimum(lower, point)),
            upper_cost_usd=decimal_text(np.maximum(upper, point)),
            p05_cost_usd=decimal_text(p05),
            p50_cost_usd=decimal_text(p50),
            p95_cost_usd=decimal_text(p95),
        )

    # ---------------------------------------------------------------- totals

    def _add_periods(self, node: Node, daily: FloatArray, model_name: str, scenario: str) -> None:
        series = self._true.get(series_id_of(*node))
        known = series.up_to(self.cutoff) if series is not None else None
        forecast = SeriesForecast(
            known or _unborn(node, self.cutoff), model_name, self.cutoff, daily, self._relative(node)
        )
        ends = set(scored_ends(forecast))
        if model_name == SELECTED:
            ends |= set(calendar_ends(forecast))
        self._add_ends(node, forecast, ends, scenario)
        # Budgets are judged by what is expected, not by what could be planned for.
        if model_name == SELECTED and scenario not in self.history_scenarios:
            self._add_ends(node, self._with_late_days(node, forecast), set(self._budget_ends(forecast)), scenario)

    def _add_ends(
        self, node: Node, forecast: SeriesForecast, ends: Iterable[tuple[str, date, date]], scenario: str
    ) -> None:
        by_start: defaultdict[date, list[tuple[date, str]]] = defaultdict(list)
        for name, start, end in ends:
            by_start[start].append((end, name))
        for start in sorted(by_start):
            self._add_totals(node, forecast, start, sorted(by_start[start]), scenario)

    def _with_late_days(self, node: Node, forecast: SeriesForecast) -> SeriesForecast:
        """The same paths with the nowcasts of the days that something is known of.

        A day on which spend ran away burns a budget at once, and not only when its bill has settled.
        """
        late_days = self._late_days(node)
        if not late_days:
            return forecast
        daily, relative = forecast.daily.copy(), forecast.relative.copy()
        for offset, late in late_days.items():
            amounts = relative[:, offset] * daily[offset]
            relative[:, offset] = self._nowcast_paths(self.first_day + timedelta(days=offset), late, amounts)
            daily[offset] = 1.0
        return SeriesForecast(forecast.series, forecast.model_name, forecast.cutoff, daily, relative)

    def _nowcast_paths(self, day: date, late: LateDay, amounts: FloatArray) -> FloatArray:
        """What ``_add_nowcast`` says of one day, on each path: where the forecast fills in, it keeps its spread."""
        return float(late.known_cost_usd) + (1 - float(self._share(day))) * amounts

    def _late_days(self, node: Node) -> dict[int, LateDay]:
        """Days of which something is known, by their place after the cutoff; none after an earlier cutoff."""
        if self.cutoff != self.history.cutoff:
            return {}
        late_days = self.history.late_days.get(series_id_of(*node), {})
        return {(day - self.first_day).days: late for day, late in late_days.items()}

    def _share(self, day: date) -> Decimal:
        """How much of a day is known, the same for every series, so that nowcasts add up as forecasts do.

        Where that was not learned from earlier loads, it is what is known of all spend as a share of what was forecast.
        A day for which logs and meters stand in is whole, unless it is lower than any such day is.
        """
        learned = self._learned_share(day)
        if learned is not None:
            return learned
        late, offset = self.history.late_days[TOTAL][day], (day - self.first_day).days
        forecast = Decimal(int(self._base[TOTAL, TOTAL][offset])).scaleb(-9)
        lowest = dollars(float(self._levels((TOTAL, TOTAL))[0][offset])) * forecast
        if forecast <= 0 or (late.is_estimated and late.known_cost_usd >= lowest):
            return Decimal(1)
        return min(max(late.known_cost_usd, Decimal(0)) / forecast, Decimal(1)).quantize(_SHARE_STEP)

    def _learned_share(self, day: date) -> Decimal | None:
        if self.completeness is None or self.history.late_days[TOTAL][day].is_estimated:
            return None
        share = self.completeness.of_series(self.history.provider_costs, day)
        return None if share is None else Decimal(f"{min(share, 1.0):.6f}")

    def _budget_ends(self, forecast: SeriesForecast) -> Iterator[tuple[str, date, date]]:
        followers = [one for one in self.history.budgets if one.series_id == forecast.series.series_id]
        yield from budget_ends(forecast, followers)

    def _add_totals(
        self, node: Node, forecast: SeriesForecast, start: date, ends: Sequence[tuple[date, str]], scenario: str
    ) -> None:
        """One row for each end of a period that starts at ``start``: quantiles of the total itself, from the paths."""
        first = max((start - forecast.first_day).days, 0)
        columns = sorted({(end - forecast.first_day).days for end, _ in ends})
        if len(columns) == 1:
            totals = forecast.totals(first, columns[0])[:, None]
        else:
            totals = forecast.cumulated(first, columns[-1])[:, [column - first for column in columns]]
        levels = dict(zip(columns, quantiles(totals, QUANTILES).T, strict=True))
        actual = forecast.series.total(start, forecast.cutoff)
        for end, name in ends:
            remaining = zip(QUANTILES, levels[(end - forecast.first_day).days], strict=True)
            self._rows[FORECAST_PERIODS].add(
                **self._identity(node),
                period_name=name,
                period_start_date=start,
                period_end_date=end,
                model_name=forecast.model_name,
                scenario=scenario,
                actual_to_cutoff_usd=actual,
                **{quantile_column(level): actual + dollars(value) for level, value in remaining},
            )

    # ---------------------------------------------------------------- drivers, series, nowcasts

    def _add_drivers(self, node: Node, amounts: IntArray, scenario: str, laid: LaidChanges) -> None:
        series_id = series_id_of(*node)
        days = self.history.drivers.get(series_id)
        intensities = recent_intensities(days.costs, days.requests, days.tokens) if days is not None else None
        factors = laid.driver_factors(self.plan.scopes[series_id]) if series_id in self.plan.scopes else {}
        daily = [Decimal(int(amount)).scaleb(-9) for amount in amounts]
        for month in forecast_drivers(daily, self.first_day, intensities, factors):
            self._rows[FORECAST_DRIVERS].add(
                **self._identity(node),
                scenario=scenario,
                period_start_date=month.period_start_date,
                forecast_requests=month.forecast_requests,
                tokens_per_request=month.tokens_per_request,
                usd_per_mtok=month.usd_per_mtok,
                forecast_cost_usd=month.forecast_cost_usd,
            )

    def add_series(self, scenario: str) -> None:
        """What was known of each series, and how its shipped forecast came about."""
        for study in self.studies:
            known = study.series
            weights = {
                str(horizon): {name: round(weight, 4) for name, weight in at.items()}
                for horizon, at in study.selection.weights.items()
            }
            self._rows[FORECAST_SERIES].add(
                **self._identity((known.dimension_name, known.dimension_value)),
                scenario=scenario,
                first_cost_date=known.first_day,
                history_days=len(known.costs),
                series_kind=study.character.kind,
                confidence=study.character.confidence,
                weights_json=json.dumps(weights, sort_keys=True),
                selection_reason=f"{study.selection.reason}; Prophet as {study.prophet_variant.partition('_')[2]}",
                mase_scale_usd=None if study.mase_scale is None else dollars(study.mase_scale),
            )

    def add_nowcasts(self) -> None:
        """The days after the cutoff of which something is known of all spend."""
        for node, amounts in self._base.items():
            known = self._late_days(node)
            for offset, total in self._late_days((TOTAL, TOTAL)).items():
                if offset < len(amounts):
                    nothing = LateDay(Decimal(0), total.is_estimated)
                    self._add_nowcast(node, amounts, offset, known.get(offset, nothing))

    def _add_nowcast(self, node: Node, amounts: IntArray, offset: int, late: LateDay) -> None:
        day = self.first_day + timedelta(days=offset)
        self._rows[FORECAST_NOWCASTS].add(
            **self._identity(node),
            cost_date=day,
            known_cost_usd=late.known_cost_usd,
            completeness_ratio=self._learned_share(day),
            nowcast_cost_usd=nowcast(late.known_cost_usd, Decimal(int(amounts[offset])).scaleb(-9), self._share(day)),
        )


def _unborn(node: Node, cutoff: date) -> DailySeries:
    """A series that a planned launch brings: nothing was spent up to the cutoff."""
    return DailySeries(series_id_of(*node), *node, cutoff, (Decimal(0),))


def coherent(points: Points) -> dict[Node, IntArray]:
    """Every series in whole billionths of a dollar, so that each dimension sums to the total exactly.

    Total, teams and features are sums of cells. In the other dimensions what rounding left over goes to the largest.
    """
    cells = {cell: billionths(daily) for cell, daily in points.cells.items()}
    total = np.sum(list(cells.values()), axis=0)
    exact: dict[Node, IntArray] = {(TOTAL, TOTAL): total}
    for position, dimension in ((0, TEAM), (1, FEATURE)):
        for name in sorted({cell[position] for cell in cells}):
            exact[dimension, name] = np.sum([daily for cell, daily in cells.items() if cell[position] == name], axis=0)
    exact |= {(CELL, "/".join(cell)): daily for cell, daily in sorted(cells.items())}
    for dimension, nodes in points.others.items():
        rounded = np.array([billionths(daily) for daily in nodes.values()])
        largest = rounded.argmax(axis=0)
        rounded[largest, np.arange(len(largest))] += total - rounded.sum(axis=0)
        exact |= {(dimension, name): daily for name, daily in zip(nodes, rounded, strict=True)}
    return exact | {(BUDGET, budget_id): billionths(daily) for budget_id, daily in points.budgets.items()}


# ---------------------------------------------------------------- which totals are stored


def calendar_ends(forecast: SeriesForecast) -> Iterator[tuple[str, date, date]]:
    """Every calendar month, quarter and year that ends within the horizon, the running ones included."""
    last = forecast.cutoff + timedelta(days=len(forecast.daily))
    for name in ("month", "quarter", "year"):
        start, end = calendar_period(name, forecast.first_day)
        while end <= last:
            yield name, start, end
            start, end = calendar_period(name, end + ONE_DAY)


def scored_ends(forecast: SeriesForecast) -> Iterator[tuple[str, date, date]]:
    """The totals over the horizons at which forecasts are scored."""
    for days in SCORED_HORIZON_DAYS:
        if days <= len(forecast.daily):
            yield "days_ahead", forecast.first_day, forecast.cutoff + timedelta(days=days)


def budget_ends(forecast: SeriesForecast, budgets: Iterable[Budget]) -> Iterator[tuple[str, date, date]]:
    """Every day of the budgets' running and next periods as the end of a total: what a burn-down is drawn from."""
    last = forecast.cutoff + timedelta(days=len(forecast.daily))
    for budget in budgets:
        for start, end in budget.periods_from(forecast.cutoff, _BUDGET_LOOK_AHEAD_DAYS):
            day = max(start, forecast.first_day)
            while day <= min(end, last):
                yield "to_date", start, day
                day += ONE_DAY
