"""Measures speed and memory on generated logs and prints a report. Nothing here gates anything.

python -m tests.benchmarks [--requests 1000000 --requests 10000000] [--work FOLDER]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tests.benchmarks.generate import DAYS, write_config, write_logs

REPOSITORY = Path(__file__).resolve().parents[2]
END = date(2026, 10, 31)


@dataclass(frozen=True)
class Measured:
    """One stage in a process of its own: wall seconds, seconds of its core, peak memory of its largest process in GB."""

    wall_seconds: float
    core_seconds: float
    peak_gb: float
    facts: dict[str, float]


class Bench:
    """One home with its configuration and logs."""

    def __init__(self, work: Path, *, suffix: str) -> None:
        self.home, self.config, self.logs = work / "home", work / "config", work / "logs"
        self.suffix = suffix
        write_config(self.config, logs=self.logs, suffix=suffix)

    def run(self, stage: str, **environment: str) -> Measured:
        """Run one stage; its output is shown if it fails."""

        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.stages", stage],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "TOKENATLAS_HOME": str(self.home),
                "TOKENATLAS_CONFIG": str(self.config),
                "TOKENATLAS_NOW": f"{END + timedelta(days=2)}T06:00:00Z",
                "TOKENATLAS_MEMORY_LIMIT": "3GB",
                **environment,
            },
        )
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - began
        if process.returncode:
            raise SystemExit(f"{stage} failed:\n{output}")

        facts = json.loads(output.splitlines()[-1])
        return Measured(wall, facts["core_seconds"], usage.ru_maxrss / 1024**2, facts)


def measure(requests: int, work: Path) -> list[tuple[str, str]]:
    """All figures of one size, as (what, figure)."""
    rows: list[tuple[str, str]] = []

    def say(what: str, figure: str) -> None:
        rows.append((what, figure))
        print(f"  {what}: {figure}", flush=True)  # noqa: T201

    print(f"\n{requests:,} requests over {DAYS} days", flush=True)  # noqa: T201
    lines = Bench(work / "jsonl", suffix="jsonl.zst")
    write_logs(lines.logs, requests=requests, end=END, suffix="jsonl.zst")
    landed = lines.run("land")
    say(
        "JSON lines to lake",
        f"{landed.core_seconds:.1f} s, {landed.facts['rows'] / landed.core_seconds / 1e6:.2f} M rows/s, {landed.peak_gb:.1f} GB",
    )
    shutil.rmtree(work / "jsonl")

    parquet = Bench(work / "parquet", suffix="parquet")
    write_logs(parquet.logs, requests=requests, end=END, suffix="parquet")
    landed = parquet.run("land")
    say("Parquet to lake, prices included", f"{landed.wall_seconds:.1f} s, {landed.peak_gb:.1f} GB")
    built = parquet.run("build_models")
    say("models from the lake (dbt run)", f"{built.wall_seconds:.1f} s, {built.peak_gb:.1f} GB")
    say(
        "Parquet to finished marts",
        f"{landed.wall_seconds + built.wall_seconds:.1f} s, {max(landed.peak_gb, built.peak_gb):.1f} GB",
    )
    bare = parquet.run("bare_scan")
    priced = parquet.run("price_and_roll_up")
    say("bare scan and group (physical reference)", f"{bare.core_seconds:.2f} s")
    say(
        "price and roll up",
        f"{priced.core_seconds:.2f} s, {priced.core_seconds / bare.core_seconds:.1f}x of the bare scan and group",
    )
    per_request = priced.core_seconds / requests
    loop = parquet.run("genai_prices_loop")
    say(
        "genai-prices loop",
        f"{loop.facts['rows'] / loop.core_seconds:,.0f} rows/s, {loop.core_seconds / loop.facts['rows'] / per_request:,.0f}x slower per request",
    )
    if os.environ.get("BENCH_LITELLM_PYTHON"):
        loop = parquet.run("litellm_loop")
        say(
            "litellm loop",
            f"{loop.facts['rows'] / loop.core_seconds:,.0f} rows/s, {loop.core_seconds / loop.facts['rows'] / per_request:,.0f}x slower per request",
        )

    write_logs(parquet.logs / "next", requests=requests // DAYS, end=END + timedelta(days=1), suffix="parquet", days=1)
    for path in (parquet.logs / "next").glob("*.parquet"):
        path.rename(parquet.logs / f"next-{path.name}")
    one_more = [parquet.run("land"), parquet.run("build_models")]
    alone = Bench(work / "alone", suffix="parquet")
    write_logs(alone.logs, requests=requests // DAYS, end=END + timedelta(days=1), suffix="parquet", days=1)
    single = [alone.run("land"), alone.run("build_models")]
    more, once = (sum(stage.wall_seconds for stage in stages) for stages in (one_more, single))
    say(
        "one more day on a year",
        f"{more:.1f} s, {more / once:.2f}x of that day alone ({once:.1f} s), {max(stage.peak_gb for stage in one_more):.1f} GB",
    )
    full = parquet.run("build", DBT_FULL_REFRESH="true")
    say("full dbt build with its tests", f"{full.wall_seconds:.1f} s, {full.peak_gb:.1f} GB")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--requests", type=int, action="append", help="requests in the year; may be given several times"
    )
    parser.add_argument(
        "--work", type=Path, help="folder for the generated data (default: a temporary one, removed at the end)"
    )
    arguments = parser.parse_args()
    report = [f"# Benchmarks\n\nMade by `make bench` on {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores.\n"]
    for requests in arguments.requests or [1_000_000, 10_000_000]:
        with tempfile.TemporaryDirectory(dir=arguments.work, prefix="tokenatlas-bench-") as folder:
            rows = measure(requests, Path(folder))
        report.append(f"## {requests:,} requests over {DAYS} days\n\n| What | Figure |\n|---|---|")
        report.extend(f"| {what} | {figure} |" for what, figure in rows)
        report.append("")
    path = REPOSITORY / ".tokenatlas" / "bench" / "report.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(report))
    print(f"\nThe report is in {path.relative_to(REPOSITORY)}")  # noqa: T201


if __name__ == "__main__":
    main()
