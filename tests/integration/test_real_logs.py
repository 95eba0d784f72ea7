"""The example mappings on the real files: totals that were worked out another way."""

from __future__ import annotations

import gzip
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
import yaml

from ingestion.lake import Lake
from ingestion.logs import ImportResult, import_files, matching_files
from ingestion.logs.servegen import expand

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@dataclass(frozen=True)
class Source:
    """One entry of an example, its path replaced."""

    name: str
    table: str
    path: str
    format: str
    mapping: dict[str, Any]
    account_id: str = "acme"


@dataclass(frozen=True)
class Landed:
    """What an example landed."""

    result: ImportResult
    folder: Path

    def ask(self, columns: str, rest: str = "") -> list[tuple[Any, ...]]:
        """Query the landed requests."""
        return duckdb.sql(
            f"select {columns} from read_parquet('{self.folder}/*/requests/*/*.parquet') {rest}"
        ).fetchall()

    def counts(self) -> tuple[int, int, int, int]:
        """Rows received, admitted, quarantined, and filtered before."""
        loads = [file.load for file in self.result.landed if file.load is not None]
        return (
            sum(load.rows_received for load in loads),
            sum(load.rows_admitted for load in loads),
            sum(load.rows_quarantined for load in loads),
            sum(file.rows_filtered for file in self.result.landed),
        )


@pytest.fixture
def land(repository: Path, tmp_path: Path) -> Callable[..., Landed]:
    """Land a file, or the files of a glob, by an example."""

    def run(example: str, path: Path) -> Landed:
        text = (repository / "config" / "examples" / f"{example}.yml").read_text("utf-8")
        [(name, entry)] = yaml.safe_load(text)["sources"].items()
        source = Source(name, entry["table"], str(path), entry["format"], entry["mapping"])
        result = import_files(source, matching_files(source), Lake(tmp_path / "lake", lambda: NOW), NOW)
        result.raise_failures()
        assert result.landed
        return Landed(result, tmp_path / "lake")

    return run


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line, parse_float=Decimal)


def test_aider_events(land: Callable[..., Landed], shared_data: Path) -> None:
    """4,405 message_send events of 26,057, with the client's own cost to the last digit."""
    path = shared_data / "usage" / "aider_analytics_2024-08_2025-03.jsonl.gz"
    landed = land("aider", path)
    sends = [event["properties"] for event in _json_lines(path) if event["event"] == "message_send"]
    assert landed.counts() == (4_405, 4_405, 0, 26_057 - 4_405)
    [(prompt, completion, total, free)] = landed.ask(
        "sum(uncached_input_tokens), sum(output_tokens), sum(reported_total_tokens), "
        "count(*) filter (cast(reported_cost_usd as double) = 0)"
    )
    assert (prompt, free) == (53_979_510, 463)
    assert completion == sum(send["completion_tokens"] for send in sends)
    assert total == prompt + completion
    costs = [Decimal(cost) for (cost,) in landed.ask("reported_cost_usd")]
    assert sum(costs) == sum(Decimal(send["cost"]) for send in sends)
    assert round(sum(costs), 2) == Decimal("156.54")


def test_azure_trace(land: Callable[..., Landed], shared_data: Path) -> None:
    """Instants without a zone, to the hundred nanoseconds; totals as the columns add up."""
    path = shared_data / "usage" / "azure_llm_2023_code.parquet"
    landed = land("azure_2023", path)
    table = pq.read_table(path)
    assert landed.counts() == (8_819, 8_819, 0, 0)
    [(tokens_in, tokens_out, first, feature)] = landed.ask(
        "sum(uncached_input_tokens), sum(output_tokens), min(started_at)::varchar, any_value(feature)"
    )
    assert (tokens_in, tokens_out) == (
        sum(table["ContextTokens"].to_pylist()),
        sum(table["GeneratedTokens"].to_pylist()),
    )
    assert (first[:25], feature) == ("2023-11-16 18:17:03.97996", "code-completion")


