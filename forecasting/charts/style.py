"""How charts look: few colours that survive a grayscale printer, dollars and dates as people write them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from forecasting.series import FloatArray

ImageFormat = Literal["png", "svg"]

INK = "#1f2328"
QUIET = "#6e7781"
RULE = "#d8dee4"
LINE = "#0b5394"
BAND_80 = "#9dc3e6"
BAND_90 = "#d6e6f4"
LIMIT = "#b42318"

LARGEST_HEADROOM = 2.0
"""A range that reaches higher than twice the highest line is cut off: it would press everything else flat."""

_EPOCH = date(1970, 1, 1)
_LONGEST_SPAN_IN_DAYS = 100
_SIZE_INCHES = (10.0, 5.4)
_DOTS_PER_INCH = 144
_TITLE_POINTS = 14.0
_TITLE_LETTERS = 76
"""So many letters fit on a line at that size; longer titles are set smaller."""

_LINE_HEIGHT = 0.052
"""Least distance of two labels, as a share of the height of the axes."""


def usd(amount: float) -> str:
    """An amount as on a slide: $0.42, $12.30, $1,240, $1.24M."""
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    if size >= 999_500:
        return f"{sign}${size / 1e6:,.2f}M"
    if size >= 99.5:
        return f"{sign}${size:,.0f}"
    return f"{sign}${size:,.2f}"


def axis_usd(amount: float, _position: int = 0) -> str:
    """A round amount on an axis: $0.50, $40, $1,500, $2M."""
    size = abs(amount)
    if size >= 1e6:
        return f"${amount / 1e6:g}M"
    return f"${amount:,.0f}" if amount == round(amount) else f"${amount:,.2f}"


def day_text(day: date) -> str:
    """``24 Nov``; the month names do not follow the machine's language."""
    return f"{day.day} {MONTHS[day.month - 1][:3]}"


MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def day_number(day: date) -> float:
    """A day on the time axis: days since 1970, as matplotlib counts."""
    return float((day - _EPOCH).days)


def day_of(number: float) -> date:
    """The day at a place on the time axis."""
    return _EPOCH + timedelta(days=round(number))


def month_text(day: date) -> str:
    """``December 2026``."""
    return f"{MONTHS[day.month - 1]} {day.year}"


def new_chart(title: str, subtitle: str, source: str) -> tuple[Figure, Axes]:
    """An empty chart: the finding above, what is drawn below it, where it comes from at the foot."""
    figure = Figure(figsize=_SIZE_INCHES, dpi=_DOTS_PER_INCH, facecolor="white")
    axes = figure.add_axes((0.075, 0.135, 0.735, 0.665))
    size = _TITLE_POINTS * min(1.0, _TITLE_LETTERS / len(title))
    # Dollar signs are money here, not formulas.
    plain: dict[str, Any] = {"va": "center", "parse_math": False}
    figure.text(0.025, 0.945, title, fontsize=size, fontweight="bold", color=INK, **plain)
    figure.text(0.025, 0.885, subtitle, fontsize=10, color=QUIET, **plain)
    figure.text(0.025, 0.025, source, fontsize=8, color=QUIET, **plain)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(QUIET)
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(axis="both", colors=QUIET, labelsize=9, length=0)
    axes.tick_params(axis="x", length=3, color=QUIET)
    return figure, axes


def finish_axes(axes: Axes, first_day: date, last_day: date, top: float) -> None:
    """Scales and ticks: dollars from zero, UTC days."""
    axes.set_xlim(day_number(first_day), day_number(last_day))
    axes.set_ylim(0.0, top)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(axis_usd))
    ticks = _day_ticks(first_day, last_day)
    axes.set_xticks([day_number(day) for day in ticks], list(ticks.values()))


def _day_ticks(first_day: date, last_day: date) -> dict[date, str]:
    """Six to twelve days with their texts: Mondays of a short span, first days of months of a long one."""
    days = [first_day + timedelta(days=offset) for offset in range((last_day - first_day).days + 1)]
    if len(days) <= _LONGEST_SPAN_IN_DAYS:
        mondays = [day for day in days if day.weekday() == 0]
        return {day: day_text(day) for day in mondays[:: max(1, len(mondays) // 8)]}
    months = [day for day in days if day.day == 1]
    step = next((step for step in (1, 2, 3, 6) if len(months) / step <= 13), 12)
    chosen = [day for day in months if (day.month - 1) % step == 0]
    return {
        day: f"{MONTHS[day.month - 1][:3]}" + (f"\n{day.year}" if day.month == 1 or day == chosen[0] else "")
        for day in chosen
    }


@dataclass(frozen=True)
class EndLabel:
    """A text right of the axes, at the height of the end of what it names."""

    value: float
    text: str
    color: str
    is_bold: bool = False


def label_ends(axes: Axes, labels: Sequence[EndLabel]) -> None:
    """Write labels right of the axes, moved apart where they would overlap; in place of a legend."""
    bottom, top = axes.get_ylim()
    heights = [(min(max(label.value, bottom), top) - bottom) / (top - bottom) for label in labels]
    for label, height in zip(labels, spread_apart(heights, _LINE_HEIGHT), strict=True):
        axes.text(
            1.012,
            height,
            label.text,
            transform=axes.transAxes,
            fontsize=9,
            color=label.color,
            fontweight="bold" if label.is_bold else "normal",
            va="center",
            parse_math=False,
        )


def note(
    axes: Axes, point: tuple[float, float], text: str, offset: tuple[float, float], *, color: str, **where: Any
) -> None:
    """A small text beside a point; ``offset`` in points."""
    axes.annotate(
        text,
        point,
        xytext=offset,
        textcoords="offset points",
        va="center",
        fontsize=8.5,
        color=color,
        parse_math=False,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.8},
        zorder=6,
        **where,
    )


def spread_apart(heights: Sequence[float], gap: float) -> list[float]:
    """Positions from 0 to 1 in the same order of height, at least ``gap`` apart, near where they were."""
    order = sorted(range(len(heights)), key=lambda index: (heights[index], index))
    placed = [heights[index] for index in order]
    for position in range(1, len(placed)):
        placed[position] = max(placed[position], placed[position - 1] + gap)
    ceiling = 1.0
    for position in reversed(range(len(placed))):
        placed[position] = min(placed[position], ceiling)
        ceiling = placed[position] - gap
    spread = [0.0] * len(heights)
    for index, height in zip(order, placed, strict=True):
        spread[index] = height
    return spread


def image_bytes(figure: Figure, image_format: ImageFormat) -> bytes:
    """The image; equal charts give equal bytes (no date and no program version inside, ids from a fixed salt)."""
    buffer = io.BytesIO()
    metadata = {"Date": None, "Creator": None} if image_format == "svg" else {"Software": None}
    with mpl.rc_context({"svg.hashsalt": "tokenatlas", "svg.fonttype": "path", "font.family": "DejaVu Sans"}):
        figure.savefig(buffer, format=image_format, metadata=metadata)
    return buffer.getvalue()


# ---------------------------------------------------------------- columns


def days_of(rows: pd.DataFrame, column: str = "cost_date") -> FloatArray:
    return np.array([day_number(pd.Timestamp(day).date()) for day in rows[column]], dtype=np.float64)


def full_date(day: date) -> str:
    return f"{day_text(day)} {day.year}"


def values_of(rows: pd.DataFrame, column: str) -> FloatArray:
    """A column as floats; missing is not a number."""
    return np.array([float("nan") if pd.isna(value) else float(value) for value in rows[column]], dtype=np.float64)
