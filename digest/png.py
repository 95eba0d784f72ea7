"""The same charts as pictures, for letters: mail programs show no SVG. Light only, on white."""

from __future__ import annotations

import io
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from digest.facts import Line, WeekSpend
from digest.svg import axis_usd
from digest.words import short_day, signed_usd, usd

INK, QUIET, RULE = "#1c2024", "#5d6670", "#e3e1da"
ACCENT, PALE, MORE, LESS = "#0b5394", "#b9d0e6", "#b5521b", "#2c7a4b"

_DOTS_PER_INCH = 200
_WIDTH_INCHES = 5.6
"""Shown 560 points wide: twice as many dots as that, for sharp screens."""


def weeks_png(weeks: Sequence[WeekSpend]) -> bytes:
    """As ``digest.svg.weeks_chart``."""
    figure = Figure(figsize=(_WIDTH_INCHES, 2.3), dpi=_DOTS_PER_INCH, facecolor="white")
    axes = figure.add_axes((0.085, 0.13, 0.905, 0.78))
    amounts = [float(week.effective_cost_usd) for week in weeks]
    places = np.arange(len(weeks))
    colors = [PALE] * (len(weeks) - 1) + [ACCENT]
    axes.bar(places, amounts, width=0.66, color=colors, zorder=2)
    for place, week in enumerate(weeks):
        if week.expected_usd is not None:
            axes.hlines(float(week.expected_usd), place - 0.46, place + 0.46, color=INK, linewidth=1.4, zorder=3)
    label = usd(weeks[-1].effective_cost_usd)
    axes.annotate(
        label,
        (places[-1] + 0.33, amounts[-1]),
        xytext=(0, 3),
        textcoords="offset points",
        ha="right",
        fontsize=8.5,
        fontweight="bold",
        color=INK,
        parse_math=False,
    )
    _plain(axes)
    axes.grid(axis="y", color=RULE, linewidth=0.7)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda amount, _position: axis_usd(amount)))
    shown = [place for place in range(len(weeks)) if (len(weeks) - 1 - place) % 4 == 0]
    axes.set_xticks(shown, [short_day(weeks[place].week.start_date) for place in shown])
    axes.set_ylim(0, max([*amounts, 0.01]) * 1.15)
    return _png(figure)


def changes_png(lines: Sequence[Line]) -> bytes:
    """A bar for each line: to the right for more, to the left for less than the week before."""
    figure = Figure(figsize=(_WIDTH_INCHES, 0.32 * len(lines) + 0.1), dpi=_DOTS_PER_INCH, facecolor="white")
    axes = figure.add_axes((0.34, 0.02, 0.64, 0.96))
    changes = [float(line.change_usd) for line in lines]
    places = np.arange(len(lines))[::-1]
    axes.barh(places, changes, height=0.56, color=[MORE if change > 0 else LESS for change in changes], zorder=2)
    axes.axvline(0, color=QUIET, linewidth=0.8, zorder=3)
    widest = max([abs(change) for change in changes] + [0.0]) or 1.0
    axes.set_xlim(-widest * 1.5, widest * 1.5)
    for place, line, change in zip(places, lines, changes, strict=True):
        axes.annotate(
            signed_usd(line.change_usd),
            (change, place),
            xytext=(4 if change > 0 else -4, 0),
            textcoords="offset points",
            ha="left" if change > 0 else "right",
            va="center",
            fontsize=8,
            color=INK,
            parse_math=False,
        )
    _plain(axes)
    names = [line.name if len(line.name) <= 26 else f"{line.name[:25]}…" for line in lines]
    axes.set_yticks(places, names)
    for text in axes.get_yticklabels():
        # A name with dollar signs is a name, not a formula.
        text.set_parse_math(False)
        text.set_color(INK)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    return _png(figure)


def _plain(axes: Axes) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(QUIET)
    axes.set_axisbelow(True)
    axes.tick_params(axis="both", colors=QUIET, labelsize=8, length=0)


def _png(figure: Figure) -> bytes:
    """The picture; equal charts give equal bytes."""
    buffer = io.BytesIO()
    with mpl.rc_context({"font.family": "DejaVu Sans"}):
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
