"""Requests drawn from ServeGen's rates and distributions."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.logs.servegen import expand


@pytest.fixture
def workload(tmp_path: Path) -> tuple[Path, Path]:
    """Client 1: 0.5 requests a second for ten minutes; client 2: 0.001, without lengths."""
    trace, dataset = tmp_path / "trace.parquet", tmp_path / "dataset.parquet"
    pq.write_table(pa.table({"client_id": [1, 1, 2], "timestamp": [0, 600, 0], "rate": [0.5, 0.0, 0.001]}), trace)
    pdfs = ["{10: 0.25, 1000: 0.75}", "{7: 1.0}"]
    fields = ["input_tokens", "output_tokens"]
    pq.write_table(pa.table({"client_id": [1, 1], "timestamp": [0, 0], "field": fields, "pdf": pdfs}), dataset)
    return trace, dataset


def test_counts_and_lengths_follow_the_published_ones(workload: tuple[Path, Path], tmp_path: Path) -> None:
    """600 s x 0.5 = 300 requests in the first step; a quarter of the prompts is short; no lengths, no usage."""
    count = expand(*workload, tmp_path / "out.parquet", seed=7)
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    first = [row for row in rows if row["client_id"] == 1]
    assert (len(first), len(rows)) == (300, count)
    assert all(0 <= row["offset_seconds"] < 600 for row in first)
    assert {row["input_tokens"] for row in first} == {10, 1000}
    assert 50 <= sum(row["input_tokens"] == 10 for row in first) <= 100
    assert {row["output_tokens"] for row in first} == {7}
    assert {row["input_tokens"] for row in rows if row["client_id"] == 2} <= {None}


def test_a_seed_gives_the_same_requests_again(workload: tuple[Path, Path], tmp_path: Path) -> None:
    """And another seed gives others."""
    tables = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        expand(*workload, tmp_path / name, seed=seed, share=0.5)
        tables.append(pq.read_table(tmp_path / name))
    assert tables[0].equals(tables[1])
    assert not tables[0].equals(tables[2])


def test_a_share_out_of_range_is_refused(workload: tuple[Path, Path], tmp_path: Path) -> None:
    """More than all cannot be drawn."""
    with pytest.raises(ValueError, match="share"):
        expand(*workload, tmp_path / "out.parquet", seed=1, share=1.5)
