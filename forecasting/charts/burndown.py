"""How a budget burns down: what is spent, what will be, and when it runs out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from forecasting.charts.style import (
    BAND_80,
    INK,
    LARGEST_HEADROOM,
    LIMIT,
    LINE,
    QUIET,
    EndLabel,
    ImageFormat,
    day_number,
    day_text,
    days_of,
    finish_axes,
    full_date,
    image_bytes,
    label_ends,
    new_chart,
    note,
    usd,
    values_of,
)


@dataclass(frozen=True)
class BudgetOutlook:
    """What ``mart_budget_status`` says of a budget's running period; the headline of a burn-down chart."""

    budget_name: str
    breach_probability: float | None
    breach_date: date | None = None


def burndown_chart(outlook: BudgetOutlook, burndown: pd.DataFrame, *, image_format: ImageFormat = "png") -> bytes:
    """One budget over its period: what is spent, what will be, and when it runs out.

    Args:
        outlook: ``breach_date`` is the p50 one; null where the middle of the forecast stays within the budget.
        burndown: Rows of ``mart_budget_burndown`` of one budget and period, one a day: ``burn_date, budget_usd,
            spent_usd, ideal_spent_usd, forecast_p10_usd, forecast_p50_usd, forecast_p90_usd, is_forecast,
            period_start_date, period_end_date``.
    """
    rows = burndown.sort_values("burn_date")
    known = rows[~rows["is_forecast"].astype(bool) & rows["spent_usd"].notna()]
    ahead = rows[rows["forecast_p50_usd"].notna()]
    ahead = ahead[ahead["burn_date"] > known["burn_date"].max()] if len(known) else ahead
    budget = float(rows["budget_usd"].iloc[0])
    spent = values_of(known, "spent_usd")[-1] if len(known) else 0.0
    start, end = (pd.Timestamp(rows[name].iloc[0]).date() for name in ("period_start_date", "period_end_date"))
    figure, axes = new_chart(
        _burndown_title(outlook, ahead, spent, budget, end),
        f"US dollars since {full_date(start)}, with the range that holds the total in 80 % of cases",
        f"TokenAtlas. {outlook.budget_name}, {full_date(start)} to {full_date(end)}. UTC days.",
    )
    _draw_ideal(axes, rows)
    labels = [EndLabel(budget, f"budget  {usd(budget)}", LIMIT, is_bold=True)]
    labels += _draw_burn(axes, known, ahead, budget)
    top = 1.1 * max([budget, *(label.value for label in labels)])
    finish_axes(axes, start, end, min(top, max(LARGEST_HEADROOM * budget, 1.1 * spent)))
    axes.axhline(budget, color=LIMIT, linewidth=1.6)
    _mark_breach(axes, outlook.breach_date, budget, start, end, is_past=spent > budget)
    label_ends(axes, labels)
    return image_bytes(figure, image_format)


def _burndown_title(outlook: BudgetOutlook, ahead: pd.DataFrame, spent: float, budget: float, end: date) -> str:
    name = outlook.budget_name
    risk = f", {outlook.breach_probability * 100:.0f} % risk" if outlook.breach_probability is not None else ""
    if spent > budget:
        return f"{name}: {usd(spent - budget)} over its {usd(budget)}"
    if ahead.empty:
        return f"{name}: {usd(spent)} of {usd(budget)} spent"
    if outlook.breach_date is not None:
        return f"{name}: expected to pass {usd(budget)} on {day_text(outlook.breach_date)}{risk}"
    total = values_of(ahead, "forecast_p50_usd")[-1]
    return f"{name}: {usd(total)} of {usd(budget)} expected by {day_text(end)}{risk}"


def _draw_ideal(axes: Axes, rows: pd.DataFrame) -> None:
    days, ideal = days_of(rows, "burn_date"), values_of(rows, "ideal_spent_usd")
    axes.plot(days, ideal, color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
    at = round(len(rows) * 0.82)
    note(axes, (days[at - 1], ideal[at - 1]), "ideal pace", (4, -9), color=QUIET, ha="left")


def _draw_burn(axes: Axes, known: pd.DataFrame, ahead: pd.DataFrame, budget: float) -> list[EndLabel]:
    """What is spent, with what is left; and on from there the fan."""
    spent_days, spent = days_of(known, "burn_date"), values_of(known, "spent_usd")
    axes.plot(spent_days, spent, color=INK, linewidth=2.2)
    if len(known):
        axes.plot(spent_days[-1:], spent[-1:], color=INK, marker="o", markersize=5)
        left = budget - spent[-1]
        rest = f"{usd(left)} left" if left >= 0 else f"{usd(-left)} over"
        # On the side of the line that the ideal pace leaves free.
        is_above = spent[-1] >= values_of(known, "ideal_spent_usd")[-1]
        offset, side = ((-9, 15), "right") if is_above else ((9, -15), "left")
        note(axes, (spent_days[-1], spent[-1]), f"{usd(spent[-1])} spent\n{rest}", offset, color=INK, ha=side)
    if ahead.empty:
        return []
    days = np.concatenate((spent_days[-1:], days_of(ahead, "burn_date")))
    low, middle, high = (
        np.concatenate((spent[-1:], values_of(ahead, f"forecast_{name}_usd"))) for name in ("p10", "p50", "p90")
    )
    axes.fill_between(days, low, high, color=BAND_80, linewidth=0)
    axes.plot(days, middle, color=LINE, linewidth=2.2)
    return [
        EndLabel(middle[-1], f"expected  {usd(middle[-1])}", LINE, is_bold=True),
        EndLabel(high[-1], f"90 % below  {usd(high[-1])}", LINE),
        EndLabel(low[-1], f"10 % below  {usd(low[-1])}", LINE),
    ]


def _mark_breach(axes: Axes, breach_date: date | None, budget: float, start: date, end: date, *, is_past: bool) -> None:
    if breach_date is None or not start <= breach_date <= end:
        return
    position = day_number(breach_date)
    axes.plot([position], [budget], color=LIMIT, marker="o", markersize=7, zorder=5)
    axes.plot([position, position], [0, budget], color=LIMIT, linewidth=1, linestyle=(0, (2, 2)))
    is_late = (breach_date - start) * 2 > (end - start)
    note(
        axes,
        (position, budget),
        f"{'ran' if is_past else 'runs'} out on {day_text(breach_date)}",
        (-8 if is_late else 8, 10),
        color=LIMIT,
        ha="right" if is_late else "left",
    )
