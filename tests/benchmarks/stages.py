"""The measured stages, each a process of its own, so that its peak memory is its own: ``python -m tests.benchmarks.stages STAGE ARGS``.

A stage prints one JSON object: what it did, and the seconds of its core where the start of Python would drown it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb

from ingestion.config import FileSource, land_config, load_config
from ingestion.lake import Lake
from ingestion.logs import import_files, pending_files
from ingestion.prices.history import land_prices
from ingestion.settings import Settings

SAMPLE = 2_000


def land() -> dict[str, float]:
    """Land configuration, log files and prices, and write the index."""
    settings = Settings.from_environment()
    lake = Lake(settings.lake_path, settings.clock)
    config = load_config(settings)
    land_config(settings, lake)
    rows = 0
    began = time.perf_counter()
    for source in config.sources:
        if isinstance(source, FileSource):
            result = import_files(source, pending_files(source, lake), lake, settings.now)
            result.raise_failures()
            rows += sum(file.load.rows_admitted for file in result.files if file.load)
    seconds = time.perf_counter() - began
    lake.write_index(settings.index_path)
    land_prices(settings, lake)
    lake.write_index(settings.index_path)
    return {"rows": rows, "core_seconds": seconds}


def build() -> dict[str, float]:
    """The whole ``dbt build``, tests included."""
    return _dbt("build")


def build_models() -> dict[str, float]:
    """``dbt run``: the models without their tests."""
    return _dbt("run")


def _dbt(command: str) -> dict[str, float]:
    settings = Settings.from_environment()
    began = time.perf_counter()
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("dbt")),
            "--quiet",
            command,
            "--target-path",
            str(settings.home / "target"),
        ],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.stdout[-4000:])
    return {"core_seconds": time.perf_counter() - began}


def bare_scan() -> dict[str, float]:
    """The physical reference: DuckDB scans the landed Parquet, sums tokens and groups by day, model, feature, team."""
    return _best_of(
        _files(Settings.from_environment()),
        """
        select _day, model_name, feature, team, sum(uncached_input_tokens), sum(cache_read_tokens), sum(output_tokens)
        from {files} group by all
        """,
    )


def price_and_roll_up() -> dict[str, float]:
    """The same scan, with each row priced by its day's price row before it is grouped, as the models do."""
    settings = Settings.from_environment()
    return _best_of(
        _files(settings),
        """
        with prices as (select * from warehouse.core.dim_model_prices),
        grouped as (
            select
                requests._day, prices.price_id, requests.feature, requests.team,
                sum(uncached_input_tokens) as fresh, sum(cache_read_tokens) as cached, sum(output_tokens) as output,
                any_value(uncached_input_usd_per_mtok) as fresh_price, any_value(cache_read_usd_per_mtok) as cached_price,
                any_value(output_usd_per_mtok) as output_price
            from {files} as requests
            left join prices
                on requests.provider_name = prices.provider_name and requests.model_name = prices.model_name
                and requests._day = prices.usage_date
                and prices.service_tier = case when requests.service_tier = 'batch' then 'batch' else 'standard' end
                and coalesce(uncached_input_tokens, 0) + coalesce(cache_read_tokens, 0) >= prices.min_input_tokens
                and coalesce(uncached_input_tokens, 0) + coalesce(cache_read_tokens, 0) < coalesce(prices.max_input_tokens, 1e18::bigint)
            group by all
        )
        select _day, feature, team, price_id,
            fresh::decimal(12, 0) * fresh_price * 0.000001 + cached::decimal(12, 0) * cached_price * 0.000001
            + output::decimal(12, 0) * output_price * 0.000001
        from grouped
        """,
        warehouse=settings.warehouse_path,
    )


def genai_prices_loop() -> dict[str, float]:
    """``genai_prices.calc_price`` called for each row of a sample."""
    from genai_prices import Usage, calc_price

    rows = _sample(Settings.from_environment())
    began = time.perf_counter()
    total = Decimal(0)
    for model, day, fresh, cached, output in rows:
        total += calc_price(
            Usage(input_tokens=fresh + cached, cache_read_tokens=cached, output_tokens=output),
            model_ref=model,
            provider_id="openai",
            genai_request_timestamp=datetime.combine(day, datetime.min.time(), tzinfo=UTC),
        ).total_price
    return {"rows": len(rows), "core_seconds": time.perf_counter() - began, "total_usd": float(total)}


def litellm_loop() -> dict[str, float]:
    """``litellm.cost_per_token`` called for each row of a sample. Run by the Python of the benchmark's own environment."""
    script = Path(__file__).with_name("litellm_loop.py")
    rows = [
        [model, fresh + cached, cached, output]
        for model, _, fresh, cached, output in _sample(Settings.from_environment())
    ]
    done = subprocess.run(
        [os.environ["BENCH_LITELLM_PYTHON"], str(script)],
        input=json.dumps(rows),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _files(settings: Settings) -> str:
    with duckdb.connect() as connection:
        paths = connection.execute(
            f"select file_path from read_parquet('{settings.home}/lake_files.parquet') where table_name = 'requests'"
        ).fetchall()
    return "read_parquet([" + ", ".join(f"'{path}'" for (path,) in paths) + "])"


def _best_of(files: str, query: str, *, warehouse: Path | None = None, runs: int = 5) -> dict[str, float]:
    """Median seconds of some runs after one warm-up; the result is materialized."""
    with duckdb.connect() as connection:
        connection.execute("set threads = 2")
        connection.execute("set preserve_insertion_order = false")
        if warehouse:
            connection.execute(f"attach '{warehouse}' as warehouse (read_only)")
        seconds = []
        for _ in range(runs + 1):
            began = time.perf_counter()
            connection.execute(f"create or replace temp table result as {query.format(files=files)}")
            seconds.append(time.perf_counter() - began)
        return {"core_seconds": sorted(seconds[1:])[runs // 2]}


def _sample(settings: Settings) -> list[tuple[str, object, int, int, int]]:
    with duckdb.connect() as connection:
        return connection.execute(
            f"""
            select model_name, _day, uncached_input_tokens, cache_read_tokens, output_tokens
            from {_files(settings)} where service_tier <> 'batch' order by request_id limit {SAMPLE}
            """
        ).fetchall()


STAGES: dict[str, Callable[[], dict[str, float]]] = {
    stage.__name__: stage
    for stage in (land, build, build_models, bare_scan, price_and_roll_up, genai_prices_loop, litellm_loop)
}

if __name__ == "__main__":
    print(json.dumps(STAGES[sys.argv[1]]()))  # noqa: T201
