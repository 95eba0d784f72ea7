"""The kinds of charts: from what a page's file says to the parameters that Superset keeps.

Every kind takes the same options where they mean something: ``metrics``, ``by`` (one series for each value), ``x``,
``grain`` (``day``, ``week``, ``month``), ``where`` (SQL on the dataset), ``rows`` (at most so many), ``format``,
``unit`` (title of the axis), ``stack``, ``backwards`` (metrics by name, the last first), ``order`` (of a table: column
and whether ascending; a metric where rows are summed up).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dashboards.description import FORMATS, Chart, Dataset
from dashboards.labels import column_format, column_label
from dashboards.palette import SCHEME, SEQUENTIAL

Params = dict[str, Any]
GRAINS = {"day": "P1D", "week": "P1W", "month": "P1M"}
DATE_FORMATS = {"day": "%d %b", "week": "%d %b", "month": "%b %Y"}


def chart_params(chart: Chart, dataset: Dataset) -> tuple[str, Params]:
    """Superset's name of the chart's type, and its parameters.

    Raises:
        KeyError: the kind is unknown, or lacks an option (the files are tested).
    """
    viz_type, make = KINDS[chart.kind]
    params = {
        "viz_type": viz_type,
        "adhoc_filters": _filters(chart, dataset),
        "color_scheme": SCHEME,
        "row_limit": chart.options.get("rows", 10_000),
        # Ask the database each time: a publication replaces its file.
        "cache_timeout": -1,
    }
    if dataset.date:
        params["granularity_sqla"] = dataset.date
    return viz_type, {**params, **make(chart, dataset)}


def _filters(chart: Chart, dataset: Dataset) -> list[Params]:
    filters: list[Params] = []
    if dataset.date:
        filters.append(
            {
                "clause": "WHERE",
                "expressionType": "SIMPLE",
                "subject": dataset.date,
                "operator": "TEMPORAL_RANGE",
                "comparator": "No filter",
            }
        )
    if where := chart.options.get("where"):
        filters.append({"clause": "WHERE", "expressionType": "SQL", "sqlExpression": where, "subject": None})
    return filters


def _format(chart: Chart, dataset: Dataset) -> str:
    if name := chart.options.get("format"):
        return FORMATS[name]
    return dataset.metrics[chart.options["metrics"][0]].format


def _number(chart: Chart, dataset: Dataset) -> Params:
    return {
        "metric": chart.options["metrics"][0],
        "y_axis_format": _format(chart, dataset),
        "header_font_size": 0.4,
        "subtitle_font_size": 0.15,
        "subtitle": chart.options.get("subtitle", ""),
    }


def _axes(chart: Chart, dataset: Dataset) -> Params:
    grain = chart.options.get("grain", "day")
    by = _list(chart.options.get("by"))
    shows_legend = chart.options.get("legend", bool(by) or len(chart.options["metrics"]) > 1)
    return {
        "x_axis": chart.options.get("x", dataset.date),
        "time_grain_sqla": GRAINS[grain],
        "x_axis_time_format": DATE_FORMATS[grain],
        "metrics": chart.options["metrics"],
        "groupby": by,
        "limit": chart.options.get("series", 0),
        "series_limit_metric": chart.options["metrics"][0] if chart.options.get("series") else None,
        "order_desc": True,
        # The values of a column stand by their size, several metrics by their names.
        "sort_series_type": "sum" if by else "name",
        "sort_series_ascending": not by and not chart.options.get("backwards", False),
        "y_axis_format": _format(chart, dataset),
        "y_axis_title": chart.options.get("unit", ""),
        "y_axis_title_position": "Left",
        "y_axis_title_margin": 50 if chart.options.get("unit") else 0,
        "x_axis_title_margin": 0,
        "show_legend": shows_legend,
        "legendOrientation": "top",
        "legendType": "scroll",
        "rich_tooltip": True,
        "showTooltipTotal": bool(chart.options.get("stack")),
        "tooltipTimeFormat": DATE_FORMATS[grain] if grain == "month" else "%d %b %Y",
        "truncate_metric": True,
        "stack": "Stack" if chart.options.get("stack") else None,
        "only_total": True,
        "markerEnabled": False,
        "annotation_layers": [],
    }


def _bars(chart: Chart, dataset: Dataset) -> Params:
    return _axes(chart, dataset)


def _lines(chart: Chart, dataset: Dataset) -> Params:
    return {**_axes(chart, dataset), "seriesType": "line", "truncateYAxis": "floor" in chart.options, **_floor(chart)}


def _floor(chart: Chart) -> Params:
    return {"y_axis_bounds": [chart.options["floor"], None]} if "floor" in chart.options else {}


def _ranked(chart: Chart, dataset: Dataset) -> Params:
    """Horizontal bars, longest first."""
    return {
        **_axes(chart, dataset),
        "x_axis_sort": chart.options["metrics"][0],
        "x_axis_sort_asc": True,
        "orientation": "horizontal",
        "row_limit": chart.options.get("rows", 15),
        "order_desc": True,
        "time_grain_sqla": None,
        "show_value": "by" not in chart.options,
        "x_axis_title": "",
        "x_axis_title_margin": 0,
        "y_axis_title_position": "Top",
        "y_axis_title_margin": 0 if not chart.options.get("unit") else 30,
    }


def _table(chart: Chart, dataset: Dataset) -> Params:
    columns = _list(chart.options.get("columns"))
    metrics = _list(chart.options.get("metrics"))
    formats: Params = {
        name: {"d3NumberFormat": format_, "d3SmallNumberFormat": format_}
        for name in columns
        if (format_ := column_format(name))
    }
    formats.update({name: {"d3NumberFormat": dataset.metrics[name].format} for name in metrics})
    for name in (*columns, *metrics):
        formats.setdefault(name, {})["showCellBars"] = name in _list(chart.options.get("cell_bars"))
    for name in columns:
        if name in ("cost_month", "month_start_date"):
            formats[name]["d3TimeFormat"] = "%b %Y"
    for name, width in chart.options.get("widths", {}).items():
        formats[name]["columnWidth"] = width
    shape: Params = (
        {"query_mode": "aggregate", "groupby": columns, "metrics": metrics}
        if metrics
        else {"query_mode": "raw", "all_columns": columns, "groupby": [], "metrics": []}
    )
    order = chart.options.get("order", [])
    if metrics:
        shape["timeseries_limit_metric"] = order[0] if order else metrics[0]
    else:
        shape["order_by_cols"] = [f'["{name}", {str(ascending).lower()}]' for name, ascending in order]
    return {
        **shape,
        "order_desc": not chart.options.get("ascending", False),
        "column_config": formats,
        "conditional_formatting": [_colouring(rule) for rule in chart.options.get("colours", [])],
        "table_timestamp_format": "%Y-%m-%d",
        "page_length": 0,
        "row_limit": chart.options.get("rows", 500),
        "include_search": False,
        "show_cell_bars": bool(chart.options.get("cell_bars")),
        "color_pn": False,
        "allow_render_html": False,
    }


def _colouring(rule: Sequence[Any]) -> Params:
    column, operator, value, colour = rule
    return {"column": column, "operator": operator, "targetValue": value, "colorScheme": colour}


def _waterfall(chart: Chart, dataset: Dataset) -> Params:
    return {
        "x_axis": chart.options["x"],
        "metric": chart.options["metrics"][0],
        "groupby": [],
        "time_grain_sqla": None,
        "show_total": True,
        "total_label": "Change",
        "show_legend": False,
        "show_value": True,
        "y_axis_format": _format(chart, dataset),
        "y_axis_label": "",
        "x_axis_label": "",
        "x_ticks_layout": "45°",
        "increase_color": {"r": 201, "g": 79, "b": 69, "a": 1},
        "decrease_color": {"r": 63, "g": 143, "b": 110, "a": 1},
        "total_color": {"r": 90, "g": 99, "b": 115, "a": 1},
    }


def _heat(chart: Chart, dataset: Dataset) -> Params:
    return {
        "x_axis": chart.options["x"],
        "groupby": chart.options["by"],
        "metric": chart.options["metrics"][0],
        "time_grain_sqla": GRAINS.get(chart.options.get("grain", "")),
        "sort_x_axis": "alpha_asc",
        "sort_y_axis": "alpha_desc",
        "linear_color_scheme": SEQUENTIAL,
        "normalize_across": "heatmap",
        "legend_type": "continuous",
        "show_legend": True,
        "show_values": True,
        "show_percentage": False,
        "left_margin": "auto",
        "bottom_margin": "auto",
        "xscale_interval": -1,
        "yscale_interval": -1,
        "y_axis_format": _format(chart, dataset),
        "x_axis_time_format": DATE_FORMATS.get(chart.options.get("grain", ""), "smart_date"),
        "value_bounds": [None, None],
    }


def _scatter(chart: Chart, dataset: Dataset) -> Params:
    x, y, size = chart.options["metrics"]
    return {
        "entity": chart.options["entity"],
        "series": chart.options["by"],
        "x": x,
        "y": y,
        "size": size,
        "max_bubble_size": "25",
        "show_legend": True,
        "legendOrientation": "top",
        "legendType": "scroll",
        "x_axis_label": chart.options["x_unit"],
        "y_axis_label": chart.options["unit"],
        "x_axis_title_margin": 30,
        "y_axis_title_margin": 50,
        "y_axis_title_position": "Left",
        "xAxisFormat": FORMATS["usd"]
        if dataset.metrics[x].format == FORMATS["usd_small"]
        else dataset.metrics[x].format,
        "y_axis_format": dataset.metrics[y].format,
        "tooltipSizeFormat": dataset.metrics[size].format,
        "opacity": 0.7,
        "truncateXAxis": False,
        "truncateYAxis": False,
    }


def _list(value: Any) -> list[str]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


KINDS: Mapping[str, tuple[str, Callable[[Chart, Dataset], Params]]] = {
    "number": ("big_number_total", _number),
    "bars": ("echarts_timeseries_bar", _bars),
    "lines": ("echarts_timeseries_line", _lines),
    "ranked": ("echarts_timeseries_bar", _ranked),
    "table": ("table", _table),
    "waterfall": ("waterfall", _waterfall),
    "heat": ("heatmap_v2", _heat),
    "scatter": ("bubble_v2", _scatter),
}

__all__ = ["KINDS", "chart_params", "column_label"]
