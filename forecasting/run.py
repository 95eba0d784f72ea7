"""Reads the warehouse, forecasts every series, and lands the results like any other source."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Protocol, TypeVar

import pyarrow as pa

from forecasting.forecast import path_maker
from forecasting.history import LEDGER, History, read_history
from forecasting.landing import Landing
from forecasting.maturity import Completeness
from forecasting.outlook import Plan, holidays_of, in_scenario, make_plan, moved, rebased, reconciled, with_changes
from forecasting.series import DailySeries
from forecasting.study import SELECTED, STORED_MODELS, Study, make_cutoffs, study_all
from forecasting.tables import SCHEMAS

SOURCE = "forecasting"
BASE, BACKTEST = "base", "backtest"
"""Scenarios: made before the fact, or made afterwards from the days up to an earlier cutoff."""

BACKFILL_STEP_DAYS = 28

_log = logging.getLogger(__name__)

LoadT_co = TypeVar("LoadT_co", covariant=True)


class ForecastLake(Protocol[LoadT_co]):
    """What forecasts need of a lake."""

    def land(self, table: str, source: str, rows: pa.Table, *, account_id: str) -> LoadT_co:
        """Land one batch; a batch equal to the latest one of its table, source and account is skipped."""
        ...


def run_forecasts(
    warehouse_path: Path,
    lake: ForecastLake[LoadT_co],
    now: datetime,
    *,
    completeness: Completeness | None = None,
    horizon_days: int = 365,
    seed: int = 20260101,
    backfill_cutoffs: int = 0,
    workers: int | None = None,
) -> list[LoadT_co]:
    """Forecast every series from the last mature day on, in every scenario, and land the tables of forecasts.

    The same warehouse, cutoff and seed give the same rows, which the lake skips. Without a mature day of spend nothing
    is landed.

    Args:
        warehouse_path: DuckDB file with the ledger and the series, opened read-only.
        now: Decides which days are past.
        completeness: How much of a young day's cost is usually known; without it forecasts stand in.
        backfill_cutoffs: So many earlier cutoffs, four weeks apart, are forecast as well, from the days up to each and
            marked as scenario ``backtest``; so that accuracy is known before the first forecast has matured.
        workers: Processes; None: as many as there are cores.
    Returns:
        The loads: one of each table for each cutoff, oldest cutoff first.
    """
    history = read_history(warehouse_path, now.astimezone(UTC).date(), completeness)
    if history is None:
        _log.warning("There is no mature day of spend in %s yet: nothing to forecast", LEDGER)
        return []
    plan = make_plan(history)
    for finding in plan.findings:
        _log.warning("%s", finding.message)
    earlier = make_cutoffs(
        min(series.first_day for series in history.series),
        history.cutoff,
        step_days=BACKFILL_STEP_DAYS,
        count=backfill_cutoffs,
    )
    studies = _studies(history, plan, earlier, horizon_days, workers)
    loads: list[LoadT_co] = []
    for cutoff in (*earlier, history.cutoff):
        scenario = BASE if cutoff == history.cutoff else BACKTEST
        at_cutoff = [study for study in studies if study.cutoff == cutoff]
        landing = _forecast(history, plan, at_cutoff, scenario, seed, completeness)
        if scenario == BASE:
            landing.add_nowcasts()
        # The lake compares a load with the latest one of its account: here each cutoff is an account of its own.
        account_id = f"{scenario}-{cutoff.isoformat()}"
        loads += [lake.land(table, SOURCE, landing.rows(table), account_id=account_id) for table in SCHEMAS]
    return loads


def _studies(
    history: History, plan: Plan, earlier: Sequence[date], horizon_days: int, workers: int | None
) -> list[Study]:
    """Every series at the cutoff, at the level that planned changes left it at; and as it was at earlier cutoffs."""
    leveled = [rebased(one, plan) for one in history.series]
    moved_ids = {one.series_id for one, raw in zip(leveled, history.series, strict=True) if one is not raw}
    holidays = holidays_of(history)

    def study(series: Iterable[DailySeries], cutoffs: Sequence[date]) -> list[Study]:
        chosen = list(series)
        days = {one.series_id: cutoffs for one in chosen}
        return study_all(chosen, days, horizon_days, holidays=holidays, workers=workers)

    same = [one for one in history.series if one.series_id not in moved_ids]
    studies = study(same, (*earlier, history.cutoff))
    if moved_ids:
        studies += study((one for one in leveled if one.series_id in moved_ids), (history.cutoff,))
        studies += study((one for one in history.series if one.series_id in moved_ids), earlier)
    order = {one.series_id: row for row, one in enumerate(history.series)}
    return sorted(studies, key=lambda study: (study.cutoff, order[study.series.series_id]))


def _forecast(
    history: History,
    plan: Plan,
    studies: Sequence[Study],
    scenario: str,
    seed: int,
    completeness: Completeness | None,
) -> Landing:
    """All rows of one cutoff. Planned changes and growth scenarios belong to what is made before the fact."""
    maker = path_maker(studies, seed=seed)
    relative = {study.series.series_id: maker.relative(study) for study in studies}
    landing = Landing(history, plan, studies, relative, completeness)
    for model_name in STORED_MODELS:
        points = reconciled(studies, model_name)
        if model_name != SELECTED or scenario == BACKTEST:
            landing.add(points, model_name, scenario)
            continue
        laid = with_changes(points, plan)
        landing.add(moved(points, laid, plan), model_name, BASE, laid)
        for growth in history.scenarios:
            grown = in_scenario(laid, growth)
            landing.add(moved(points, grown, plan), model_name, growth.name, grown)
    landing.add_series(scenario)
    return landing
