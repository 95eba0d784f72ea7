"""The filters of a page: which columns each of them acts on, and hence which charts it leaves alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from dashboards.description import Chart, Dataset, Page
from dashboards.published import PublishedTables

DATE = "date"


@dataclass(frozen=True)
class Choice:
    """A filter whose values are picked from a list; ``source`` is the dataset whose column gives the list."""

    label: str
    column: str
    source: str


CHOICES = {
    "team": Choice("Team", "team", "finops.mart_spend_daily"),
    "feature": Choice("Feature", "feature", "finops.mart_spend_daily"),
    "environment": Choice("Environment", "environment", "finops.mart_spend_daily"),
    "provider": Choice("Provider", "provider_name", "finops.mart_spend_daily"),
    "model": Choice("Model", "model_id", "finops.mart_spend_daily"),
    "customer": Choice("Customer", "customer_id", "finops.mart_customer_margin_monthly"),
}


def acts_on(name: str, chart: Chart, dataset: Dataset, published: PublishedTables) -> bool:
    """Whether a filter of a page changes a chart of it.

    A chart may leave filters alone by ``ignores``: one that looks ahead has no use for past days.
    """
    if name in chart.options.get("ignores", []):
        return False
    if name == DATE:
        return dataset.date is not None
    return published.tables[dataset.table].has(CHOICES[name].column)


def native_filters(
    page: Page,
    charts: Sequence[Chart],
    chart_ids: Mapping[str, int],
    datasets: Mapping[str, Dataset],
    dataset_uuids: Mapping[str, str],
    published: PublishedTables,
    today: date | None,
) -> list[dict[str, Any]]:
    """The filters of one page as Superset keeps them, each with the charts that it leaves alone."""
    made = []
    for name in page.filters:
        if name != DATE and CHOICES[name].source not in dataset_uuids:
            continue
        excluded = [
            chart_ids[chart.name] for chart in charts if not acts_on(name, chart, datasets[chart.dataset], published)
        ]
        if len(excluded) == len(charts):
            continue
        made.append(
            {
                "id": f"NATIVE_FILTER-{page.name}-{name}",
                "type": "NATIVE_FILTER",
                "scope": {"rootPath": ["ROOT_ID"], "excluded": excluded},
                "cascadeParentIds": [],
                **(
                    _date_filter(page.days, published.last_date, today)
                    if name == DATE
                    else _choice_filter(CHOICES[name], dataset_uuids)
                ),
            }
        )
    return made


def _date_filter(days: int, last_date: date | None, today: date | None) -> dict[str, Any]:
    span = date_range(days, last_date, today)
    return {
        "name": "Date",
        "filterType": "filter_time",
        "targets": [{}],
        "controlValues": {"enableEmptyFilter": False},
        "defaultDataMask": {"extraFormData": {"time_range": span}, "filterState": {"value": span}},
    }


def date_range(days: int, last_date: date | None, today: date | None) -> str:
    """The default span: so many days up to the last one with spend, from the Monday before, so that weeks are whole.

    It moves with the calendar while data keeps arriving. It stands still for a home that has stopped, or whose clock
    is fixed (``today`` is None).
    """
    if last_date is None:
        return "No filter"
    if today is not None and (today - last_date).days <= 3:
        return f'DATETRUNC(DATEADD(DATETIME("today"), -{days}, DAY), WEEK) : DATEADD(DATETIME("today"), 1, DAY)'
    first = last_date - timedelta(days=days - 1)
    return f"{first - timedelta(days=first.weekday())} : {last_date + timedelta(days=1)}"


def _choice_filter(choice: Choice, dataset_uuids: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": choice.label,
        "filterType": "filter_select",
        "targets": [{"column": {"name": choice.column}, "datasetUuid": dataset_uuids[choice.source]}],
        "controlValues": {
            "multiSelect": True,
            "enableEmptyFilter": False,
            "defaultToFirstItem": False,
            "inverseSelection": False,
            "searchAllOptions": False,
        },
        "defaultDataMask": {"extraFormData": {}, "filterState": {}},
    }
