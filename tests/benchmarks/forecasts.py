"""Times the forecast of a thousand daily series of two years, twelve months ahead, beside Prophet as it comes.

python -m tests.benchmarks.forecasts [--series 1000]

Selection over three cutoffs, every stored model, sample paths and their totals are included; landing is not. Prints a
report and gates nothing.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from forecasting.forecast import forecasts_of, path_maker
from forecasting.models.prophet_default import default_forecast
from forecasting.series import DailySeries
from forecasting.study import study_all

DAYS = 730
HORIZON_DAYS = 365
END = date(2026, 10, 31)
COMPARED_SERIES = 20


def made_up_series(count: int) -> Iterator[DailySeries]:
    """Daily costs that grow, halve on weekends, have a summer, bursts and steps, each in its own measure."""
    day = np.arange(DAYS)
    for number in range(count):
        rng = np.random.default_rng(number)
        level = rng.lognormal(3, 1) * (1 + rng.normal(0.5, 0.5) * day / DAYS)
        week = np.where((day % 7) >= 5, rng.uniform(0.3, 1.0), 1.0)
        year = 1 + rng.uniform(0, 0.3) * np.sin(2 * np.pi * day / 365.25)
        step = np.where(day > rng.integers(100, 2 * DAYS), rng.uniform(0.5, 2.0), 1.0)
        noise = np.exp(rng.normal(0, rng.uniform(0.05, 0.8), DAYS))
        costs = np.maximum(level, 0.1) * week * year * step * noise
        yield DailySeries(
            f"series-{number}",
            "series",
            str(number),
            END - timedelta(days=DAYS - 1),
            tuple(Decimal(f"{cost:.6f}") for cost in costs),
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=1000)
    count = parser.parse_args().series
    series = list(made_up_series(count))
    began = time.perf_counter()
    studies = study_all(series, {one.series_id: [END] for one in series}, HORIZON_DAYS)
    maker = path_maker(studies, seed=1)
    for study in studies:
        relative = maker.relative(study)
        for forecast in forecasts_of(study, relative):
            for days in (7, 30, 90, HORIZON_DAYS):
                np.quantile(forecast.totals(0, days - 1), (0.05, 0.1, 0.5, 0.9, 0.95))
    seconds = time.perf_counter() - began
    peak = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024**2
    began = time.perf_counter()
    for one in series[:COMPARED_SERIES]:
        default_forecast(one, END, HORIZON_DAYS, seed=1)
    each = (time.perf_counter() - began) / COMPARED_SERIES
    cores = os.cpu_count() or 1
    print(f"{count:,} series of {DAYS} days, {HORIZON_DAYS} days ahead, 3 cutoffs, {cores} cores: {seconds:.0f} s")  # noqa: T201
    print(f"  {seconds * cores / count / each:.1f}x the core time of one default Prophet ({each:.2f} s) a series")  # noqa: T201
    print(f"  about {peak:.1f} GB at most in the main and the largest other process")  # noqa: T201


if __name__ == "__main__":
    main()