def test_mooncake_prefixes_are_cache_reads(land: Callable[..., Landed], shared_data: Path) -> None:
    """Blocks of 512 tokens at the start of a prompt that an earlier row has had."""
    path = shared_data / "usage" / "mooncake_conversation.parquet"
    landed = land("mooncake", path)
    seen: set[int] = set()
    cached = total = 0
    for row in pq.read_table(path).to_pylist():
        blocks = row["hash_ids"]
        known = next((place for place, block in enumerate(blocks) if block not in seen), len(blocks))
        cached += min(512 * known, row["input_length"])
        total += row["input_length"]
        seen.update(blocks)
    assert landed.counts() == (12_031, 12_031, 0, 0)
    [(read, uncached)] = landed.ask("sum(cache_read_tokens), sum(uncached_input_tokens)")
    assert (read, uncached) == (cached, total - cached)
    assert cached > 50_000_000


def test_mooncake_prefixes_are_named_by_the_last_block_that_is_shared(
    land: Callable[..., Landed], shared_data: Path
) -> None:
    """The leading blocks that another prompt has too: equal names are equal blocks, and the length is theirs."""
    path = shared_data / "usage" / "mooncake_conversation.parquet"
    landed = land("mooncake", path)
    rows = pq.read_table(path).to_pylist()
    holders = Counter(block for row in rows for block in row["hash_ids"])
    shared = [list(itertools.takewhile(lambda block: holders[block] > 1, row["hash_ids"])) for row in rows]
    found = landed.ask("prefix_hash, prefix_tokens, prompt_hash", "order by file_line")
    lengths = [min(512 * len(blocks), row["input_length"]) or None for blocks, row in zip(shared, rows, strict=True)]
    assert [tokens for _, tokens, _ in found] == lengths
    names = {(blocks[-1], name) for blocks, (name, _, _) in zip(shared, found, strict=True) if blocks}
    assert len(names) == len({block for block, _ in names}) == len({name for _, name in names})
    prompts = {(tuple(row["hash_ids"]), row["input_length"]) for row in rows}
    assert len({prompt for _, _, prompt in found}) == len(prompts) < len(rows)


def test_servegen_tenants(land: Callable[..., Landed], shared_data: Path, tmp_path: Path) -> None:
    """Requests of each client as its rates add up; mean length as its distributions say; usage unknown without one."""
    trace = shared_data / "usage" / "servegen_m-small_trace.parquet"
    dataset = shared_data / "usage" / "servegen_m-small_dataset.parquet"
    count = expand(trace, dataset, tmp_path / "requests.parquet", seed=7, share=0.0001)
    landed = land("servegen", tmp_path / "requests.parquet")
    rates = duckdb.sql(f"select client_id, sum(rate) * 600 * 0.0001 from '{trace}' group by 1").fetchall()
    expected = {str(client): requests for client, requests in rates}
    drawn = dict(landed.ask("customer_id, count(*)", "group by 1"))
    assert landed.counts() == (count, count, 0, 0)
    assert count == pytest.approx(sum(expected.values()), rel=0.01)
    assert all(
        drawn[client] == pytest.approx(requests, rel=0.05) for client, requests in expected.items() if requests > 2_000
    )
    [(known, tokens)] = landed.ask("count(uncached_input_tokens), sum(uncached_input_tokens)")
    # Of 142,056 requests 61,355 have a distribution, whose means make 7,342,285 prompt tokens.
    assert known == pytest.approx(61_355, rel=0.02)
    assert tokens == pytest.approx(7_342_285, rel=0.03)


