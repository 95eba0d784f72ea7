"""The charts of the latest forecast as files: all spend, every team, and every budget whose period runs.

They are drawn from the warehouse and land below ``reports/forecast``, as SVG for pages and PNG for mail and slides.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd

from forecasting.charts.burndown import BudgetOutlook, burndown_chart
from forecasting.charts.fan import EventMark, MonthTotal, fan_chart, series_title
from forecasting.charts.style import ImageFormat
from orchestration.warehouse import reading

FORMATS: tuple[ImageFormat, ...] = ("svg", "png")

_SERIES = """
    select series_id, min(cutoff_date)
    from finops.mart_forecast_daily
    where is_shipped_model and (series_id = 'total' or dimension_name = 'team')
    group by series_id
    order by series_id <> 'total', series_id
"""

_FORECAST = """
    select
        scenario, cost_date, forecast_cost_usd, lower_cost_usd, upper_cost_usd, p05_cost_usd, p50_cost_usd,
        p95_cost_usd, is_nowcast
    from finops.mart_forecast_daily
    where is_shipped_model and series_id = ?
    order by scenario, cost_date
"""

_HISTORY = """
    select days.date_day as cost_date, coalesce(costs.effective_cost_usd, 0) as effective_cost_usd
    from core.dim_dates as days
    left join intermediate.int_series_costs_daily as costs
        on costs.series_id = $series_id and costs.cost_date = days.date_day
    where days.date_day <= $cutoff_date
        and days.date_day >= (
            select min(cost_date) from intermediate.int_series_costs_daily where series_id = $series_id
        )
    order by days.date_day
"""

_HEADLINE = """
    select cost_month, total_p10_usd, total_p50_usd, total_p90_usd
    from finops.mart_forecast_monthly
    where is_shipped_model and scenario = 'base' and series_id = ? and cost_month > ?
    order by cost_month
    limit 1
"""

_EVENTS = """
    select start_date, change_name
    from staging.stg_config__planned_changes
    where ? is null or team is null or team = ?
    order by start_date, change_id
"""

_BUDGETS = """
    select budget_id, budget_name, period_start_date, breach_probability, breach_date
    from finops.mart_budget_status
    where is_latest and status <> 'ended' and assessment_date between period_start_date and period_end_date
    order by breach_probability desc nulls last, budget_id
"""

_BURNDOWN = """
    select
        burn_date, budget_usd, spent_usd, ideal_spent_usd, forecast_p10_usd, forecast_p50_usd, forecast_p90_usd,
        is_forecast, period_start_date, period_end_date
    from finops.mart_budget_burndown
    where budget_id = ? and period_start_date = ?
    order by burn_date
"""


@dataclass(frozen=True)
class Chart:
    """One chart that was written.

    Attributes:
        subject: ``total``, ``team=<team>`` or ``budget=<budget_id>``.
        breach_probability: Of a budget, where it is known.
        paths: The file of each format.
    """

    subject: str
    breach_probability: float | None
    paths: Mapping[ImageFormat, Path]


def write_charts(warehouse_path: Path, folder: Path) -> list[Chart]:
    """Draw every chart of the latest forecast into a folder; charts of what is gone are deleted there.

    Files whose content is the same are left alone.

    Returns:
        All spend first, then the teams, then the running budgets, the most endangered first. Empty without a forecast.
    Raises:
        TokenAtlasError: the warehouse is not there, or another process is writing it.
    """
    with reading(warehouse_path) as connection:
        charts = [*_fans(connection, folder), *_burndowns(connection, folder)]
    kept = {path for chart in charts for path in chart.paths.values()}
    for path in (path for suffix in FORMATS for path in folder.glob(f"*.{suffix}")):
        if path not in kept:
            path.unlink()
    return charts


def _fans(connection: duckdb.DuckDBPyConnection, folder: Path) -> Iterator[Chart]:
    for series_id, cutoff in connection.execute(_SERIES).fetchall():
        forecast = connection.execute(_FORECAST, [series_id]).df()
        history = connection.execute(_HISTORY, {"series_id": series_id, "cutoff_date": cutoff}).df()
        headline = _headline(connection, series_id, cutoff)
        events = _events(connection, series_id.partition("=")[2] or None)
        images = {
            image_format: fan_chart(
                series_title(series_id), history, forecast, headline, events, image_format=image_format
            )
            for image_format in FORMATS
        }
        yield Chart(series_id, None, _write(folder, series_id, images))


def _headline(connection: duckdb.DuckDBPyConnection, series_id: str, cutoff: date) -> MonthTotal | None:
    """The first whole month after the cutoff."""
    row = connection.execute(_HEADLINE, [series_id, cutoff]).fetchone()
    return None if row is None else MonthTotal(row[0], *(float(amount) for amount in row[1:]))


def _events(connection: duckdb.DuckDBPyConnection, team: str | None) -> list[EventMark]:
    """Planned changes that concern a team, or all of them for all spend."""
    return [EventMark(day, name) for day, name in connection.execute(_EVENTS, [team, team]).fetchall()]


def _burndowns(connection: duckdb.DuckDBPyConnection, folder: Path) -> Iterator[Chart]:
    for budget_id, name, period_start, probability, breach_date in connection.execute(_BUDGETS).fetchall():
        burndown: pd.DataFrame = connection.execute(_BURNDOWN, [budget_id, period_start]).df()
        if burndown.empty or burndown["budget_usd"].isna().any():
            continue  # an amount without an exchange rate has no line to burn down to
        risk = None if probability is None else float(probability)
        outlook = BudgetOutlook(name or budget_id, risk, breach_date)
        images = {
            image_format: burndown_chart(outlook, burndown, image_format=image_format) for image_format in FORMATS
        }
        subject = f"budget={budget_id}"
        yield Chart(subject, risk, _write(folder, subject, images))


def _write(folder: Path, subject: str, images: Mapping[ImageFormat, bytes]) -> dict[ImageFormat, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths: dict[ImageFormat, Path] = {}
    for image_format, image in images.items():
        path = folder / f"{file_stem(subject)}.{image_format}"
        if not path.exists() or path.read_bytes() != image:
            scratch = path.with_suffix(".tmp")
            scratch.write_bytes(image)
            scratch.replace(path)
        paths[image_format] = path
    return paths


def file_stem(subject: str) -> str:
    """A file name for any series: readable, and different for different series."""
    plain = re.sub(r"[^a-z0-9]+", "-", subject.lower()).strip("-")
    return plain if plain == subject.replace("=", "-", 1) else f"{plain}-{zlib.crc32(subject.encode()):08x}"


def shown_charts(charts: Sequence[Chart]) -> dict[str, Path]:
    """The charts to be shown in the graph: all spend, and the budget that is most likely to be passed."""
    budgets = [chart for chart in charts if chart.breach_probability is not None]
    shown = {"all spend": next((chart for chart in charts if chart.subject == "total"), None)}
    shown["most endangered budget"] = max(budgets, key=lambda chart: chart.breach_probability or 0.0, default=None)
    return {name: chart.paths["png"] for name, chart in shown.items() if chart is not None}


def inline_image(title: str, path: Path) -> str:
    """Markdown that holds the image itself, so that it is still that of its run when the file has been replaced."""
    return f"![{title}](data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()})"
