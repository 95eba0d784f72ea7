"""Charts of the page, as SVG that lives in it: colours are the page's own, so that light and dark both read well."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from markupsafe import Markup, escape

from digest.facts import WeekSpend
from digest.words import short_day, usd

_WIDTH, _HEIGHT = 460.0, 218.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 6.0, 18.0, 26.0
_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)


def weeks_chart(weeks: Sequence[WeekSpend]) -> Markup:
    """A bar for each week, the last one strong; a mark where the forecast made before that week expected it.

    Args:
        weeks: Oldest first; at least one.
    """
    amounts = [float(week.effective_cost_usd) for week in weeks]
    marks = [float(week.expected_usd) for week in weeks if week.expected_usd is not None]
    ceilings = [min(float(week.expected_upper_usd), 2 * max(amounts)) for week in weeks[-1:] if week.expected_upper_usd]
    ticks = axis_ticks(max([*amounts, *marks, *ceilings, 0.0]))
    top = ticks[-1]
    inner, step = _HEIGHT - _TOP - _BOTTOM, (_WIDTH - _LEFT - _RIGHT) / len(weeks)
    parts: list[str] = []
    for tick in ticks:
        y = _TOP + inner * (1 - tick / top)
        parts.append(f'<line class="grid" x1="{_LEFT:.1f}" x2="{_WIDTH - _RIGHT:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(
            f'<text class="tick" x="{_LEFT - 6:.1f}" y="{y + 4:.1f}" text-anchor="end">{axis_usd(tick)}</text>'
        )
    for index, week in enumerate(weeks):
        parts += _bar(week, _LEFT + index * step, step, inner, top, is_last=index == len(weeks) - 1)
        if (len(weeks) - 1 - index) % 4 == 0:
            x = _LEFT + (index + 0.5) * step
            # The last label would be cut off if it were centred on the last bar.
            anchor = "end" if index == len(weeks) - 1 and len(weeks) > 4 else "middle"
            x += step * 0.4 if anchor == "end" else 0
            label = short_day(week.week.start_date)
            parts.append(
                f'<text class="tick" x="{x:.1f}" y="{_HEIGHT - 8:.1f}" text-anchor="{anchor}">{escape(label)}</text>'
            )
    told = f"Spend of {len(weeks)} weeks; the last one {usd(weeks[-1].effective_cost_usd)}"
    return Markup(  # noqa: S704 - numbers of ours, and texts that were escaped one by one
        f'<svg class="chart" viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" role="img" aria-label="{escape(told)}">'
        + "".join(parts)
        + "</svg>"
    )


def _bar(week: WeekSpend, left: float, step: float, inner: float, top: float, *, is_last: bool) -> list[str]:
    def height(amount: Decimal) -> float:
        return inner * min(max(float(amount), 0.0) / top, 1.0)

    base, width = _TOP + inner, step * 0.64
    x = left + (step - width) / 2
    tall = height(week.effective_cost_usd)
    parts = [
        f'<rect class="{"bar now" if is_last else "bar"}" x="{x:.1f}" y="{base - tall:.1f}" '
        f'width="{width:.1f}" height="{tall:.1f}" rx="2"><title>{escape(week.week.name)}: '
        f"{usd(week.effective_cost_usd)}</title></rect>"
    ]
    middle = left + step / 2
    if is_last:
        parts.append(
            f'<text class="value" x="{left + step:.1f}" y="{base - tall - 6:.1f}" text-anchor="end">'
            f"{usd(week.effective_cost_usd)}</text>"
        )
    if week.expected_usd is not None:
        y = base - height(week.expected_usd)
        parts.append(
            f'<line class="mark" x1="{middle - step * 0.46:.1f}" x2="{middle + step * 0.46:.1f}" '
            f'y1="{y:.1f}" y2="{y:.1f}"/>'
        )
    return parts


def axis_ticks(top: float) -> list[float]:
    """Round amounts from 0 on, the last of them not below ``top``."""
    if top <= 0:
        return [0.0, 1.0]
    rough = top / 4
    magnitude = 10.0 ** _floor_log10(rough)
    step = next(magnitude * nice for nice in _NICE if magnitude * nice >= rough * 0.999)
    count = 1
    while step * count < top:
        count += 1
    return [step * number for number in range(count + 1)]


def _floor_log10(value: float) -> int:
    return int(f"{value:e}".split("e")[1])


def axis_usd(amount: float) -> str:
    """A round amount on an axis: ``$40``, ``$1.5k``, ``$2M``."""
    for size, suffix in ((1e6, "M"), (1e3, "k")):
        if amount >= size:
            return f"${amount / size:g}{suffix}"
    return f"${amount:g}"


def change_bar(change: Decimal, largest: Decimal) -> Markup:
    """A bar to the right of the middle for more, to the left for less, as part of the largest change shown."""
    part = 0.0 if largest == 0 else float(abs(change) / largest) * 50
    x = 50 - part if change < 0 else 50.0
    kind = "less" if change < 0 else "more"
    return Markup(  # noqa: S704 - numbers only
        '<svg class="strip" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="{kind}" x="{x:.2f}" y="1" width="{max(part, 0.4):.2f}" height="8"/>'
        '<line class="zero" x1="50" x2="50" y1="0" y2="10" vector-effect="non-scaling-stroke"/></svg>'
    )


def budget_bar(spent: float | None, elapsed: float | None, expected: float | None, kind: str) -> Markup:
    """How much of an amount is used (bar), what is expected at the end (pale), how far its period has gone (mark).

    The whole width is the amount, or more where more is expected.
    """
    used, ahead = max(spent or 0.0, 0.0), max(expected or 0.0, 0.0)
    full = min(max(1.0, used, ahead), 3.0)
    width = [min(part / full, 1.0) * 100 for part in (ahead, used)]
    parts = [
        '<svg class="strip budget" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">',
        '<rect class="trough" x="0" y="1" width="100" height="8"/>',
        f'<rect class="ahead {escape(kind)}" x="0" y="1" width="{width[0]:.2f}" height="8"/>',
        f'<rect class="used {escape(kind)}" x="0" y="1" width="{width[1]:.2f}" height="8"/>',
    ]
    if full > 1.0:
        parts.append(_stroke("limit", 100 / full))
    if elapsed is not None:
        parts.append(_stroke("elapsed", min(elapsed / full, 1.0) * 100))
    return Markup("".join(parts) + "</svg>")  # noqa: S704 - numbers only


def _stroke(name: str, x: float) -> str:
    return f'<line class="{name}" x1="{x:.2f}" x2="{x:.2f}" y1="0" y2="10" vector-effect="non-scaling-stroke"/>'


def interval_bar(lower: Decimal, middle: Decimal, upper: Decimal, first: Decimal, last: Decimal) -> Markup:
    """An interval with its middle, on a scale from ``first`` to ``last`` that several of them share; zero is marked."""
    whole = float(last - first) or 1.0

    def place(amount: Decimal) -> float:
        return min(max((float(amount) - float(first)) / whole, 0.0), 1.0) * 96 + 2

    parts = [
        '<svg class="strip" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">',
        f'<rect class="range" x="{place(lower):.2f}" y="3.4" '
        f'width="{max(place(upper) - place(lower), 0.6):.2f}" height="3.2"/>',
        f'<rect class="point" x="{place(middle) - 0.8:.2f}" y="0.8" width="1.6" height="8.4"/>',
    ]
    if first <= 0 <= last:
        parts.append(_stroke("zero", place(Decimal(0))))
    return Markup("".join(parts) + "</svg>")  # noqa: S704 - numbers only


def meter(ratio: float, is_good: bool) -> Markup:
    """A share of the whole width."""
    part = min(max(ratio, 0.0), 1.0) * 100
    kind = "good" if is_good else "poor"
    return Markup(  # noqa: S704 - numbers only
        '<svg class="strip meter" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="trough" x="0" y="2" width="100" height="6"/>'
        f'<rect class="{kind}" x="0" y="2" width="{part:.2f}" height="6"/></svg>'
    )
