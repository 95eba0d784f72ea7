"""Charts: the finding is in the title, the numbers are the rows', and equal rows give equal bytes.

The texts of an SVG stand in it as comments beside their outlines.
"""

from __future__ import annotations

import io
import re
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from forecasting.charts.burndown import BudgetOutlook, burndown_chart
from forecasting.charts.fan import EventMark, MonthTotal, fan_chart, series_title
from forecasting.charts.style import axis_usd, spread_apart, usd

CUTOFF = date(2026, 11, 19)
DECEMBER = MonthTotal(date(2026, 12, 1), 1050.0, 1240.0, 1480.0)


def history(days: int = 90) -> pd.DataFrame:
    first_day = CUTOFF - timedelta(days=days - 1)
    return pd.DataFrame(
        {
            "cost_date": [first_day + timedelta(days=day) for day in range(days)],
            "effective_cost_usd": [30.0 + day % 7 for day in range(days)],
        }
    )


def forecast(
    horizon: int = 365, scenarios: tuple[str, ...] = ("base", "accelerated"), nowcasts: int = 3
) -> pd.DataFrame:
    rows = [
        {
            "scenario": scenario,
            "cost_date": CUTOFF + timedelta(days=day + 1),
            **{
                f"{name}_cost_usd": level * (1.5 if scenario != "base" else 1.0)
                for name, level in (
                    ("forecast", 41.0),
                    ("lower", 30.0),
                    ("upper", 55.0),
                    ("p05", 25.0),
                    ("p50", 40.0),
                    ("p95", 70.0),
                )
            },
            "is_nowcast": scenario == "base" and day < nowcasts,
        }
        for scenario in scenarios
        for day in range(horizon)
    ]
    return pd.DataFrame(rows)


def burndown(known_days: int, daily: float, budget: float = 300.0) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for day in range(30):
        is_known, total = day < known_days, daily * (day + 1)
        rows.append(
            {
                "burn_date": date(2026, 11, day + 1),
                "budget_usd": budget,
                "spent_usd": total if is_known else None,
                "ideal_spent_usd": budget * (day + 1) / 30,
                "forecast_p10_usd": None if is_known else total * 0.9,
                "forecast_p50_usd": None if is_known else total,
                "forecast_p90_usd": None if is_known else total * 1.2,
                "is_forecast": not is_known,
                "period_start_date": date(2026, 11, 1),
                "period_end_date": date(2026, 11, 30),
            }
        )
    return pd.DataFrame(rows)


def texts(svg: bytes) -> list[str]:
    """Every text of an SVG."""
    return [text.strip() for text in re.findall(r"<!--(.*?)-->", svg.decode(), flags=re.DOTALL)]


def test_the_fan_says_what_the_month_will_cost() -> None:
    """The headline, the ends of the lines by name, the nowcast and the planned change; no legend."""
    found = texts(
        fan_chart(
            "All spend",
            history(),
            forecast(),
            DECEMBER,
            [EventMark(date(2026, 12, 1), "gpt-5 at half price"), EventMark(date(2026, 1, 1), "long ago")],
            image_format="svg",
        )
    )
    assert "All spend: $1,240 expected in December 2026, 80 % between $1,050 and $1,480" in found
    assert "expected  $40.00" in found
    assert "accelerated  +50 %" in found
    assert "1 Dec: gpt-5 at half price" in found
    assert "nowcast" in found
    assert not any("long ago" in text for text in found)


def test_a_young_series_without_anything_else_has_a_fan_too() -> None:
    """No history, no month, one scenario, a week ahead; and dollar signs stay dollar signs."""
    image = fan_chart("Team $x$", history(0), forecast(7, ("base",), nowcasts=0), image_format="svg")
    assert "Team $x$: $40.00 a day expected" in texts(image)


@pytest.mark.parametrize(
    ("known_days", "daily", "outlook", "title", "label"),
    [
        (
            10,
            12.0,
            BudgetOutlook("Search", 0.93, date(2026, 11, 26)),
            "Search: expected to pass $300 on 26 Nov, 93 % risk",
            "runs out on 26 Nov",
        ),
        (10, 8.0, BudgetOutlook("Search", 0.04), "Search: $240 of $300 expected by 30 Nov, 4 % risk", "expected  $240"),
        (
            28,
            12.0,
            BudgetOutlook("Search", 1.0, date(2026, 11, 26)),
            "Search: $36.00 over its $300",
            "ran out on 26 Nov",
        ),
        (30, 8.0, BudgetOutlook("Search", None), "Search: $240 of $300 spent", "budget  $300"),
        (0, 8.0, BudgetOutlook("Search", None), "Search: $240 of $300 expected by 30 Nov", "ideal pace"),
    ],
)
def test_a_burn_down_says_whether_and_when_the_money_runs_out(
    known_days: int, daily: float, outlook: BudgetOutlook, title: str, label: str
) -> None:
    """At risk, on track, passed, ended, and not begun."""
    found = texts(burndown_chart(outlook, burndown(known_days, daily), image_format="svg"))
    assert title in found
    assert label in found


def test_what_is_left_is_written_at_the_last_known_day() -> None:
    """The amount that the owner may still spend."""
    image = burndown_chart(BudgetOutlook("Search", 0.04), burndown(10, 8.0), image_format="svg")
    assert any("$220 left" in text for text in texts(image))


@pytest.mark.parametrize("image_format", ["png", "svg"])
def test_equal_rows_give_equal_bytes(image_format: Any) -> None:
    """Files in a repository or a mail do not change without a reason."""
    fans = {fan_chart("All", history(), forecast(), DECEMBER, image_format=image_format) for _ in range(2)}
    burns = {burndown_chart(BudgetOutlook("b", 0.5), burndown(9, 9.0), image_format=image_format) for _ in range(2)}
    assert len(fans) == len(burns) == 1


def test_a_png_is_large_enough_for_a_slide_and_survives_grayscale() -> None:
    """The two bands, the lines and the ground differ in lightness alone."""
    image = Image.open(io.BytesIO(fan_chart("All", history(), forecast(scenarios=("base",)), DECEMBER))).convert("L")
    assert image.width >= 1400
    gray, counts = np.unique(np.asarray(image), return_counts=True)
    areas = sorted(gray[np.argsort(counts)[-3:]].tolist())
    assert all(lighter - darker >= 25 for darker, lighter in pairwise(areas)), areas


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0.416, "$0.42"), (12.3, "$12.30"), (1240.4, "$1,240"), (999_600, "$1.00M"), (-5.0, "-$5.00")],
)
def test_amounts_are_written_as_on_a_slide(amount: float, text: str) -> None:
    """As many digits as matter."""
    assert usd(amount) == text


def test_axes_have_round_amounts() -> None:
    """Cents only where there are some."""
    assert [axis_usd(amount) for amount in (0, 0.5, 1500, 2_500_000)] == ["$0", "$0.50", "$1,500", "$2.5M"]


def test_labels_that_would_overlap_move_apart_in_their_order() -> None:
    """Also at the upper edge."""
    spread = spread_apart([0.99, 1.0, 0.98, 0.2], 0.05)
    assert spread == pytest.approx([0.95, 1.0, 0.9, 0.2])


def test_series_are_named_in_words() -> None:
    """As a reader would say it."""
    assert [series_title(one) for one in ("total", "team=search", "model_family=gpt")] == [
        "All spend",
        "Team search",
        "Model family gpt",
    ]
