"""The pages in Superset's own import format: a dictionary from file name to YAML, the same for the same input.

Identities are ``uuid5`` of names, so that a second import changes the first one in place.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from dashboards.charts import chart_params
from dashboards.description import Chart, Dataset, Page, Section
from dashboards.filters import native_filters
from dashboards.labels import column_label
from dashboards.layout import page_css, positions
from dashboards.palette import SCHEME, label_colours
from dashboards.published import Column, PublishedTables
from ingestion.errors import ConfigError

NAMESPACE = uuid.UUID("6f2c1f6e-5d0a-4b0c-9d59-0d6f1f1c7a11")
VERSION = "1.0.0"


@dataclass(frozen=True)
class Bundle:
    """What Superset imports, and what was left out.

    Attributes:
        files: Name to YAML.
        team_datasets: Uuid of each dataset that team members may read, to the condition for the rows of ``{team}``.
        page_audiences: Uuid of each page to ``finance`` or ``team``.
        missing: Tables that the files name and that are not published, each with the charts that wait for it.
    """

    files: Mapping[str, str]
    team_datasets: Mapping[str, str]
    page_audiences: Mapping[str, str]
    missing: Mapping[str, tuple[str, ...]]


def identity(kind: str, name: str) -> str:
    return str(uuid.uuid5(NAMESPACE, f"{kind}/{name}"))


def build_bundle(
    datasets: Mapping[str, Dataset], pages: Sequence[Page], published: PublishedTables, file: Path, today: date | None
) -> Bundle:
    """The whole of the import.

    A dataset whose table is not published is left out with its charts; a note stands where they would.

    Args:
        file: The published DuckDB file.
        today: None where the clock is fixed: default dates then do not move with the calendar (``filters.date_range``).
    Raises:
        ConfigError: a chart names a column that its table does not have.
    """
    there = {table: dataset for table, dataset in datasets.items() if table in published.tables}
    uuids = {table: identity("dataset", table) for table in there}
    files: dict[str, Any] = {
        "metadata.yaml": {"version": VERSION, "type": "assets", "timestamp": "2026-01-01T00:00:00+00:00"},
        "databases/tokenatlas.yaml": _database(file, published.has_views),
    }
    for table, dataset in there.items():
        files[f"datasets/tokenatlas/{dataset.name}.yaml"] = _dataset(dataset, uuids[table], published)
    audiences = {}
    for page in pages:
        for audience in ("finance", "team") if page.is_for_teams else ("finance",):
            shown = page if audience == "finance" else _for_teams(page, there)
            page_uuid = identity("dashboard", shown.name)
            audiences[page_uuid] = audience
            for chart in shown.charts:
                if chart.dataset in there:
                    _check_columns(shown, chart, there[chart.dataset], published)
                    files[f"charts/{shown.name}_{chart.name}.yaml"] = _chart(shown, chart, there, uuids)
            files[f"dashboards/{shown.name}.yaml"] = _dashboard(shown, page_uuid, there, uuids, published, today)
    missing: dict[str, tuple[str, ...]] = {}
    for table in sorted(datasets.keys() - there.keys()):
        waiting = [f"{page.title}: {chart.title}" for page in pages for chart in page.charts if chart.dataset == table]
        missing[table] = tuple(waiting)
    return Bundle(
        {name: yaml.safe_dump(content, sort_keys=False, allow_unicode=True) for name, content in files.items()},
        {uuids[table]: dataset.team_rows for table, dataset in there.items() if dataset.team_rows},
        audiences,
        missing,
    )


def _for_teams(page: Page, datasets: Mapping[str, Dataset]) -> Page:
    """The page of a team member: without the charts whose rows belong to no team."""

    def shown(chart: Chart) -> bool:
        is_open = chart.dataset not in datasets or datasets[chart.dataset].team_rows is not None
        return chart.is_for_teams and is_open

    sections = []
    for section in page.sections:
        rows = tuple(tuple(_team_chart(chart) for chart in row if shown(chart)) for row in section.rows)
        rows = tuple(_widened(row) for row in rows if row)
        if rows:
            sections.append(Section(section.title, section.text, rows))
    filters = tuple(name for name in page.filters if name not in ("team", "customer"))
    return replace(
        page, name=f"{page.name}-team", title=f"{page.title} (my team)", filters=filters, sections=tuple(sections)
    )


def _team_chart(chart: Chart) -> Chart:
    """``for_teams`` replaces options where a team's rows are others than the company's."""
    options = {**chart.options, **chart.options.get("for_teams", {})}
    return replace(chart, title=options.pop("title", chart.title), options=options)


def _widened(row: tuple[Chart, ...]) -> tuple[Chart, ...]:
    """The charts that remain of a row share its width."""
    spare = 12 - sum(chart.width for chart in row)
    each, rest = divmod(spare, len(row))
    return tuple(replace(chart, width=chart.width + each + (place < rest)) for place, chart in enumerate(row))


def _check_columns(page: Page, chart: Chart, dataset: Dataset, published: PublishedTables) -> None:
    """Raises ConfigError where a chart names a column that its table does not have."""
    known = {column.name for column in published.tables[dataset.table].columns}.union(dataset.computed)
    named = [chart.options.get(name, []) for name in ("columns", "by", "x", "entity")]
    for name in [one for names in named for one in ([names] if isinstance(names, str) else names)]:
        if name not in known:
            raise ConfigError(
                f"{dataset.table} has no column {name!r}",
                where=f"dashboards/pages, page {page.title}, chart {chart.name}",
                mend="Correct the name; a column that is newer than the publication comes with the next run.",
            )


def _database(file: Path, has_views: bool) -> dict[str, Any]:
    config = {
        # Nothing but the file itself can be read, and no statement can undo that.
        "enable_external_access": "false",
        "lock_configuration": "true",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "threads": "2",
        "memory_limit": "2GB",
    }
    arguments: dict[str, Any] = {"read_only": True, "config": config}
    if has_views:
        # Large tables are views over these files.
        config["allowed_directories"] = f"['{file.parent / 'parquet'}']"
    return {
        "database_name": "TokenAtlas",
        "sqlalchemy_uri": f"duckdb:///{file}",
        "cache_timeout": None,
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_csv_upload": False,
        "extra": {"engine_params": {"connect_args": arguments}, "allows_virtual_table_explore": False},
        "uuid": identity("database", "tokenatlas"),
        "version": VERSION,
        "is_managed_externally": True,
    }


def _dataset(dataset: Dataset, dataset_uuid: str, published: PublishedTables) -> dict[str, Any]:
    table = published.tables[dataset.table]
    columns = [_column(column) for column in table.columns]
    columns += [_computed(name, label, sql) for name, (label, sql) in dataset.computed.items()]
    return {
        "table_name": dataset.name,
        "main_dttm_col": dataset.date,
        "description": table.comment or (dataset.sql or "").split("\n\n")[0].replace("-- ", ""),
        "schema": dataset.schema or "finops",
        "catalog": None,
        "sql": dataset.sql,
        "cache_timeout": -1,
        "filter_select_enabled": True,
        "uuid": dataset_uuid,
        "metrics": [
            {
                "metric_name": metric.name,
                "verbose_name": metric.label,
                "expression": metric.sql,
                "d3format": metric.format,
                "description": None,
            }
            for metric in dataset.metrics.values()
        ],
        "columns": columns,
        "version": VERSION,
        "database_uuid": identity("database", "tokenatlas"),
        "is_managed_externally": True,
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "column_name": column.name,
        "verbose_name": column_label(column.name),
        "is_dttm": column.type in ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"),
        "is_active": True,
        "type": column.type,
        "groupby": True,
        "filterable": True,
        "expression": None,
        "description": column.comment,
    }


def _computed(name: str, label: str, sql: str) -> dict[str, Any]:
    return {
        "column_name": name,
        "verbose_name": label,
        "is_dttm": False,
        "is_active": True,
        "type": "BOOLEAN" if name.startswith("is_") else "VARCHAR",
        "groupby": True,
        "filterable": True,
        "expression": sql,
        "description": None,
    }


def _chart(page: Page, chart: Chart, datasets: Mapping[str, Dataset], uuids: Mapping[str, str]) -> dict[str, Any]:
    viz_type, params = chart_params(chart, datasets[chart.dataset])
    return {
        "slice_name": chart.title,
        "description": chart.help or None,
        "viz_type": viz_type,
        "params": params,
        "cache_timeout": -1,
        "uuid": identity("chart", f"{page.name}/{chart.name}"),
        "version": VERSION,
        "dataset_uuid": uuids[chart.dataset],
        "is_managed_externally": True,
    }


def _dashboard(
    page: Page,
    page_uuid: str,
    datasets: Mapping[str, Dataset],
    uuids: Mapping[str, str],
    published: PublishedTables,
    today: date | None,
) -> dict[str, Any]:
    charts = [chart for chart in page.charts if chart.dataset in datasets]
    # Superset replaces these numbers, here and in the scopes of filters, by those of its own.
    ids = {chart.name: place for place, chart in enumerate(charts, start=1)}
    metrics = {name: metric.label for chart in charts for name, metric in datasets[chart.dataset].metrics.items()}
    chart_uuids = {chart.name: identity("chart", f"{page.name}/{chart.name}") for chart in charts}
    return {
        "dashboard_title": page.title,
        "description": page.question,
        "css": page_css(page, chart_uuids),
        "slug": page.name,
        "uuid": page_uuid,
        "position": positions(page, ids, chart_uuids),
        "metadata": {
            "color_scheme": SCHEME,
            "label_colors": label_colours(published.teams, metrics),
            "shared_label_colors": [],
            "color_namespace": None,
            "cross_filters_enabled": False,
            "refresh_frequency": 0,
            "expanded_slices": {},
            "filter_bar_orientation": "HORIZONTAL",
            "timed_refresh_immune_slices": [],
            "native_filter_configuration": native_filters(page, charts, ids, datasets, uuids, published, today),
        },
        "version": VERSION,
        "is_managed_externally": True,
        "published": True,
    }
