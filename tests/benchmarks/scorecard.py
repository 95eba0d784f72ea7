"""Scores the shipped forecasts and alerts on the real series, and writes ``docs/forecast-scorecard.md``.

python -m tests.benchmarks.scorecard [--alerts-every DAYS] [--out FOLDER]

Every cutoff is one that nothing was tuned on (``real_series.held_out_origins``). Seeds are fixed: a second run writes the
same figures.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd

from forecasting.alert_backtest import LEVEL, RULES, ReplayedBudget, months_of, replay, score_alerts
from forecasting.backtest import Backtest, Origin, run_backtest
from forecasting.models.experts import SEASONAL_NAIVE
from forecasting.models.prophet_default import NAME as PROPHET_DEFAULT
from forecasting.scorecard import score_days, score_totals
from forecasting.study import SELECTED, STORED_MODELS
from tests.benchmarks.real_series import RealSeries, held_out_origins, load_real_series

SEED = 20260101
HORIZONS = (7, 30, 90)
MODELS = (*STORED_MODELS, PROPHET_DEFAULT)
METHODS = tuple(name for name in MODELS if name not in (SELECTED, "combination"))
"""The single methods that the shipped forecast is compared with."""

MOST_MONTHS = 12


def score_table(found: Backtest, groups: dict[str, str]) -> pd.DataFrame:
    """One row per group (and ``all``), horizon and model."""
    totals = score_totals(found.totals)
    totals = totals[totals["horizon"].isin(HORIZONS)]
    days = score_days(found.predictions, HORIZONS, found.scales)
    scores = totals.merge(days, on=["series_id", "model_name", "horizon"], how="left")
    scores["group"] = scores["series_id"].map(groups)
    naive = scores[scores["model_name"] == SEASONAL_NAIVE].set_index(["series_id", "horizon"])["error_ratio"]
    scores["naive"] = naive.reindex(pd.MultiIndex.from_frame(scores[["series_id", "horizon"]])).to_numpy()
    scores["beats"] = scores["error_ratio"] < scores["naive"] * (1 - 1e-9)
    scores["ties"] = (scores["error_ratio"] - scores["naive"]).abs() <= 1e-9 * scores["naive"] + 1e-12
    scores["worse"] = scores["error_ratio"] > 1.1 * scores["naive"] + 1e-12
    both = pd.concat([scores, scores.assign(group="all")])
    return both.groupby(["group", "horizon", "model_name"], as_index=False).agg(
        series=("series_id", "size"),
        totals=("total_count", "sum"),
        median_error=("error_ratio", "median"),
        mean_error=("error_ratio", "mean"),
        bias=("bias_ratio", "median"),
        mase=("mase", "median"),
        total_coverage_80=("covered_80", "mean"),
        total_coverage_95=("covered_95", "mean"),
        day_coverage_80=("day_covered_80", "mean"),
        day_coverage_95=("day_covered_95", "mean"),
        pinball=("pinball_ratio", "mean"),
        beats_naive=("beats", "mean"),
        ties_naive=("ties", "mean"),
        much_worse_than_naive=("worse", "mean"),
    )


@dataclass(frozen=True)
class Disturbance:
    """What is done to the last day that a forecast sees."""

    name: str
    factor: Decimal


DISTURBANCES = (Disturbance("last day 30 % complete", Decimal("0.3")), Disturbance("last day priced x50", Decimal(50)))


def last_origins(origins: Sequence[Origin]) -> list[Origin]:
    """The latest cutoff of each series."""
    return list({origin.series_id: origin for origin in sorted(origins, key=lambda one: one.cutoff)}.values())


def robustness(series: Sequence[RealSeries], origins: Sequence[Origin]) -> pd.DataFrame:
    """Error of 30-day totals with a disturbed last day, as a multiple of the error without, at each series' last cutoff.

    ``error_factor`` is the ratio of the mean errors, ``accuracy_lost`` the fall of 1 - mean error.
    """
    last = last_origins(origins)
    clean = _mean_errors(series, last)
    rows = []
    for disturbance in DISTURBANCES:
        by_id = {origin.series_id: origin for origin in last}
        disturbed = [
            replace(one, series=_disturbed(one, by_id[one.series.series_id].cutoff, disturbance.factor))
            for one in series
            if one.series.series_id in by_id
        ]
        errors = _mean_errors(disturbed, last)
        for model in clean.index:
            rows.append(
                {
                    "disturbance": disturbance.name,
                    "model_name": model,
                    "error_factor": errors[model] / clean[model],
                    "accuracy_lost": errors[model] - clean[model],
                }
            )
    return pd.DataFrame(rows)


def _disturbed(one: RealSeries, cutoff: date, factor: Decimal):  # type: ignore[no-untyped-def]
    costs = list(one.series.costs)
    costs[(cutoff - one.series.first_day).days] *= factor
    return replace(one.series, costs=tuple(costs))


def _mean_errors(series: Sequence[RealSeries], origins: Sequence[Origin]) -> pd.Series:
    wanted = {origin.series_id for origin in origins}
    chosen = [one.series for one in series if one.series.series_id in wanted]
    shorter = [replace(origin, horizon_days=min(origin.horizon_days, 30)) for origin in origins]
    totals = score_totals(run_backtest(chosen, shorter, seed=SEED).totals)
    # Bursty series have errors of any size; one of them must not stand for all.
    errors = totals[totals["horizon"] == 30].assign(error_ratio=lambda found: found["error_ratio"].clip(upper=1.0))
    return errors.groupby("model_name")["error_ratio"].mean()


# ---------------------------------------------------------------- the page


def markdown(frame: pd.DataFrame, formats: dict[str, str]) -> str:
    """A table of a frame's columns in the order of the formats; ``%`` is per cent."""
    lines = [f"| {' | '.join(formats)} |", f"|{'|'.join('---' for _ in formats)}|"]
    for _, row in frame.iterrows():
        lines.append(f"| {' | '.join(_cell(row[name], how) for name, how in formats.items())} |")
    return "\n".join(lines)