def test_provider_answers(land: Callable[..., Landed], shared_data: Path) -> None:
    """Some thirty endpoints' ways of counting, each checked against a reading of its own of the file."""
    landed = land("provider_answers", shared_data / "responses" / "provider_usage_pydantic_ai_a.jsonl.gz")
    # One line makes a cache. Refused: one answer with more reasoning than output, one with the instant 0.
    assert landed.counts() == (1_019, 1_017, 2, 1)
    assert landed.result.files[0].refusals == {
        "The parts of output_tokens exceed it.": 1,
        "started_at is before the year 2015.": 1,
    }
    columns = "sum(uncached_input_tokens), sum(cache_read_tokens), sum(cache_write_5m_tokens), sum(output_tokens)"
    totals = {name: rest for name, *rest in landed.ask(f"provider_name, count(*), {columns}", "group by 1")}
    assert totals == {
        "openai": [296, 224_115, 122_072, 12_442, 68_417],
        "google": [271, 146_411, 8_047, 0, 86_810],
        "anthropic": [154, 2_000_413, 121_870, 66_268, 22_039],
        "aws": [127, 81_326, 17_310, 8_478, 10_380],
        "groq": [46, 31_979, 256, 0, 5_884],
        "openrouter": [41, 17_773, 12_714, 10_315, 3_385],
        "mistral": [29, 6_480, 478, 0, 1_146],
        "cohere": [10, 276, 0, 0, 157],
        "deepseek": [10, 708, 1_664, 0, 555],
        "huggingface": [8, 2_142, 0, 0, 1_600],
        "localhost": [5, 54, 0, 0, 168],
        "zai": [5, 79, 0, 0, 1_298],
        "snowflake": [5, 1_988, 0, 0, 143],
        "cerebras": [5, 125, 0, 0, 538],
        "crusoe": [2, 66, 0, 0, 132],
        "voyageai": [2, 6, 0, 0, 0],
        "azure": [1, 18, 0, 0, 16],
    }
    # Streams of groq that ended without usage are unknown, not zero.
    assert landed.ask("count(*)", "where output_tokens is null and provider_name = 'groq'") == [(2,)]


def test_openrouter_bills_keep_their_digits(land: Callable[..., Landed], shared_data: Path) -> None:
    """The router's own cost of each answer, as its JSON has it."""
    path = shared_data / "responses" / "provider_usage_pydantic_ai_a.jsonl.gz"
    landed = land("provider_answers", path)
    costs = landed.ask("reported_cost_usd", "where provider_name = 'openrouter' and reported_cost_usd is not null")
    own = [row["usage_events"][-1]["usage"].get("cost") for row in _json_lines(path) if row["host"] == "openrouter.ai"]
    # The refused answer was free: its 0 is the first in order.
    assert sorted(Decimal(cost) for (cost,) in costs) == sorted(Decimal(cost) for cost in own if cost is not None)[1:]


def test_no_answer_text_is_read_from_traces(land: Callable[..., Landed], shared_data: Path) -> None:
    """Ten traces of ten frameworks: 24 generations, the repeating span of the Vercel SDK left out."""
    landed = land("langfuse", shared_data / "traces" / "langfuse_*.trace.json.gz")
    observations = [
        observation
        for path in sorted((shared_data / "traces").glob("*.gz"))
        for observation in json.loads(gzip.decompress(path.read_bytes()))["observations"]
    ]
    kept = [o for o in observations if o["type"] == "GENERATION" and o["name"] != "ai.generateText"]
    assert landed.counts() == (len(kept), 24, 0, len(observations) - len(kept))
    [(tokens_in, tokens_out, unknown)] = landed.ask(
        "sum(uncached_input_tokens), sum(output_tokens), count(*) filter (output_tokens is null)"
    )
    usages = [o["usageDetails"] for o in kept]
    assert tokens_in == sum(usage.get("input", 0) for usage in usages) == 10_819
    assert tokens_out == sum(usage.get("output", 0) for usage in usages)
    assert unknown == sum(not usage for usage in usages) == 2
    assert landed.ask("distinct provider_name", "order by 1") == [("google",), ("openai",)]


@pytest.mark.parametrize(
    ("example", "pattern", "expected"),
    [
        # 100 + 200 + 300 + 50 + 80; 10 + 20 + 40 + 15 + 25; 25 + 50 + 0 + 5 + 10; 50 + 75 + 125 + 25 + 35
        ("claude_code", "ccusage_claude__*.jsonl", (5, 730, 110, 90, 310, Decimal("1.09"))),
        # (1000 - 250) + (2500 - 500); 250 + 500; 125 + 300
        ("codex", "ccusage_codex__*.jsonl", (2, 2_750, 750, None, 425, None)),
    ],
)
def test_session_logs_of_coding_agents(
    land: Callable[..., Landed], shared_data: Path, example: str, pattern: str, expected: tuple[Any, ...]
) -> None:
    """Input beside the cache for Claude, with the cache for Codex."""
    landed = land(example, shared_data / "usage" / pattern)
    [totals] = landed.ask(
        "count(*), sum(uncached_input_tokens), sum(cache_read_tokens), sum(cache_write_5m_tokens), sum(output_tokens), "
        "sum(cast(reported_cost_usd as decimal(18, 6)))"
    )
    assert totals == expected
