"""The logs that the company writes: a gateway's JSON lines and an SDK's CSV, with the planted troubles in them.

The gateway reports usage as OpenAI does (prompt tokens include what was cached), for every provider. The SDK logs
Anthropic calls with disjoint tokens, and does not know which key was used. Both log hashes of prompts, never prompts.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from sandbox import company
from sandbox.draws import Flags, Ints
from sandbox.prompts import ANTHROPIC_WORDS
from sandbox.troubles import BROKEN_KINDS, Troubles

_LINES_AT_ONCE = 100_000

_LINE_KINDS = pa.array(["request", "duplicate", *(f"broken_{kind}" for kind in BROKEN_KINDS)])

LINE_SCHEMA = pa.schema(
    [
        ("source_name", pa.string()),
        ("file_name", pa.string()),
        ("file_line", pa.int64()),
        ("request_id", pa.string()),
        ("line_kind", pa.string()),
    ]
)
"""What each written line is: ``request``, ``duplicate`` or ``broken_<kind>``; ``file_line`` counts from 1, headers
included."""

_GATEWAY_LINES = """
    select cast(to_json({
        'id': gateway_log_id,
        'ts': strftime(logged_at, '%Y-%m-%dT%H:%M:%S.%gZ'),
        'latency_ms': duration_ms,
        'status': status_code,
        'error': error_type,
        'attempt': attempt_number,
        'stream': is_streaming,
        'finish_reason': finish_reason,
        'provider': provider_name,
        'operation': operation_name,
        'service': case when is_missing_service then null else service_name end,
        'upstream': {
            'response_id': case when has_logged_response_id then response_id end,
            'model': logged_model_name,
            'service_tier': case service_tier when 'standard' then 'default' else service_tier end,
            'account': account_id,
            'project': project_id,
            'api_key_id': api_key_id
        },
        'usage': case when is_usage_logged and is_metered then {
            'prompt_tokens': uncached_input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens
                + audio_input_tokens,
            'completion_tokens': output_tokens + audio_output_tokens,
            'total_tokens': total_tokens,
            'prompt_tokens_details': {
                'cached_tokens': cache_read_tokens,
                'cache_write_tokens': cache_write_5m_tokens + cache_write_1h_tokens,
                'cache_write_1h_tokens': cache_write_1h_tokens,
                'audio_tokens': audio_input_tokens
            },
            'completion_tokens_details': {
                'reasoning_tokens': of_which_reasoning_tokens,
                'audio_tokens': audio_output_tokens
            },
            'web_search_calls': web_search_requests
        } end,
        'hashes': {'prompt_sha': prompt_hash, 'prefix_sha': prefix_hash, 'prefix_tokens': prefix_tokens},
        'trace': {'trace_id': trace_id, 'span_id': span_id, 'session_id': session_id},
        'tags': {
            'team': tag_team,
            'feature': tag_feature,
            'env': tag_environment,
            'customer': customer_id,
            'prompt': prompt_name,
            'prompt_version': prompt_version,
            'experiment': experiment_id,
            'variant': variant
        }
    }) as varchar) as line
    from tagged order by row_index
"""

SDK_COLUMNS = {
    "call_id": "sdk_log_id",
    "started_at": "strftime(logged_at, '%Y-%m-%d %H:%M:%S.%g+00:00')",
    "duration_ms": "duration_ms",
    "http_status": "status_code",
    "error_type": "error_type",
    "message_id": "response_id",
    "trace_id": "trace_id",
    "span_id": "span_id",
    "session_id": "session_id",
    "workspace": "coalesce(project_id, 'default')",
    "model": "logged_model_name",
    "service_tier": "service_tier",
    "service": "service_name",
    "input_tokens": "case when is_metered then uncached_input_tokens end",
    "cache_read_input_tokens": "case when is_metered then cache_read_tokens end",
    "cache_creation_5m_tokens": "case when is_metered then cache_write_5m_tokens end",
    "cache_creation_1h_tokens": "case when is_metered then cache_write_1h_tokens end",
    "output_tokens": "case when is_metered then output_tokens end",
    "thinking_tokens": "case when is_metered then of_which_reasoning_tokens end",
    "web_search_requests": "case when is_metered then web_search_requests end",
    "team": "tag_team",
    "feature": "tag_feature",
    "environment": "tag_environment",
    "customer_id": "customer_id",
    "prompt_name": "prompt_name",
    "prompt_version": "prompt_version",
    "experiment_id": "experiment_id",
    "variant": "variant",
    "stop_reason": "case finish_reason "
    + " ".join(f"when '{ours}' then '{theirs}'" for ours, theirs in ANTHROPIC_WORDS.items())
    + " end",
    "prompt_sha": "prompt_hash",
    "prefix_sha": "prefix_hash",
    "prefix_tokens": "prefix_tokens",
    "attempt": "attempt_number",
    "stream": "is_streaming",
}
"""Columns of the SDK's CSV, and where each comes from. No value holds a comma or a quote."""

