"""Asks MetricFlow, in a process of its own: `python ask_metrics.py FOLDER < questions.json`.

FOLDER is a dbt project whose `target/semantic_manifest.json` is there. A question is a list of metrics and one of what
to group by; the answers are lists of rows, values as text, in the same order.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from dbt_metricflow.cli.cli_configuration import CLIConfiguration
from metricflow.engine.metricflow_engine import MetricFlowQueryRequest


def main() -> None:
    folder = Path(sys.argv[1])
    os.chdir(folder)
    questions = json.load(sys.stdin)
    # dbt prints what it does, and standard output is for the answers.
    answers_to = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    configuration = CLIConfiguration()
    configuration.setup(dbt_profiles_path=folder, dbt_project_path=folder)
    answers = [ask(configuration, metrics, group_by) for metrics, group_by in questions]
    json.dump(answers, answers_to)
    answers_to.close()


def ask(configuration: CLIConfiguration, metrics: list[str], group_by: list[str]) -> list[dict[str, Any]]:
    result = configuration.mf.query(MetricFlowQueryRequest.create(metric_names=metrics, group_by_names=group_by))
    table = result.result_df
    return [
        {name: None if value is None else str(value) for name, value in zip(table.column_names, row, strict=True)}
        for row in table.rows
    ]


if __name__ == "__main__":
    main()
