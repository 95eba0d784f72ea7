"""``backtest``: the shipped forecasts on any daily series, scored; without a file, on the project's own history."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from forecasting.errors import ForecastError
from ingestion.settings import Settings
from orchestration.console import console, share, table

if TYPE_CHECKING:
    from forecasting.backtest import Origin
    from forecasting.history import History
    from forecasting.series import DailySeries

_SHOWN = 5

_SCORE_NAMES = {
    "median_error_ratio": "median error",
    "mean_error_ratio": "mean error",
    "bias_ratio": "bias",
    "day_wape_ratio": "daily WAPE",
    "mase": "MASE",
    "total_coverage_80": "80 % holds",
    "total_coverage_95": "95 % holds",
    "pinball_ratio": "pinball",
    "better_than_naive_ratio": "beats naive",
    "much_worse_than_naive_ratio": "> 1.1x naive",
}


def run_backtest_command(
    file: Path | None,
    *,
    horizon_days: int,
    cutoffs: str,
    out: Path | None,
    totals_out: Path | None,
    fill_gaps: bool,
    compare: bool,
    seed: int,
) -> None:
    """Backtests, writes the tidy tables, and prints the scores.

    Raises:
        ForecastError: the file, the cutoffs or the history cannot be used; says which series and day.
    """
    from forecasting.backtest import run_backtest
    from forecasting.scorecard import scorecard
    from forecasting.series_files import read_series

    for path in (out, totals_out):
        _check_writable(path)
    series = read_series(file, fill_gaps=fill_gaps) if file is not None else own_history().series
    origins = _origins(cutoffs, series, horizon_days)
    what = f"{len(series):,} series, {len(origins):,} cutoffs"
    with console.status(f"Forecasting {what}"):
        found = run_backtest(series, origins, seed=seed, with_default_prophet=compare)
    for path, frame in ((out, found.predictions), (totals_out, found.totals)):
        if path is not None:
            write_table(path, frame)
            console.print(f"{len(frame):,} rows in {path}")
    scores = scorecard(found.predictions, found.totals, found.scales)
    if scores.empty:
        console.print(f"{what}. Nothing can be scored: no total is wholly known and above zero.")
        return
    print_scores(what, scores)


def own_history() -> History:
    """The history of the warehouse, up to the last day whose bill has settled."""
    from forecasting.history import read_history

    settings = Settings.from_environment()
    history = read_history(settings.warehouse_path, settings.now.astimezone(UTC).date())
    if history is None:
        raise ForecastError(
            "There is no settled day of spend to score",
            where=str(settings.warehouse_path),
            mend="Run `tokenatlas run` first, or give a file with series_id, ds and y.",
        )
    return history


def _origins(cutoffs: str, series: list[DailySeries], horizon_days: int) -> list[Origin]:
    from forecasting.backtest import rolling_origins
    from forecasting.series_files import read_origins

    if not cutoffs.isdigit() and Path(cutoffs).is_file():
        return read_origins(Path(cutoffs))
    if not cutoffs.isdigit() or int(cutoffs) == 0:
        raise ForecastError(
            "The cutoffs are neither a number above zero nor a file",
            where=f"--cutoffs {cutoffs!r}",
            mend="Write how many cutoffs each series has, such as 6, or the path of a CSV or .parquet file.",
        )
    origins = rolling_origins(series, count=int(cutoffs), horizon_days=horizon_days)
    if not origins:
        raise ForecastError(
            "Every series is too short to score: four weeks to learn from and one to be scored on are needed",
            mend="Give longer series.",
        )
    too_short = sorted({one.series_id for one in series} - {origin.series_id for origin in origins})
    if too_short:
        shown = ", ".join(too_short[:_SHOWN]) + (", ..." if len(too_short) > _SHOWN else "")
        console.print(f"{len(too_short):,} series are below five weeks and are not scored: {shown}")
    return origins


def _check_writable(path: Path | None) -> None:
    """Fails before the models run, not after: they may have taken minutes."""
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()
    except OSError as error:
        raise ForecastError(
            f"The predictions cannot be written: {error.strerror}",
            where=str(path),
            mend="Give a file in a folder that you may write to.",
        ) from error


def write_table(path: Path, frame: pd.DataFrame) -> None:
    """Writes a frame as Parquet or, for any other name, as CSV."""
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False)


def print_scores(what: str, scores: pd.DataFrame) -> None:
    """Prints the scores of each model at each horizon, the best median first."""
    from forecasting.backtest import TOTAL_HORIZONS

    shown = {*TOTAL_HORIZONS, scores["horizon"].max()}
    for horizon, rows in scores[scores["horizon"].isin(shown)].groupby("horizon"):
        cells = [
            [
                row["model_name"],
                *(f"{row[name]:.2f}" if name == "mase" else share(_known(row[name])) for name in _SCORE_NAMES),
            ]
            for _, row in rows.iterrows()
        ]
        series, totals = int(rows["series_count"].max()), int(rows["total_count"].max())
        title = f"Totals over {horizon} days ({series:,} series, {totals:,} totals)"
        console.print()
        console.print(table(title, ["model", *_SCORE_NAMES.values()], cells, right=range(1, 11)))
    console.print(
        f"\n{what}. Errors are of totals, pooled over the cutoffs of a series; medians and means over series."
    )


def _known(value: float) -> float | None:
    return None if pd.isna(value) else value
