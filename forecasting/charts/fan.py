"""The fan of a forecast: what was spent each day, what is expected, and within what range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from forecasting.charts.style import (
    BAND_80,
    BAND_90,
    INK,
    LARGEST_HEADROOM,
    LINE,
    QUIET,
    EndLabel,
    ImageFormat,
    day_number,
    day_of,
    day_text,
    days_of,
    finish_axes,
    full_date,
    image_bytes,
    label_ends,
    month_text,
    new_chart,
    note,
    usd,
    values_of,
)
from forecasting.series import ONE_DAY, FloatArray

BASE = "base"
SMOOTHED_DAYS = 7
"""A week, so that weekends do not hide the course of a year."""

_SCENARIO_DASHES = ((4, 2), (1, 1.5), (6, 2, 1, 2), (8, 3))
_MARK_STEP = 0.05
_LARGEST_MARKS = 6


@dataclass(frozen=True)
class MonthTotal:
    """What one whole month will cost: quantiles of its total, dollars. The headline of a fan chart."""

    month: date
    p10_usd: float
    p50_usd: float
    p90_usd: float


@dataclass(frozen=True)
class EventMark:
    """A planned change on a day."""

    day: date
    text: str


def series_title(series_id: str) -> str:
    """A series in words: ``All spend``, ``Team search``, ``Model family gpt``."""
    dimension, separator, value = series_id.partition("=")
    if not separator:
        return "All spend" if series_id == "total" else series_id
    return f"{dimension.replace('_', ' ').capitalize()} {value}"


def fan_chart(
    name: str,
    history: pd.DataFrame,
    forecast: pd.DataFrame,
    headline: MonthTotal | None = None,
    events: Sequence[EventMark] = (),
    *,
    image_format: ImageFormat = "png",
) -> bytes:
    """Daily cost of one series: what was, what is expected, and within what range.

    Lines and bands are means over a week of their daily values; the bands hold a single day, not a total.

    Args:
        name: What the series is called (``series_title``).
        history: ``cost_date, effective_cost_usd`` up to the cutoff, one row a day.
        forecast: Rows of ``mart_forecast_daily`` of the series and the shipped model, of one cutoff: ``scenario,
            cost_date, forecast_cost_usd, lower_cost_usd, upper_cost_usd, p05_cost_usd, p50_cost_usd, p95_cost_usd,
            is_nowcast``; scenario ``base`` must be among them.
        headline: The month that the title speaks of; without it the title gives the next 30 days' daily median.
        events: Planned changes; the first six after the cutoff are marked.
    """
    base = forecast[forecast["scenario"] == BASE].sort_values("cost_date")
    is_nowcast = base["is_nowcast"].astype(bool)
    first_day = day_of(days_of(base)[0])
    figure, axes = new_chart(
        _fan_title(name, base, headline),
        "US dollars a day (7-day mean), with the ranges that hold 80 % and 90 % of single days",
        f"TokenAtlas. Forecast from {full_date(first_day - ONE_DAY)}, the last settled day. UTC days.",
    )
    past = history.sort_values("cost_date").tail(max(len(base) // 2, 60))
    known_top = _draw_known(axes, past, base[is_nowcast])
    labels = _draw_fan(axes, base[~is_nowcast])
    labels += _scenario_lines(axes, forecast[~forecast["is_nowcast"].astype(bool)], labels[0].value)
    lines_top = max(known_top, *(label.value for label in labels))
    top = min(1.12 * max(lines_top, _weekly(base, "p95_cost_usd").max()), LARGEST_HEADROOM * lines_top)
    # Each event has a row of its own above the lines.
    top /= 1 - _MARK_STEP * min(len(events), _LARGEST_MARKS)
    finish_axes(axes, day_of(days_of(past)[0]) if len(past) else first_day, day_of(days_of(base)[-1]), max(top, 1e-6))
    _mark_cutoff(axes, first_day, has_history=len(past) > 0)
    _mark_events(axes, events, first_day, day_of(days_of(base)[-1]))
    label_ends(axes, labels)
    return image_bytes(figure, image_format)


def _fan_title(name: str, base: pd.DataFrame, headline: MonthTotal | None) -> str:
    if headline is None:
        return f"{name}: {usd(float(values_of(base, 'p50_cost_usd')[:30].mean()))} a day expected"
    return (
        f"{name}: {usd(headline.p50_usd)} expected in {month_text(headline.month)}, "
        f"80 % between {usd(headline.p10_usd)} and {usd(headline.p90_usd)}"
    )


def _draw_known(axes: Axes, past: pd.DataFrame, nowcast: pd.DataFrame) -> float:
    """The line of the days that are known, and on from it the nowcast days as open dots; returns its highest point."""
    days = np.concatenate((days_of(past), days_of(nowcast)))
    costs = np.concatenate((values_of(past, "effective_cost_usd"), values_of(nowcast, "forecast_cost_usd")))
    if not len(days):
        return 0.0
    means = _weekly_mean(costs)
    axes.plot(days[: len(past)], means[: len(past)], color=INK, linewidth=1.8)
    if len(nowcast):
        young = slice(max(len(past) - 1, 0), None)
        axes.plot(days[young], means[young], color=INK, linewidth=1.2, linestyle=(0, (1, 1)))
        axes.plot(
            days[len(past) :],
            means[len(past) :],
            color=INK,
            linestyle="none",
            marker="o",
            markersize=4,
            markerfacecolor="white",
            zorder=4,
        )
        note(axes, (days[-1], means[-1]), "nowcast", (-6, 14), color=INK, ha="center")
    return float(means.max())


def _draw_fan(axes: Axes, base: pd.DataFrame) -> list[EndLabel]:
    days, middle = days_of(base), _weekly(base, "p50_cost_usd")
    for lower, upper, color in (
        ("p05_cost_usd", "p95_cost_usd", BAND_90),
        ("lower_cost_usd", "upper_cost_usd", BAND_80),
    ):
        axes.fill_between(days, _weekly(base, lower), _weekly(base, upper), color=color, linewidth=0)
    axes.plot(days, middle, color=LINE, linewidth=2.2)
    return [
        EndLabel(middle[-1], f"expected  {usd(middle[-1])}", LINE, is_bold=True),
        EndLabel(_weekly(base, "upper_cost_usd")[-1], "80 % of days", LINE),
        EndLabel(_weekly(base, "p95_cost_usd")[-1], "90 % of days", QUIET),
    ]


def _scenario_lines(axes: Axes, forecast: pd.DataFrame, base_end: float) -> list[EndLabel]:
    """One dashed line a scenario, named at its end with its distance from the base there."""
    labels = []
    names = sorted(set(forecast["scenario"]) - {BASE})
    for name, dashes in zip(names, _SCENARIO_DASHES, strict=False):
        rows = forecast[forecast["scenario"] == name].sort_values("cost_date")
        middle = _weekly(rows, "p50_cost_usd")
        axes.plot(days_of(rows), middle, color=INK, linewidth=1.2, linestyle=(0, dashes))
        distance = (
            f"  {(middle[-1] / base_end - 1) * 100:+.0f} %".replace("-", "\N{MINUS SIGN}") if base_end > 0 else ""
        )
        labels.append(EndLabel(middle[-1], f"{name.replace('_', '-')}{distance}", INK))
    return labels


def _mark_cutoff(axes: Axes, first_day: date, *, has_history: bool) -> None:
    """A line between the days that are settled and those that are not."""
    position = day_number(first_day) - 0.5
    axes.axvline(position, color=QUIET, linewidth=0.8)
    if has_history:
        for text, offset, side in (("actual", -6, "right"), ("forecast", 6, "left")):
            note(axes, (position, 1.025), text, (offset, 0), color=QUIET, ha=side, xycoords=("data", "axes fraction"))


def _mark_events(axes: Axes, events: Sequence[EventMark], first_day: date, last_day: date) -> None:
    shown = sorted(
        (mark for mark in events if first_day <= mark.day <= last_day), key=lambda mark: (mark.day, mark.text)
    )
    for row, mark in enumerate(shown[:_LARGEST_MARKS]):
        height = 0.97 - _MARK_STEP * row
        position = day_number(mark.day)
        is_late = (mark.day - first_day) > (last_day - first_day) * 0.7
        axes.axvline(position, ymax=height, color=QUIET, linewidth=0.9, linestyle=(0, (2, 2)))
        note(
            axes,
            (position, height),
            f"{day_text(mark.day)}: {mark.text}",
            (-4 if is_late else 4, 0),
            color=INK,
            ha="right" if is_late else "left",
            xycoords=("data", "axes fraction"),
        )


def _weekly(rows: pd.DataFrame, column: str) -> FloatArray:
    return _weekly_mean(values_of(rows, column))


def _weekly_mean(values: FloatArray) -> FloatArray:
    """Mean over the week around each day; the first and last three days have that of the first and last whole week."""
    if len(values) < SMOOTHED_DAYS:
        return np.full(len(values), values.mean()) if len(values) else values
    means = np.convolve(values, np.full(SMOOTHED_DAYS, 1 / SMOOTHED_DAYS), mode="valid")
    edge = SMOOTHED_DAYS // 2
    return np.concatenate((np.full(edge, means[0]), means, np.full(edge, means[-1])))