_SDK_LINES = (
    "select concat_ws(',', "
    + ", ".join(f"coalesce(cast({value} as varchar), '')" for value in SDK_COLUMNS.values())
    + ") as line from tagged order by row_index"
)

_TAGGED = """
    select
        truth.* replace (cast(started_at as timestamptz) at time zone 'UTC' as started_at),
        row_number() over () as row_index,
        cast(started_at as timestamptz) at time zone 'UTC' + to_milliseconds(skew_ms) as logged_at,
        case
            when is_missing_tag then null
            when is_misspelled_tag then tags.misspelled_team
            when is_wrong_tag then tags.wrong_team
            else truth.team
        end as tag_team,
        case
            when is_missing_tag then null
            when is_misspelled_tag then replace(truth.feature, '-', '_')
            when is_wrong_tag then tags.wrong_feature
            else truth.feature
        end as tag_feature,
        case when is_missing_environment then null else truth.environment end as tag_environment
    from truth
    left join tags on truth.feature = tags.feature
"""


def _tag_table() -> pa.Table:
    misspelled = {team.team: team.misspelled for team in company.TEAMS}
    features = company.FEATURES
    others = [
        next(other for other in features[index + 1 :] + features if other.team != feature.team)
        for index, feature in enumerate(features)
    ]
    return pa.table(
        {
            "feature": [feature.feature for feature in features],
            "misspelled_team": [misspelled[feature.team] for feature in features],
            "wrong_team": [other.team for other in others],
            "wrong_feature": [other.feature for other in others],
        }
    )


def write_logs(folder: Path, label: str, truth: pa.Table, troubles: Troubles) -> pa.Table:
    """Writes one gateway file and one SDK file for the requests of ``truth``, and returns what each line is.

    Args:
        folder: The company's inbox; files go to ``gateway/`` and ``sdk/`` below it.
        label: The days of the file as its name says them, such as ``2026-10-01--2026-10-31``.
    """
    gateway = _Log("gateway", "jsonl", _GATEWAY_LINES, (), _break_json)
    sdk = _Log("sdk", "csv", _SDK_LINES, tuple(SDK_COLUMNS), _break_csv)
    # A request that both sources log has its broken line in the gateway's file only.
    broken_in_sdk = np.where(troubles.is_in_gateway, -1, troubles.broken_kind)
    return pa.concat_tables(
        [
            *_write(
                folder, label, gateway, truth, troubles.is_in_gateway, troubles.gateway_duplicates, troubles.broken_kind
            ),
            *_write(folder, label, sdk, truth, troubles.is_in_sdk, troubles.sdk_duplicates, broken_in_sdk),
        ]
    )


@dataclass(frozen=True)
class _Log:
    """How one source writes its lines."""

    source_name: str
    suffix: str
    query: str
    header: tuple[str, ...]
    break_line: Callable[[str, str], str]


