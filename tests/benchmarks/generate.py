"""Generated logs of a company with one provider, in a gateway's shape, written by DuckDB: a million lines take seconds."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb

MODELS = ("gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini", "o3", "o4-mini", "gpt-5-mini", "gpt-5-nano")
DAYS = 365

MAPPING = """
      request_id: id
      response_id: response_id
      started_at: ts
      duration_seconds: seconds
      provider_name: {constant: openai}
      project_id: project
      api_key_id: key
      model_name: model
      operation_name: {constant: chat}
      service_tier: tier
      service_name: service
      is_success: ok
      uncached_input_tokens: fresh_tokens
      cache_read_tokens: cached_tokens
      output_tokens: output_tokens
      team: team
      feature: feature
      environment: env
      customer_id: customer
"""


def rows_sql(first_row: int, rows: int, day: date) -> str:
    """A query that gives ``rows`` log rows of one day. Row numbers make every value, so the same call gives the same rows."""
    models = "[" + ", ".join(f"'{model}'" for model in MODELS) + "]"
    return f"""
        select
            'req-' || n as id,
            'resp-' || n as response_id,
            strftime(timestamp '{day}' + to_milliseconds((n * 7919) % 86400000), '%Y-%m-%dT%H:%M:%S.%gZ') as ts,
            round(0.4 + (n % 97) * 0.05, 3) as seconds,
            'proj_' || (n % 8) as project,
            'key_' || (n % 24) as key,
            {models}[(1 + hash(n) % {len(MODELS)})::bigint] as model,
            case when n % 50 = 0 then 'batch' else 'default' end as tier,
            'service-' || (n % 24) as service,
            n % 100 <> 7 as ok,
            (200 + hash(n * 3) % 6000)::bigint as fresh_tokens,
            case when n % 3 = 0 then (hash(n * 5) % 4000)::bigint else 0 end as cached_tokens,
            (20 + hash(n * 7) % 900)::bigint as output_tokens,
            'team-' || (n % 6) as team,
            'feature-' || (n % 24) as feature,
            case when n % 10 = 0 then 'dev' else 'prod' end as env,
            'cust-' || (hash(n * 11) % 400)::bigint as customer
        from (select unnest(range({first_row}, {first_row + rows})) as n)
    """


def write_logs(folder: Path, *, requests: int, end: date, suffix: str, days: int = DAYS) -> list[Path]:
    """One file for each month (Parquet) or day (JSON lines, zstd) over ``days`` days up to ``end``.

    Args:
        suffix: ``parquet`` or ``jsonl.zst``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    per_day = requests // days
    paths: list[Path] = []
    first = end - timedelta(days=days - 1)
    groups: dict[str, list[int]] = {}
    for index in range(days):
        day = first + timedelta(days=index)
        groups.setdefault(f"{day:%Y-%m}", []).append(index)
    with duckdb.connect() as connection:
        connection.execute("set threads = 2")
        for label, indexes in groups.items():
            query = " union all ".join(
                rows_sql(index * per_day, per_day, first + timedelta(days=index)) for index in indexes
            )
            path = folder / f"gateway-{label}.{suffix}"
            options = "format parquet, compression zstd" if suffix == "parquet" else "format json, compression zstd"
            connection.execute(f"copy ({query}) to '{path}' ({options})")
            paths.append(path)
    return paths


def write_config(folder: Path, *, logs: Path, suffix: str) -> None:
    """A configuration that reads the logs below ``logs`` and knows their teams and features."""
    folder.mkdir(parents=True, exist_ok=True)
    file_format = "parquet" if suffix == "parquet" else "jsonl"
    (folder / "sources.yml").write_text(
        "sources:\n  gateway:\n    type: files\n    table: requests\n    preference: 1\n    account_id: bench\n"
        f"    path: {logs}/*.{suffix}\n    format: {file_format}\n    mapping:{MAPPING}"
    )
    (folder / "teams.csv").write_text(
        "team,team_name,cost_center,owner_email,aliases\n" + "".join(f"team-{n},Team {n},,,\n" for n in range(6))
    )
    (folder / "features.csv").write_text(
        "feature,feature_name,team,aliases\n" + "".join(f"feature-{n},Feature {n},,\n" for n in range(24))
    )
