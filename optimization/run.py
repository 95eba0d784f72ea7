"""Reads the facts, asks of each topic what they say, and lands the answers like any other source."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Protocol, TypeVar

import duckdb
import pyarrow as pa

from optimization import experiment_data, model_efficiency, prompt_revisions
from optimization.experiments import assess_experiments
from optimization.tables import EXPERIMENT_ARMS, EXPERIMENT_LOOKS, MODEL_EFFICIENCY, PROMPT_REVISIONS

SOURCE = "optimization"

_log = logging.getLogger(__name__)

LoadT_co = TypeVar("LoadT_co", covariant=True)


class OptimizationLake(Protocol[LoadT_co]):
    """What optimization needs of a lake."""

    def land(self, table: str, source: str, rows: pa.Table, *, account_id: str) -> LoadT_co:
        """Land one batch; a batch equal to the latest one of its table, source and account is skipped."""
        ...


@dataclass(frozen=True)
class Topic:
    """One question, such as which arm of an experiment is better.

    Attributes:
        streams: What it lands; see ``optimization.tables.SCHEMAS``.
        reads: Schema and name of each table of the warehouse that it reads.
        assess: Gives the rows of each of its streams as of the end of a day, from a read-only connection in UTC. Rows
            of a stream may be none, and are landed all the same, so that what has ended disappears.
    """

    name: str
    streams: tuple[str, ...]
    reads: tuple[tuple[str, str], ...]
    assess: Callable[[duckdb.DuckDBPyConnection, date], Mapping[str, pa.Table]]


TOPICS: tuple[Topic, ...] = (
    Topic("model efficiency", (MODEL_EFFICIENCY,), model_efficiency.READS, model_efficiency.assess),
    Topic("prompt revisions", (PROMPT_REVISIONS,), prompt_revisions.READS, prompt_revisions.assess),
    Topic("experiments", (EXPERIMENT_ARMS, EXPERIMENT_LOOKS), experiment_data.READS, assess_experiments),
)


def run_optimization(warehouse_path: Path, lake: OptimizationLake[LoadT_co], now: datetime) -> Iterator[LoadT_co]:
    """Assess every topic as of the last day of the ledger, and land the tables of each.

    The same warehouse gives the same rows, which the lake skips. Without a ledger nothing is landed.

    Args:
        warehouse_path: DuckDB file with the facts, opened read-only.
        now: Decides which days are past.
    Returns:
        The loads, one of each stream, as they are landed.
    """
    with closing(duckdb.connect(str(warehouse_path), read_only=True)) as connection:
        connection.execute("set timezone = 'UTC'")
        day = assessment_date(connection, now)
        if day is None:
            _log.warning("There is no day of spend yet: nothing to optimize")
            return
        for topic in TOPICS:
            answers = topic.assess(connection, day)
            for stream in topic.streams:
                # The lake compares a load with the latest one of its account: here each day is an account of its own.
                yield lake.land(stream, SOURCE, answers[stream], account_id=day.isoformat())


def assessment_date(connection: duckdb.DuckDBPyConnection, now: datetime) -> date | None:
    """The last day of the ledger that is not after today (UTC); None where the ledger is empty."""
    rows = connection.execute(
        "select max(usage_date) from core.fct_cost_ledger where usage_date <= ?", [now.astimezone(UTC).date()]
    ).fetchall()
    day: date | None = rows[0][0]
    return day
