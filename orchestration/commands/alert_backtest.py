"""``alerts backtest``: how good the alerts of budgets would have been, beside the two common rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from forecasting.errors import ForecastError
from ingestion.settings import Settings
from orchestration.commands.backtest import own_history
from orchestration.console import console, share, table
from orchestration.warehouse import reading

if TYPE_CHECKING:
    from forecasting.alert_backtest import PeriodBudget
    from forecasting.series import DailySeries

_ENDED_BUDGETS = """
    select series_id, period_start_date, period_end_date, cast(budget_usd as double)
    from intermediate.int_budget_periods
    where
        budget_usd > 0 and budget_kind in ('budget', 'provider_limit') and is_known_scope
        and period_end_date - period_start_date <= 100
    order by series_id, period_start_date
"""
"""Commitments are to be met and credits to be used up: neither is breached."""

MOST_MONTHS = 24


def backtest_alerts(file: Path | None, *, every_days: int, level: float, fill_gaps: bool, seed: int) -> None:
    """Replays the budgets of the warehouse, or a month-budget for each month of a file, and prints the scores.

    Raises:
        ForecastError: there is no ended budget to replay, or the file cannot be used.
    """
    from forecasting.alert_backtest import RULES, months_of, replay, score_alerts
    from forecasting.series_files import read_series

    if file is not None:
        series = read_series(file, fill_gaps=fill_gaps)
        periods = [month for one in series for month in months_of(one, most=MOST_MONTHS)]
    else:
        series, periods = _own_budgets()
    with console.status(f"Replaying {len(periods):,} budgets"):
        replayed = replay(series, periods, seed=seed, every_days=every_days)
    if not replayed:
        raise ForecastError(
            "No budget has ended whose series had four weeks of history before it",
            where=str(file or "intermediate.int_budget_periods"),
            mend="Wait for the first period to end, or give a file with longer series.",
        )
    rows = []
    for rule in RULES:
        score = score_alerts(replayed, rule, level)
        lead = "-" if score.median_lead_days is None else f"{score.median_lead_days:g} days"
        rows.append(
            [
                f"{rule} >= {level:g}" if rule == RULES[0] else rule,
                str(score.alarm_count),
                *(share(ratio) for ratio in (score.precision, score.recall)),
                lead,
                share(score.week_ahead_ratio),
            ]
        )
    title = f"{len(replayed)} budgets, of which {sum(one.breach_day is not None for one in replayed)} were passed"
    columns = ["rule", "alarms", "precision", "recall", "median lead", "told a week ahead"]
    console.print(table(title, columns, rows, right=range(1, 6)))
    console.print("\nPrecision: alarms whose budget was passed. Recall: passed budgets that an alarm came before.")


def _own_budgets() -> tuple[list[DailySeries], list[PeriodBudget]]:
    from forecasting.alert_backtest import PeriodBudget

    history = own_history()
    with reading(Settings.from_environment().warehouse_path) as warehouse:
        periods = [PeriodBudget(*row) for row in _ended(warehouse, history.cutoff)]
    return history.series, periods


def _ended(warehouse: duckdb.DuckDBPyConnection, cutoff: date) -> Iterator[tuple[str, date, date, float]]:
    yield from (row for row in warehouse.execute(_ENDED_BUDGETS).fetchall() if row[2] <= cutoff)
