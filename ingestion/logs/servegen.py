"""ServeGen's rates and length distributions as single requests, to be read by ``config/examples/servegen.yml``.

ServeGen publishes no requests: for each client, requests per second in steps of ten minutes, and how long prompts
and answers were in windows of six hours. This draws requests from them. What is kept: how many requests each client
makes in each step, and how lengths are distributed. What is not: the bursts within a step (instants are uniform in
it), and which prompt had which answer (lengths are drawn independently). Clients without published lengths get none.

    python -m ingestion.logs.servegen TRACE.parquet DATASET.parquet OUT.parquet --share 0.0001 --seed 7
"""

from __future__ import annotations

import argparse
from pathlib import Path

import duckdb

from ingestion.logs.paths import literal

_STEP_SECONDS = 600
_WINDOW_SECONDS = 21_600
_FIELDS = {"input": ("input_tokens", "text_tokens"), "output": ("output_tokens",), "image": ("image_tokens",)}
"""``image_tokens`` is taken as the tokens of all images of a request."""


def expand(trace: Path, dataset: Path, out: Path, *, seed: int, share: float = 1.0) -> int:
    """Write one row a request: ``client_id, offset_seconds, input_tokens, output_tokens, image_tokens``.

    Args:
        trace, dataset: The two Parquet files of one ServeGen workload.
        seed: The same seed gives the same requests, in the same order.
        share: Which part of the requests to draw, above 0 and at most 1.
    Returns:
        The number of requests.
    Raises:
        ValueError: the share is out of range.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must be above 0 and at most 1, not {share}")
    with duckdb.connect() as connection:
        connection.execute(f"create view trace as from read_parquet({literal(str(trace))})")
        connection.execute(f"create view dataset as from read_parquet({literal(str(dataset))})")
        connection.execute(f"create table requests as {_requests_sql(seed, share)}")
        for name, fields in _FIELDS.items():
            connection.execute(f"create table {name}_lengths as {_lengths_sql(fields)}")
        connection.execute(f"copy ({_drawn_sql(seed)}) to {literal(str(out))} (format parquet, compression zstd)")
        row = connection.execute("select count(*) from requests").fetchone()
        return int(row[0]) if row else 0


def _requests_sql(seed: int, share: float) -> str:
    """Requests of a step: the expected number, its fraction rounded up by chance, so that sums stay true."""
    expected = f"rate * {_STEP_SECONDS} * {share}"
    chance = _uniform(f"'{seed}|n|' || client_id || '|' || timestamp")
    return f"""
        select client_id, timestamp as step, timestamp // {_WINDOW_SECONDS} * {_WINDOW_SECONDS} as window_start,
            unnest(range(cast(floor({expected} + {chance}) as bigint))) as number
        from trace where rate > 0
    """


def _lengths_sql(fields: tuple[str, ...]) -> str:
    """Each length with the cumulated probability of all shorter ones, per client and window."""
    names = ", ".join(map(literal, fields))
    return f"""
        with pairs as (
            select client_id, timestamp as window_start, unnest(regexp_extract_all(pdf, '\\d+: [-0-9.e]+')) as pair
            from dataset where field in ({names})
        ),
        lengths as (
            select client_id, window_start, cast(split_part(pair, ': ', 1) as bigint) as tokens,
                cast(split_part(pair, ': ', 2) as double) as probability
            from pairs
        )
        select client_id, window_start, tokens,
            coalesce(sum(probability) over (
                partition by client_id, window_start order by tokens
                rows between unbounded preceding and 1 preceding
            ), 0) as below
        from lengths
    """


def _drawn_sql(seed: int) -> str:
    """Of each kind a request gets the longest length whose shorter ones are together no more likely than its chance."""
    joins = " ".join(
        f"asof left join {name}_lengths as {name}s on r.client_id = {name}s.client_id "
        f"and r.window_start = {name}s.window_start and r.{name}_chance >= {name}s.below"
        for name in _FIELDS
    )
    chances = ", ".join(f"{_chance(seed, name)} as {name}_chance" for name in ("moment", *_FIELDS))
    return f"""
        select r.client_id, r.step + {_STEP_SECONDS} * r.moment_chance as offset_seconds,
            {", ".join(f"{name}s.tokens as {name}_tokens" for name in _FIELDS)}
        from (select *, {chances} from requests) as r {joins}
        order by offset_seconds, r.client_id, r.number
    """


def _chance(seed: int, purpose: str) -> str:
    return _uniform(f"'{seed}|{purpose}|' || client_id || '|' || step || '|' || number")


def _uniform(text_sql: str) -> str:
    """A number in [0, 1) that a text decides, the same in every version of DuckDB and on any number of threads."""
    return f"((md5_number_lower({text_sql}) >> 12) / {2.0**52})"


def main() -> None:
    """Read the command line and write the requests."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    for name in ("trace", "dataset", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--share", type=float, default=1.0)
    options = parser.parse_args()
    expand(options.trace, options.dataset, options.out, seed=options.seed, share=options.share)


if __name__ == "__main__":
    main()