def _cell(value: object, how: str) -> str:
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return "-"
    if how == "%":
        return f"{100 * float(value):.1f} %"  # type: ignore[arg-type]
    return format(value, how) if how else str(value)


SCORE_FORMATS = {
    "model_name": "",
    "median_error": "%",
    "mean_error": "%",
    "bias": "%",
    "mase": ".2f",
    "total_coverage_80": "%",
    "total_coverage_95": "%",
    "day_coverage_80": "%",
    "pinball": "%",
    "beats_naive": "%",
    "ties_naive": "%",
    "much_worse_than_naive": "%",
}


def targets(scores: pd.DataFrame, robust: pd.DataFrame, alerts: pd.DataFrame | None) -> Iterator[tuple[str, str, str]]:
    """What the forecast is meant to reach, what it reached, and whether that is enough."""
    everything = scores[(scores["group"] == "all") & (scores["model_name"] == SELECTED)].set_index("horizon")
    month = everything.loc[30]
    beaten = month["beats_naive"] / (1 - month["ties_naive"])
    yield _target("30-day totals better than seasonal naive, of the series that differ", beaten, 0.70, 1.0)
    yield _target("30-day totals worse than 1.1x of it", month["much_worse_than_naive"], 0.0, 0.10)
    for group, horizon in _grouped(scores):
        here = scores[(scores["group"] == group) & (scores["horizon"] == horizon)].set_index("model_name")
        best = here.loc[list(METHODS), "median_error"]
        name = f"{group}, {horizon} days: median error at or below the best single method ({best.idxmin()})"
        yield _compared(name, here.loc[SELECTED, "median_error"], best.min())
    for horizon in (30, 90):
        here = scores[(scores["group"] == "all") & (scores["horizon"] == horizon)].set_index("model_name")
        best = here.loc[list(METHODS), "mean_error"]
        name = f"all, {horizon} days: mean error at or below the best single method ({best.idxmin()})"
        yield _compared(name, here.loc[SELECTED, "mean_error"], best.min())
    for horizon in HORIZONS:
        yield _target(
            f"80 % interval of {horizon}-day totals", everything.loc[horizon, "total_coverage_80"], 0.75, 0.85
        )
        yield _target(
            f"95 % interval of {horizon}-day totals", everything.loc[horizon, "total_coverage_95"], 0.92, 0.97
        )
    own = scores[(scores["group"] == "all") & (scores["horizon"] == 30)].set_index("model_name")["pinball"]
    yield _target(
        "pinball loss of 30-day totals, over that of Prophet's own paths",
        own[SELECTED] / own[PROPHET_DEFAULT],
        0,
        1 / 3,
    )
    shipped = robust[robust["model_name"] == SELECTED].set_index("disturbance")["accuracy_lost"]
    for disturbance, most in zip(DISTURBANCES, (0.05, 0.10), strict=True):
        yield _target(f"{disturbance.name}: accuracy lost", max(shipped[disturbance.name], 0.0), 0.0, most)
    if alerts is not None:
        ours = alerts[alerts["rule"] == RULES[0]].iloc[0]
        yield _target("alerts: precision", ours["precision"], 0.90, 1.0)
        yield _target("alerts: recall", ours["recall"], 0.90, 1.0)
        yield (
            "alerts: median lead, days",
            f"{ours['median_lead_days']:.0f} (at least 10)",
            _verdict(ours["median_lead_days"] >= 10),
        )


def _grouped(scores: pd.DataFrame) -> Iterator[tuple[str, int]]:
    for (group, horizon), _ in scores[scores["horizon"] > 7].groupby(["group", "horizon"]):
        if group != "all":
            yield str(group), int(horizon)


def _target(name: str, found: float, low: float, high: float) -> tuple[str, str, str]:
    wanted = f"at least {low:.0%}" if high == 1.0 else f"at most {high:.0%}" if low == 0 else f"{low:.0%} to {high:.0%}"
    return name, f"{found:.1%} ({wanted})", _verdict(low <= found <= high)


