"""The metrics of the semantic layer, each with SQL that computes it from the published tables.

Read from the same yml files as MetricFlow reads (`dbt_project/models/semantic`), so a metric is defined once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_AGGREGATES = {"sum": "sum({})", "count": "count({})", "average": "avg({})", "min": "min({})", "max": "max({})"}
_DIMENSION = re.compile(r"\{\{\s*Dimension\('(?:[a-z_]+__)?([a-z_]+)'\)\s*\}\}")


@dataclass(frozen=True)
class Measure:
    """One aggregate over one model. `filters` are conditions on its columns, one per filtered simple metric."""

    model: str
    expression: str
    date_column: str
    dimensions: Mapping[str, str]


def list_metrics(folder: Path, schemas: Mapping[str, str]) -> list[dict[str, Any]]:
    """Every metric: name, label, description, the dates and dimensions that it can be grouped by, and its SQL.

    Args:
        folder: Where the yml files of the semantic layer are.
        schemas: Schema of each published table. The SQL is null for a metric over a table that is not published;
            `mart_kpis_daily` has its daily values then, if it is a KPI.
    """
    documents = [yaml.safe_load(path.read_text(encoding="utf-8")) or {} for path in sorted(folder.glob("*.yml"))]
    measures = {
        measure["name"]: _measure(semantic_model, measure)
        for document in documents
        for semantic_model in document.get("semantic_models", [])
        for measure in semantic_model.get("measures", [])
    }
    metrics = {metric["name"]: metric for document in documents for metric in document.get("metrics", [])}
    return [_described(metric, metrics, measures, schemas) for metric in metrics.values()]


def _described(
    metric: Mapping[str, Any],
    metrics: Mapping[str, Mapping[str, Any]],
    measures: Mapping[str, Measure],
    schemas: Mapping[str, str],
) -> dict[str, Any]:
    parts = _parts(metric)
    used = [measures[metrics[part]["type_params"]["measure"]] for part in parts]
    shared = set.intersection(*(set(measure.dimensions) for measure in used)) if used else set()
    return {
        "name": metric["name"],
        "label": metric.get("label"),
        "description": " ".join(str(metric.get("description", "")).split()),
        "kind": metric["type"],
        "parts": parts if metric["type"] == "ratio" else [],
        "tables": sorted({f"{schemas[measure.model]}.{measure.model}" for measure in used if measure.model in schemas}),
        "date_columns": sorted({measure.date_column for measure in used}),
        "group_by_columns": sorted({used[0].dimensions[name] for name in shared}) if used else [],
        "sql": _sql(metric, metrics, measures, schemas),
    }


def _parts(metric: Mapping[str, Any]) -> list[str]:
    if metric["type"] == "simple":
        return [metric["name"]]
    if metric["type"] == "ratio":
        return [_name(metric["type_params"][side]) for side in ("numerator", "denominator")]
    return []


def _name(reference: Any) -> str:
    return reference["name"] if isinstance(reference, dict) else str(reference)


def _measure(semantic_model: Mapping[str, Any], measure: Mapping[str, Any]) -> Measure:
    dimensions = {item["name"]: item.get("expr", item["name"]) for item in semantic_model.get("dimensions", [])}
    date_name = measure.get("agg_time_dimension") or semantic_model["defaults"]["agg_time_dimension"]
    return Measure(
        semantic_model["model"].removeprefix("ref('").removesuffix("')"),
        _AGGREGATES[measure["agg"]].format(measure.get("expr", measure["name"])),
        dimensions[date_name],
        {name: column for name, column in dimensions.items() if name != date_name},
    )


def _sql(
    metric: Mapping[str, Any],
    metrics: Mapping[str, Mapping[str, Any]],
    measures: Mapping[str, Measure],
    schemas: Mapping[str, str],
) -> str | None:
    selects = []
    for part in _parts(metric):
        measure = measures[metrics[part]["type_params"]["measure"]]
        if measure.model not in schemas:
            return None
        condition = _DIMENSION.sub(
            lambda match, measure=measure: measure.dimensions[match[1]],  # type: ignore[misc]
            str(metrics[part].get("filter", "")),
        )
        where = f" where {condition}" if condition else ""
        selects.append(f"select {measure.expression} from {schemas[measure.model]}.{measure.model}{where}")
    if metric["type"] == "simple":
        return selects[0].replace(" from ", f" as {metric['name']} from ", 1)
    if metric["type"] == "ratio":
        return f"select ({selects[0]}) / nullif(({selects[1]}), 0) as {metric['name']}"
    return None
