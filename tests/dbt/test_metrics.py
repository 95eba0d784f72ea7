"""The semantic layer answers as the marts do: MetricFlow computes each KPI anew, from facts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.metricflow import prepare_project
from tests.dbt.conftest import Project

QUESTIONS: dict[str, tuple[list[str], list[str]]] = {
    "cost_by_team": (["effective_cost"], ["metric_time__month", "ledger__team"]),
    "cost_by_feature": (["effective_cost"], ["owning_feature__feature_name"]),
    "waste": (["wasted_cost", "recoverable_cost"], ["metric_time__day", "waste_day__kind"]),
    "cache": (["cache_net_saving", "cache_missed_saving"], ["metric_time__day", "owning_feature"]),
    "cost_per_request|total": (["cost_per_request"], ["metric_time__day"]),
    "cost_per_request|team": (["cost_per_request"], ["metric_time__day", "owning_team"]),
    "cost_per_request|model": (["cost_per_request"], ["metric_time__day", "ledger__provider", "ledger__model"]),
    "cost_per_successful_outcome|total": (["cost_per_successful_outcome"], ["metric_time__day"]),
    "cost_per_successful_outcome|feature": (["cost_per_successful_outcome"], ["metric_time__day", "owning_feature"]),
    "cache_hit_ratio|total": (["cache_hit_ratio"], ["metric_time__day"]),
    "cache_hit_ratio|environment": (["cache_hit_ratio"], ["metric_time__day", "ledger__environment"]),
    "attribution_coverage|total": (["attribution_coverage"], ["metric_time__day"]),
    "model_efficiency|feature_model": (["model_efficiency"], ["metric_time__day", "scored_day__feature_model"]),
    "forecast_accuracy|horizon_days": (["forecast_accuracy"], ["metric_time__day", "kpi__dimension_value"]),
    "budget_burn_ratio|budget": (["budget_burn_ratio"], ["metric_time__day", "budget_assessment__budget"]),
    "headroom|budget_p50": (["headroom"], ["metric_time__day", "budget_assessment__budget"]),
}
WITH_VALUES = {"cost_per_request", "cost_per_successful_outcome", "cache_hit_ratio", "attribution_coverage"}

Row = Mapping[str, str | None]


@pytest.fixture(scope="module")
def answers(company: Project, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    """All questions to one process: its start costs more than they do."""
    folder = prepare_project(tmp_path_factory.mktemp("metricflow"), company.target)
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, str(Path(__file__).with_name("ask_metrics.py")), str(folder)],
        input=json.dumps(list(QUESTIONS.values())),
        env={**os.environ, "TOKENATLAS_HOME": str(company.home), "DBT_LOG_PATH": str(folder), "DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(zip(QUESTIONS, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("question", [name for name in QUESTIONS if "|" in name])
def test_a_kpi_asked_of_metricflow_is_that_of_the_mart(
    answers: dict[str, list[Row]], question: str, warehouse: duckdb.DuckDBPyConnection
) -> None:
    """Day by day and scope by scope: the same scopes have a value, and it is the same to twelve digits."""
    kpi, dimension = question.split("|")
    mart = {
        (day, scope): float(value)
        for day, scope, value in warehouse.execute(
            """
            select kpi_date, dimension_value, kpi_value from finops.mart_kpis_daily
            where kpi_name = ? and dimension_name = ? and kpi_value is not null
            """,
            [kpi, dimension],
        ).fetchall()
    }
    asked = {
        (date.fromisoformat(str(row["metric_time__day"])[:10]), _scope(row, kpi)): float(str(row[kpi]))
        for row in answers[question]
        if row[kpi] is not None
    }
    assert asked == pytest.approx(mart, rel=1e-9, abs=1e-12)
    assert mart or kpi not in WITH_VALUES, "the company has a value, or the test says nothing"


def test_costs_asked_of_metricflow_sum_to_the_ledger(
    answers: dict[str, list[Row]], warehouse: duckdb.DuckDBPyConnection
) -> None:
    """By team and month, and by the name of a feature that another table has; `mf` answers in doubles."""
    ((total,),) = warehouse.execute("select sum(effective_cost_usd) from core.fct_cost_ledger").fetchall()
    for question in ("cost_by_team", "cost_by_feature"):
        assert len(answers[question]) > 1
        assert sum(float(str(row["effective_cost"])) for row in answers[question]) == pytest.approx(float(total))
    teams = warehouse.execute("select team, sum(effective_cost_usd) from core.fct_cost_ledger group by all").fetchall()
    by_team = {row["ledger__team"]: float(str(row["effective_cost"])) for row in answers["cost_by_team"]}
    assert by_team == pytest.approx({team: float(cost) for team, cost in teams})


@pytest.mark.parametrize(
    ("question", "sql"),
    [
        (
            "waste",
            "select usage_date, waste_kind, sum(wasted_cost_usd), sum(recoverable_cost_usd) "
            "from finops.mart_waste_daily group by all",
        ),
        (
            "cache",
            "select usage_date, feature, sum(net_saving_usd), sum(missed_saving_usd) "
            "from finops.mart_cache_economics_daily group by all",
        ),
    ],
)
def test_savings_asked_of_metricflow_are_those_of_their_mart(
    answers: dict[str, list[Row]], question: str, sql: str, warehouse: duckdb.DuckDBPyConnection
) -> None:
    """Two values for each day and scope, null where the mart has null."""

    def rounded(value: object) -> float | None:
        return None if value is None else round(float(str(value)), 12)

    asked = {(str(row[0])[:10], row[1], rounded(row[2]), rounded(row[3])) for row in map(_values, answers[question])}
    mart = {(str(row[0]), row[1], rounded(row[2]), rounded(row[3])) for row in warehouse.execute(sql).fetchall()}
    assert asked == mart
    assert mart


def _values(row: Row) -> list[str | None]:
    return list(row.values())


def _scope(row: Row, kpi: str) -> str:
    """What was grouped by beside the day, as the mart writes it: a model has its provider before it."""
    return "/".join(str(value) for name, value in row.items() if name not in ("metric_time__day", kpi)) or "total"