def _compared(name: str, found: float, best: float) -> tuple[str, str, str]:
    return name, f"{found:.1%} against {best:.1%}", _verdict(found <= best * 1.0005)


def _verdict(is_reached: bool) -> str:
    return "reached" if is_reached else "**missed**"


def alert_table(budgets: Sequence[ReplayedBudget]) -> pd.DataFrame:
    """One row per rule."""
    return pd.DataFrame(
        [
            {
                "rule": rule,
                "budgets": score.budget_count,
                "breaches": score.breach_count,
                "alarms": score.alarm_count,
                "precision": score.precision,
                "recall": score.recall,
                "median_lead_days": score.median_lead_days,
                "a week ahead": score.week_ahead_ratio,
            }
            for rule in RULES
            for score in [score_alerts(budgets, rule)]
        ]
    )


def replay_alerts(series: Sequence[RealSeries], every_days: int) -> list[ReplayedBudget]:
    """The last year of months of each real series, with a budget each."""
    chosen = [one.series for one in series]
    months = [month for one in chosen for month in months_of(one, most=MOST_MONTHS)]
    return replay(chosen, months, seed=SEED, every_days=every_days)


def page(
    series: Sequence[RealSeries],
    origins: Sequence[Origin],
    scores: pd.DataFrame,
    robust: pd.DataFrame,
    alerts: pd.DataFrame | None,
) -> str:
    """The whole page."""
    rows = "\n".join(f"| {name} | {found} | {verdict} |" for name, found, verdict in targets(scores, robust, alerts))
    counts = ", ".join(
        f"{sum(one.group == group for one in series)} of {group}"
        for group in dict.fromkeys(one.group for one in series)
    )
    parts = [
        _HEAD.format(series=len(series), counts=counts, origins=len(origins), level=LEVEL),
        "## Targets\n\n| target | found | |\n|---|---|---|\n" + rows,
    ]
    for group in (*dict.fromkeys(one.group for one in series), "all"):
        for horizon in HORIZONS:
            here = scores[(scores["group"] == group) & (scores["horizon"] == horizon)].sort_values("median_error")
            if len(here):
                count, totals = int(here["series"].max()), int(here["totals"].max())
                parts.append(
                    f"## {group}, {horizon} days: {count} series, {totals} totals\n\n{markdown(here, SCORE_FORMATS)}"
                )
    robust_formats = {"disturbance": "", "model_name": "", "error_factor": ".2f", "accuracy_lost": "%"}
    parts.append(f"## Robustness of 30-day totals\n\n{_ROBUST}\n\n{markdown(robust, robust_formats)}")
    if alerts is not None:
        formats = {
            "rule": "",
            "budgets": "",
            "breaches": "",
            "alarms": "",
            "precision": "%",
            "recall": "%",
            "median_lead_days": ".0f",
            "a week ahead": "%",
        }
        parts.append(f"## Alerts on month-budgets\n\n{_ALERTS.format(level=LEVEL)}\n\n{markdown(alerts, formats)}")
    return "\n\n".join(parts) + "\n"


_HEAD = """# Forecast scorecard

How right the shipped forecasts are on real series, at cutoffs that nothing was tuned or calibrated on. Made by `make scorecard`
(`python -m tests.benchmarks.scorecard`) from {series} daily series of third parties ({counts}) at {origins} cutoffs; the same
models on your own series: `tokenatlas backtest FILE.csv`. Errors are of the **total** over the horizon, pooled over the cutoffs of
a series; medians and means are over series. `selected` is what is shipped, `combination` the same with the common weights,
`prophet` the variant of Prophet that the series' own past prefers, `prophet_default` Prophet as it comes with its own intervals.
`pinball` is the mean pinball loss over five quantiles as a share of the actual total. Ties with seasonal naive are series that never
changed: there was nothing to win."""

_ROBUST = (
    "The mean error (each series' error counts at most as 100 %) with the last day disturbed, over the mean error without; and how "
    "much accuracy (1 - error) that costs."
)

_ALERTS = (
    "Each whole month of a series gets a budget of 1.2 times what the four weeks before would make of a month. An alarm is right if the "
    "month then passes its budget, and must come before that day. The level of {level:.0%} was chosen on half of these series."
)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--alerts-every", type=int, default=2, help="days between forecasts of the replay; 0: no alerts"
    )
    parser.add_argument("--out", type=Path, default=Path("docs"))
    options = parser.parse_args(arguments)
    series = load_real_series()
    origins = held_out_origins(series)
    found = run_backtest([one.series for one in series], origins, seed=SEED, with_default_prophet=True)
    scores = score_table(found, {one.series.series_id: one.group for one in series})
    robust = robustness(series, origins)
    alerts = alert_table(replay_alerts(series, options.alerts_every)) if options.alerts_every else None
    (options.out / "forecast-scorecard.md").write_text(page(series, origins, scores, robust, alerts), encoding="utf-8")
    scores.to_csv(options.out / "forecast-scorecard.csv", index=False, float_format="%.6g")


if __name__ == "__main__":
    main(sys.argv[1:])
