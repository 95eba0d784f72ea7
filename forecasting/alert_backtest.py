"""How good budget alerts would have been: history replayed day by day, with our rule beside the two common ones.

Every calendar month of a series is given a budget, known on its first day: what the four weeks before would make of a
month, times ``ALLOWANCE``. On every evening of the month each rule sees the days so far, and raises an alarm when

- ``breach probability``: the forecast's probability of passing the budget reaches the level (the shipped rule);
- ``80 % spent``: four fifths of the budget are spent;
- ``linear pace``: the mean day so far, times the days of the month, passes the budget.

An alarm is right if the month then passes its budget, and counts only from the day before it does: later is no warning.
Its lead is the days from the alarm to the breach.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from multiprocessing import get_context
from statistics import median

import numpy as np

from forecasting.budgets import calendar_period
from forecasting.forecast import path_maker
from forecasting.series import ONE_DAY, DailySeries
from forecasting.study import MIN_HISTORY_DAYS, SELECTED, study_series

PROBABILITY, SPENT, PACE = "breach probability", "80 % spent", "linear pace"
RULES = (PROBABILITY, SPENT, PACE)

ALLOWANCE = 1.2
"""Budgets leave a fifth of growth: about one month in four passes such a budget on real series."""

LEVEL = 0.8
"""The shipped level of the probability of a breach."""

_SPENT_SHARE = 0.8
_BEFORE_DAYS = 28
_PATHS = 400
_HORIZON_DAYS = 31


@dataclass(frozen=True)
class MonthBudget:
    """One month of a series with its budget, and what became of it.

    Attributes:
        daily: Cost of each day of the month, dollars.
        before: Probability of a breach as forecast on the evening before each day of the month.
    """

    series_id: str
    first_day: date
    budget: float
    daily: tuple[float, ...]
    before: tuple[float, ...]

    @property
    def breach_day(self) -> int | None:
        """Index of the first day on which the month's total passes the budget."""
        passed = np.flatnonzero(np.cumsum(self.daily) > self.budget)
        return int(passed[0]) if len(passed) else None

    def alarm_day(self, rule: str, level: float = LEVEL) -> int | None:
        """Index of the first day on whose morning the rule has raised an alarm; None if it never does in time."""
        last = len(self.daily) - 1 if self.breach_day is None else self.breach_day
        spent = np.concatenate(([0.0], np.cumsum(self.daily)))
        for day in range(last + 1):
            if rule == PROBABILITY:
                is_raised = self.before[day] >= level
            elif rule == SPENT:
                is_raised = spent[day] >= _SPENT_SHARE * self.budget
            else:
                is_raised = day > 0 and spent[day] / day * len(self.daily) > self.budget
            if is_raised:
                return day
        return None


@dataclass(frozen=True)
class AlertScore:
    """How good one rule was over many month-budgets. Ratios are None where there is nothing to divide by."""

    rule: str
    level: float
    budget_count: int
    breach_count: int
    alarm_count: int
    right_count: int
    median_lead_days: float | None
    week_ahead_ratio: float | None

    @property
    def precision(self) -> float | None:
        """Share of alarms whose month passed its budget."""
        return self.right_count / self.alarm_count if self.alarm_count else None

    @property
    def recall(self) -> float | None:
        """Share of breaches that an alarm came before."""
        return self.right_count / self.breach_count if self.breach_count else None


def score_alerts(budgets: Iterable[MonthBudget], rule: str, level: float = LEVEL) -> AlertScore:
    """Precision, recall and lead of a rule."""
    listed = list(budgets)
    breaches = [one.breach_day for one in listed]
    alarms = [one.alarm_day(rule, level) for one in listed]
    leads = [
        breach - alarm
        for breach, alarm in zip(breaches, alarms, strict=True)
        if breach is not None and alarm is not None and alarm < breach + 1
    ]
    breach_count = sum(breach is not None for breach in breaches)
    return AlertScore(
        rule,
        level,
        len(listed),
        breach_count,
        sum(alarm is not None for alarm in alarms),
        len(leads),
        float(median(leads)) if leads else None,
        sum(lead >= 7 for lead in leads) / breach_count if breach_count else None,
    )


def months_of(series: DailySeries, *, most: int) -> list[tuple[date, date]]:
    """The last whole calendar months of a series that have four weeks of history before them, oldest first."""
    months: list[tuple[date, date]] = []
    start, end = calendar_period("month", series.last_day)
    if end > series.last_day:
        start, end = calendar_period("month", start - ONE_DAY)
    while (start - series.first_day).days >= MIN_HISTORY_DAYS and len(months) < most:
        months.append((start, end))
        start, end = calendar_period("month", start - ONE_DAY)
    return months[::-1]


def replay(
    series: Sequence[DailySeries],
    months: Mapping[str, Sequence[tuple[date, date]]],
    *,
    seed: int,
    every_days: int = 1,
    budgets: Mapping[tuple[str, date], float] | None = None,
    workers: int | None = None,
) -> list[MonthBudget]:
    """Every given month of every series, forecast from the days up to each of its evenings.

    Args:
        months: First and last day of the months to replay, by series id.
        every_days: How often it is forecast anew; in between, the last forecast of the days that are left is added to
            what has been spent by then.
        budgets: Budgets by series id and first day of the month; where none is given, ``ALLOWANCE`` makes one.
    """
    jobs = [(one, tuple(months.get(one.series_id, ())), seed, every_days, dict(budgets or {})) for one in series]
    workers = workers or os.cpu_count() or 1
    if workers == 1:
        return [month for job in jobs for month in _replay_series(job)]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return [month for found in pool.map(_replay_series, jobs) for month in found]


Job = tuple[DailySeries, Sequence[tuple[date, date]], int, int, Mapping[tuple[str, date], float]]


def _replay_series(job: Job) -> list[MonthBudget]:
    series, months, seed, every_days, given = job
    found = []
    for first, last in months:
        before = series.actuals(first - timedelta(days=_BEFORE_DAYS), _BEFORE_DAYS)
        days = (last - first).days + 1
        budget = given.get((series.series_id, first), ALLOWANCE * float(before.mean()) * days)
        if budget <= 0:
            # Nothing was spent before: there is no budget to speak of.
            continue
        daily = series.actuals(first, days)
        probabilities = tuple(_probabilities(series, first, daily.tolist(), budget, seed, every_days))
        found.append(MonthBudget(series.series_id, first, budget, tuple(daily.tolist()), probabilities))
    return found


def _probabilities(
    series: DailySeries, first: date, daily: Sequence[float], budget: float, seed: int, every_days: int
) -> Iterator[float]:
    """Probability of a breach as seen on the evening before each day of the month."""
    forecast_on = range(0, len(daily), every_days)
    studies = study_series(series, [first + timedelta(days=day - 1) for day in forecast_on], _HORIZON_DAYS)
    spent = 0.0
    for made, study in zip(forecast_on, studies, strict=True):
        paths = path_maker([study], seed=seed, n_paths=_PATHS).relative(study) * study.points[SELECTED]
        for day in range(made, min(made + every_days, len(daily))):
            totals = paths[:, day - made : len(daily) - made].sum(axis=1)
            yield float(np.mean(spent + totals > budget))
            spent += daily[day]


def is_in_sample(series_id: str) -> bool:
    """Whether the level may be chosen on a series: by its name, half of all."""
    return zlib.crc32(series_id.encode()) % 2 == 0
