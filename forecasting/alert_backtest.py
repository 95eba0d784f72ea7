"""How good budget alerts would have been: history replayed day by day, with our rule beside the two common ones.

Budgets are those that a company really has; or every calendar month of a series is given one, known on its first day:
what the four weeks before would make of a month, times ``ALLOWANCE``. On every evening of the period each rule sees the
days so far, and raises an alarm when

- ``breach probability``: the forecast's probability of passing the budget reaches the level (the shipped rule);
- ``80 % spent``: four fifths of the budget are spent;
- ``linear pace``: the mean day so far, times the days of the period, passes the budget.

An alarm is right if the period then passes its budget. It counts up to the morning of that day: later is no warning.
Its lead is the days from the alarm to the breach.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from multiprocessing import get_context
from statistics import median

import numpy as np

from forecasting.budgets import calendar_period
from forecasting.forecast import path_maker
from forecasting.series import ONE_DAY, DailySeries
from forecasting.study import MIN_HISTORY_DAYS, SELECTED, one_thread_each, study_series

PROBABILITY, SPENT, PACE = "breach probability", "80 % spent", "linear pace"
RULES = (PROBABILITY, SPENT, PACE)

ALLOWANCE = 1.2
"""Budgets leave a fifth of growth: about one month in four passes such a budget on real series."""

LEVEL = 0.85
"""The shipped level of the probability of a breach, chosen on half of the real series, with 84 % of alarms right."""

_SPENT_SHARE = 0.8
_BEFORE_DAYS = 28
_PATHS = 400


@dataclass(frozen=True)
class PeriodBudget:
    """One period of a series and its budget; None where the four weeks before are to make one."""

    series_id: str
    first_day: date
    last_day: date
    amount: float | None = None


@dataclass(frozen=True)
class ReplayedBudget:
    """One period of a series with its budget, and what became of it.

    Attributes:
        daily: Cost of each day of the period, dollars.
        before: Probability of a breach as forecast on the evening before each day of the period.
    """

    series_id: str
    first_day: date
    budget: float
    daily: tuple[float, ...]
    before: tuple[float, ...]

    @property
    def breach_day(self) -> int | None:
        """Index of the first day on which the total passes the budget; None if it never does."""
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
    """How good one rule was over many budgets. Ratios are None where there is nothing to divide by."""

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
        """Share of alarms whose period passed its budget."""
        return self.right_count / self.alarm_count if self.alarm_count else None

    @property
    def recall(self) -> float | None:
        """Share of breaches that an alarm came before."""
        return self.right_count / self.breach_count if self.breach_count else None


def score_alerts(budgets: Iterable[ReplayedBudget], rule: str, level: float = LEVEL) -> AlertScore:
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


def months_of(series: DailySeries, *, most: int) -> list[PeriodBudget]:
    """The last whole calendar months of a series that have four weeks of history before them, oldest first."""
    months: list[PeriodBudget] = []
    start, end = calendar_period("month", series.last_day)
    if end > series.last_day:
        start, end = calendar_period("month", start - ONE_DAY)
    while (start - series.first_day).days >= MIN_HISTORY_DAYS and len(months) < most:
        months.append(PeriodBudget(series.series_id, start, end))
        start, end = calendar_period("month", start - ONE_DAY)
    return months[::-1]


def replay(
    series: Sequence[DailySeries],
    periods: Iterable[PeriodBudget],
    *,
    seed: int,
    every_days: int = 1,
    workers: int | None = None,
) -> list[ReplayedBudget]:
    """Every given period of every series, forecast from the days up to each of its evenings.

    A period that is not whole within its series, has less than four weeks of history before it, or of which nothing was
    spent before, is left out.

    Args:
        every_days: How often it is forecast anew; in between, the last forecast of the days that are left is added to
            what has been spent by then.
    """
    by_series: dict[str, list[PeriodBudget]] = {one.series_id: [] for one in series}
    for period in periods:
        by_series.get(period.series_id, []).append(period)
    jobs = [(one, by_series[one.series_id], seed, every_days) for one in series if by_series[one.series_id]]
    workers = workers or os.cpu_count() or 1
    if workers == 1:
        return [budget for job in jobs for budget in _replay_series(job)]
    with one_thread_each(), ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return [budget for found in pool.map(_replay_series, jobs) for budget in found]


Job = tuple[DailySeries, Sequence[PeriodBudget], int, int]


def _replay_series(job: Job) -> list[ReplayedBudget]:
    series, periods, seed, every_days = job
    found = []
    for period in periods:
        if period.last_day > series.last_day or (period.first_day - series.first_day).days < MIN_HISTORY_DAYS:
            continue
        before = series.actuals(period.first_day - timedelta(days=_BEFORE_DAYS), _BEFORE_DAYS)
        daily = series.actuals(period.first_day, (period.last_day - period.first_day).days + 1).tolist()
        budget = ALLOWANCE * float(before.mean()) * len(daily) if period.amount is None else period.amount
        if budget > 0:
            probabilities = tuple(_probabilities(series, period.first_day, daily, budget, seed, every_days))
            found.append(ReplayedBudget(series.series_id, period.first_day, budget, tuple(daily), probabilities))
    return found


def _probabilities(
    series: DailySeries, first: date, daily: Sequence[float], budget: float, seed: int, every_days: int
) -> Iterator[float]:
    """Probability of a breach as seen on the evening before each day of the period."""
    forecast_on = range(0, len(daily), every_days)
    studies = study_series(series, [first + timedelta(days=day - 1) for day in forecast_on], len(daily))
    spent = 0.0
    for made, study in zip(forecast_on, studies, strict=True):
        paths = path_maker([study], seed=seed, n_paths=_PATHS).relative(study) * study.points[SELECTED]
        for day in range(made, min(made + every_days, len(daily))):
            totals = paths[:, day - made : len(daily) - made].sum(axis=1)
            yield float(np.mean(spent + totals > budget))
            spent += daily[day]
