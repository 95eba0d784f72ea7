"""Moments as SQL summed them, by group and metric."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import duckdb
import numpy as np

from optimization.intervals import student_quantile
from optimization.statistics import Estimate, Moments, ratio_variance

NOTHING = Estimate(None, None, None)
"""An estimate that cannot be made."""

MomentsOf = Mapping[str, Moments]
"""By metric."""


def read_moments(
    connection: duckdb.DuckDBPyConnection, table: str, keys: Sequence[str]
) -> dict[tuple[str, ...], dict[str, Moments]]:
    """Every group of a table of moments (see ``dbt_project/macros/moments.sql``) by its key, in order."""
    columns = ", ".join([*keys, "metric_name", "unit_count", "x", "y", "xx", "yy", "xy"])
    found: dict[tuple[str, ...], dict[str, Moments]] = defaultdict(dict)
    for row in connection.execute(f"select {columns} from {table} order by all").fetchall():
        found[row[: len(keys)]][row[len(keys)]] = Moments.of(*row[len(keys) + 1 :])
    return dict(found)


def score_estimate(moments: Moments) -> Estimate:
    """Mean of scores x of y requests by unit, within 0 and 1, by the delta method with Student's quantile."""
    if moments.y <= 0:
        return Estimate(None, None, None, units=int(moments.units), reason="no score")
    mean = float(moments.x / moments.y)
    if moments.units < 2:
        return Estimate(mean, None, None, units=int(moments.units), reason="a single unit")
    half = float(student_quantile(moments.units, 0.95) * np.sqrt(ratio_variance(moments)))
    return Estimate(mean, max(mean - half, 0.0), min(mean + half, 1.0), units=int(moments.units))
