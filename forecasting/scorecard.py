"""How good forecasts were, from the tidy tables of a backtest: one row per model and horizon, over all series alike.

Errors of totals are pooled over the cutoffs of a series (sum of absolute errors / sum of actuals), and then the median
and the mean are taken over series, so that a long or dear series does not drown the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import numpy as np
import pandas as pd

from forecasting.models.experts import RUN_RATE, SEASONAL_NAIVE

SCORE_COLUMNS = [
    *("model_name", "horizon", "series_count", "total_count"),
    *("median_error_ratio", "mean_error_ratio", "bias_ratio", "day_wape_ratio", "mase"),
    *("total_coverage_80", "total_coverage_95", "day_coverage_80", "day_coverage_95", "pinball_ratio"),
    *("better_than_naive_ratio", "much_worse_than_naive_ratio", "skill_vs_naive", "skill_vs_run_rate"),
]

_LEVELS = ("q0.025", "q0.1", "q0.5", "q0.9", "q0.975")
_SAME = 1e-9
"""Relative difference below which two errors are the same: the series was constant, and there was nothing to win."""


def score_totals(totals: pd.DataFrame) -> pd.DataFrame:
    """One row per series, model and horizon of totals whose days are all known and sum to more than zero.

    ``error_ratio`` is the pooled absolute error of the total, ``bias_ratio`` the pooled signed one, ``pinball_ratio``
    the mean pinball loss over the five quantiles as a share of the actual total; ``covered_80`` and ``covered_95`` are
    shares of the cutoffs.
    """
    known = totals[totals["actual_total"].notna()].copy()
    known["error"] = (known["forecast_total"] - known["actual_total"]).abs()
    known["signed"] = known["forecast_total"] - known["actual_total"]
    known["pinball"] = np.mean([_pinball(known, level) for level in _LEVELS], axis=0)
    known["covered_80"] = _within(known["actual_total"], known["q0.1"], known["q0.9"])
    known["covered_95"] = _within(known["actual_total"], known["q0.025"], known["q0.975"])
    by_series = known.groupby(["series_id", "model_name", "horizon"], as_index=False).agg(
        error=("error", "sum"),
        signed=("signed", "sum"),
        pinball=("pinball", "sum"),
        actual=("actual_total", "sum"),
        covered_80=("covered_80", "mean"),
        covered_95=("covered_95", "mean"),
        total_count=("actual_total", "size"),
    )
    by_series = by_series[by_series["actual"] > 0]
    for name, summed in (("error_ratio", "error"), ("bias_ratio", "signed"), ("pinball_ratio", "pinball")):
        by_series[name] = by_series[summed] / by_series["actual"]
    return by_series.drop(columns=["error", "signed", "pinball"])


def _pinball(known: pd.DataFrame, column: str) -> np.ndarray:
    level = float(column[1:])
    error = (known["actual_total"] - known[column]).to_numpy(dtype=float)
    return np.maximum(level * error, (level - 1) * error)


def _within(actual: pd.Series, lower: pd.Series, upper: pd.Series) -> pd.Series:
    # Bounds that were rounded on their way through a file must not cost a constant series its coverage.
    slack = 1e-9 * actual.abs()
    return (actual >= lower - slack) & (actual <= upper + slack)


def score_days(
    predictions: pd.DataFrame, horizons: Iterable[int], scales: Mapping[tuple[str, date], float | None]
) -> pd.DataFrame:
    """One row per series, model and horizon: WAPE, MASE and coverage of the days up to the horizon."""
    known = predictions[predictions["actual"].notna()].copy()
    known["day"] = (pd.to_datetime(known["ds"]) - pd.to_datetime(known["cutoff_date"])).dt.days
    known["error"] = (known["forecast"] - known["actual"]).abs()
    known["covered_80"] = _within(known["actual"], known["lower_80"], known["upper_80"])
    known["covered_95"] = _within(known["actual"], known["lower_95"], known["upper_95"])
    scale = pd.Series(scales, dtype=float)
    keys = pd.MultiIndex.from_frame(known[["series_id", "cutoff_date"]])
    known["scaled"] = known["error"] / scale.reindex(keys).replace(0.0, np.nan).to_numpy()
    tables = []
    for horizon in horizons:
        by_series = (
            known[known["day"] <= horizon]
            .groupby(["series_id", "model_name"], as_index=False)
            .agg(
                error=("error", "sum"),
                actual=("actual", "sum"),
                day_covered_80=("covered_80", "mean"),
                day_covered_95=("covered_95", "mean"),
                mase=("scaled", "mean"),
            )
        )
        by_series["day_wape_ratio"] = (by_series["error"] / by_series["actual"]).where(by_series["actual"] > 0)
        tables.append(by_series.drop(columns=["error", "actual"]).assign(horizon=horizon))
    return pd.concat(tables, ignore_index=True)


def scorecard(
    predictions: pd.DataFrame, totals: pd.DataFrame, scales: Mapping[tuple[str, date], float | None]
) -> pd.DataFrame:
    """SCORE_COLUMNS for every model and horizon; NaN where nothing can be said, no row where no total can be scored."""
    scores = score_totals(totals)
    if scores.empty:
        return pd.DataFrame(columns=SCORE_COLUMNS)
    horizons = sorted(scores["horizon"].unique().tolist())
    days = score_days(predictions, horizons, scales)
    scores = scores.merge(days, on=["series_id", "model_name", "horizon"], how="left")
    for name, model in (("naive", SEASONAL_NAIVE), ("run_rate", RUN_RATE)):
        reference = scores[scores["model_name"] == model][["series_id", "horizon", "error_ratio"]]
        scores = scores.merge(reference, on=["series_id", "horizon"], how="left", suffixes=("", f"_{name}"))
    rows = [_row(group) for _, group in scores.groupby(["model_name", "horizon"])]
    return pd.DataFrame(rows, columns=SCORE_COLUMNS).sort_values(["horizon", "median_error_ratio"], ignore_index=True)


def _row(group: pd.DataFrame) -> list[object]:
    error, naive = group["error_ratio"], group["error_ratio_naive"]
    return [
        *(group["model_name"].iloc[0], group["horizon"].iloc[0], len(group), int(group["total_count"].sum())),
        *(error.median(), error.mean(), group["bias_ratio"].median(), group["day_wape_ratio"].median()),
        *(group["mase"].median(), group["covered_80"].mean(), group["covered_95"].mean()),
        *(group["day_covered_80"].mean(), group["day_covered_95"].mean(), group["pinball_ratio"].mean()),
        *((error < naive * (1 - _SAME)).mean(), (error > 1.1 * naive + 1e-12).mean()),
        *(_skill(error, naive), _skill(error, group["error_ratio_run_rate"])),
    ]


def _skill(error: pd.Series, reference: pd.Series) -> float:
    """1 - error / error of the reference, of the means over series."""
    mean = float(reference.mean())
    return 1 - float(error.mean()) / mean if mean > 0 else float("nan")
