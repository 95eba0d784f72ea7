"""What the files of this folder say: datasets with their metrics, and pages with their charts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ingestion.errors import ConfigError

FOLDER = Path(__file__).parent
FORMATS = {
    "usd": "$,.2f",
    "usd_whole": "$,.0f",
    "usd_small": "$,.4f",
    "ratio": ".1%",
    "count": ",.3~s",
    "number": ",.2~f",
}
"""Formats of numbers by the name that the files use (d3 notation)."""


@dataclass(frozen=True)
class Metric:
    name: str
    label: str
    sql: str
    format: str


@dataclass(frozen=True)
class Dataset:
    """A published table, or a query over published tables.

    Attributes:
        table: ``schema.table``, or the name of the query.
        sql: The query; None for a table.
        date: The column of the date filter; None where rows have no day.
        team_rows: Condition for the rows of one team, with ``{team}``; None closes the dataset to team members.
        computed: Name to label and SQL of columns that are not in the table.
    """

    table: str
    sql: str | None
    date: str | None
    team_rows: str | None
    metrics: Mapping[str, Metric]
    computed: Mapping[str, tuple[str, str]]

    @property
    def schema(self) -> str | None:
        return self.table.split(".")[0] if self.sql is None else None

    @property
    def name(self) -> str:
        return self.table.split(".")[-1]


@dataclass(frozen=True)
class Chart:
    """One box of a page.

    Attributes:
        name: Unique on its page; the identity of the chart across imports.
        kind: One of ``charts.KINDS``.
        options: What the kind asks for: metrics, columns, filters, …
        empty: What an empty chart says instead of "No results".
        width: Of the page's twelve columns.
        is_for_teams: Whether pages of team members show it. A chart on a dataset without ``team_rows`` never is.
    """

    name: str
    title: str
    kind: str
    dataset: str
    width: int
    height: int
    empty: str
    help: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    is_for_teams: bool = True


@dataclass(frozen=True)
class Section:
    title: str
    text: str
    rows: tuple[tuple[Chart, ...], ...]


@dataclass(frozen=True)
class Page:
    """One dashboard.

    Attributes:
        filters: Names of ``Filters`` in the order in which they stand.
        is_for_teams: Whether team members have a page of their own rows.
    """

    name: str
    title: str
    question: str
    filters: tuple[str, ...]
    days: int
    is_for_teams: bool
    sections: tuple[Section, ...]

    @property
    def charts(self) -> list[Chart]:
        return [chart for section in self.sections for row in section.rows for chart in row]


def read_datasets(folder: Path = FOLDER) -> dict[str, Dataset]:
    """The datasets by table.

    Raises:
        ConfigError: an entry has an unknown key or format, or its query is not there.
    """
    path = folder / "datasets.yml"
    datasets = {}
    for table, entry in _mapping(path).items():
        _known(entry, {"date", "team_rows", "metrics", "columns", "sql"}, f"{path}, {table}")
        metrics = {}
        for name, parts in entry.get("metrics", {}).items():
            if len(parts) != 3:
                raise ConfigError(
                    "A metric is not [label, SQL, format]", where=f"{path}, {table}, {name}", mend="Quote its SQL."
                )
            label, sql, format_name = parts
            if format_name not in FORMATS:
                raise ConfigError(
                    f"No number format is called {format_name!r}",
                    where=f"{path}, {table}, {name}",
                    mend=f"Use one of {', '.join(FORMATS)}.",
                )
            metrics[name] = Metric(name, label, sql, FORMATS[format_name])
        query = (folder / "queries" / entry["sql"]).read_text() if "sql" in entry else None
        computed = {name: (label, sql) for name, (label, sql) in entry.get("columns", {}).items()}
        datasets[table] = Dataset(table, query, entry.get("date"), entry.get("team_rows"), metrics, computed)
    return datasets


def read_pages(datasets: Mapping[str, Dataset], folder: Path = FOLDER) -> list[Page]:
    """The pages in the order of their file names.

    Raises:
        ConfigError: an entry has an unknown key, names an unknown dataset, or a row is wider than the page.
    """
    return [_page(path, datasets) for path in sorted((folder / "pages").glob("*.yml"))]


def _page(path: Path, datasets: Mapping[str, Dataset]) -> Page:
    entry = _mapping(path)
    _known(entry, {"title", "question", "filters", "days", "teams", "sections"}, str(path))
    sections = tuple(
        Section(
            section["title"],
            section.get("text", ""),
            tuple(_row(row, path, datasets) for row in section["rows"]),
        )
        for section in entry["sections"]
    )
    name = path.stem.split("_", 1)[-1]
    page = Page(
        name, entry["title"], entry["question"], tuple(entry["filters"]), entry["days"], entry["teams"], sections
    )
    names = [chart.name for chart in page.charts]
    for twice in sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError("Two charts of a page have one name", where=f"{path}, {twice}", mend="Rename one of them.")
    return page


def _row(row: Mapping[str, Any], path: Path, datasets: Mapping[str, Dataset]) -> tuple[Chart, ...]:
    charts = tuple(_chart(chart, row["height"], path, datasets) for chart in row["charts"])
    if (width := sum(chart.width for chart in charts)) > 12:
        raise ConfigError(
            f"A row is {width} columns wide",
            where=f"{path}, {charts[0].name}",
            mend="Let the widths of a row add up to 12.",
        )
    return charts


def _chart(entry: Mapping[str, Any], height: int, path: Path, datasets: Mapping[str, Dataset]) -> Chart:
    entry = dict(entry)
    where = f"{path}, {entry.get('name')}"
    try:
        chart = Chart(
            name=entry.pop("name"),
            title=entry.pop("title"),
            kind=entry.pop("kind"),
            dataset=entry.pop("dataset"),
            width=entry.pop("width"),
            height=height,
            empty=entry.pop("empty"),
            help=entry.pop("help", ""),
            is_for_teams=entry.pop("teams", True),
            options=entry,
        )
    except KeyError as missing:
        raise ConfigError(f"A chart has no {missing}", where=where, mend="Add it.") from None
    if chart.dataset not in datasets:
        raise ConfigError(
            f"There is no dataset {chart.dataset!r}",
            where=where,
            mend="Describe it in datasets.yml, or correct the name.",
        )
    return chart


def _mapping(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise ConfigError(f"The file is not YAML: {error}", where=str(path), mend="Correct it at that place.") from None
    if not isinstance(content, dict):
        raise ConfigError("The file holds no entries", where=str(path), mend="Compare it with the ones beside it.")
    return content


def _known(entry: Mapping[str, Any], keys: set[str], where: str) -> None:
    for key in entry:
        if key not in keys:
            raise ConfigError(f"The key {key!r} means nothing", where=where, mend=f"Use {', '.join(sorted(keys))}.")