def _write(
    folder: Path, label: str, log: _Log, truth: pa.Table, is_logged: Flags, duplicates: Ints, broken: Ints
) -> Iterator[pa.Table]:
    """Writes one file, some lines at a time, and yields what they are."""
    path = folder / log.source_name / f"{log.source_name}-{label}.{log.suffix}.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    logged = np.flatnonzero(is_logged)
    # Equal lines give an equal file: the archive holds neither name nor time.
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 1, raw, mtime=0) as packed:
        line_count = 0
        if log.header:
            packed.write((",".join(log.header) + "\n").encode())
            line_count = 1
        for start in range(0, len(logged), _LINES_AT_ONCE):
            rows = logged[start : start + _LINES_AT_ONCE]
            picked = truth.take(pa.array(rows))
            texts = _render(picked, log.query)
            lines, kinds, origins = _with_troubles(texts, duplicates[rows], broken[rows], log.break_line)
            packed.write("".join(f"{line}\n" for line in lines).encode())
            yield pa.table(
                {
                    "source_name": [log.source_name] * len(lines),
                    "file_name": [path.name] * len(lines),
                    "file_line": np.arange(len(lines)) + 1 + line_count,
                    "request_id": picked["request_id"].combine_chunks().take(pa.array(origins)),
                    "line_kind": _LINE_KINDS.take(pa.array(kinds)),
                },
                schema=LINE_SCHEMA,
            )
            line_count += len(lines)


def _render(truth: pa.Table, query: str) -> list[str]:
    with duckdb.connect() as connection:
        connection.register("truth", truth)
        connection.register("tags", _tag_table())
        connection.execute(f"create temp view tagged as {_TAGGED}")
        lines: list[str] = connection.sql(query).to_arrow_table()["line"].to_pylist()
        return lines


def _with_troubles(
    texts: list[str], duplicates: Ints, broken: Ints, break_line: Callable[[str, str], str]
) -> tuple[list[str], Ints, Ints]:
    """Lines in file order, what kind each is, and which text it comes from."""
    repeated = np.flatnonzero(duplicates > 0)
    damaged = np.flatnonzero(broken >= 0)
    origins = np.concatenate([np.arange(len(texts)), repeated, damaged])
    # Half of the repeats follow at once, as a retry of the writer does; the others come with a later batch.
    positions = np.concatenate(
        [np.arange(len(texts)), repeated + np.where(repeated % 2 == 0, 0.4, 25.4), damaged + 0.6]
    )
    kinds = np.concatenate([np.zeros(len(texts)), np.ones(len(repeated)), 2 + broken[damaged]]).astype(np.int64)
    order = np.argsort(positions, kind="stable")
    origins, kinds = origins[order], kinds[order]
    lines = [texts[origin] for origin in origins]
    is_broken: Flags = kinds >= 2
    for position in np.flatnonzero(is_broken):
        lines[position] = break_line(lines[position], BROKEN_KINDS[kinds[position] - 2])
    return lines, kinds, origins


def _break_json(line: str, kind: str) -> str:
    if kind == "cut_off":
        return line[: len(line) * 3 // 5]
    entry: dict[str, Any] = json.loads(line)
    entry["id"] = entry["id"].replace("gw_", f"gw_{kind}_")
    if kind == "missing_id":
        del entry["id"]
        entry["upstream"]["response_id"] = None
    elif kind == "no_time_zone":
        entry["ts"] = entry["ts"].removesuffix("Z")
    elif kind == "future_time":
        entry["ts"] = str(int(entry["ts"][:4]) + 3) + entry["ts"][4:]
    else:
        entry["usage"] = entry["usage"] or {"prompt_tokens": 1}
        entry["usage"]["prompt_tokens"] = -17 if kind == "negative_tokens" else 10**15
    return json.dumps(entry, separators=(",", ":"))


def _break_csv(line: str, kind: str) -> str:
    cells = line.split(",")
    column = list(SDK_COLUMNS).index
    if kind == "cut_off":
        return ",".join(cells[: len(cells) // 3])
    cells[column("call_id")] = cells[column("call_id")].replace("sdk_", f"sdk_{kind}_")
    if kind == "missing_id":
        cells[column("call_id")] = cells[column("message_id")] = ""
    elif kind == "no_time_zone":
        cells[column("started_at")] = cells[column("started_at")].removesuffix("+00:00")
    elif kind == "future_time":
        cells[column("started_at")] = str(int(cells[column("started_at")][:4]) + 3) + cells[column("started_at")][4:]
    else:
        cells[column("input_tokens")] = "-17" if kind == "negative_tokens" else str(10**15)
    return ",".join(cells)
