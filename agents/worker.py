"""The process in which one query runs: `python -m agents.worker`, a task as JSON in, an answer as JSON out.

A process of its own, because DuckDB's limits are not enough against a hostile statement: `range(1, 3000000000)`
allocates past its memory limit, and `levenshtein` of two long texts ignores an interrupt for minutes (both seen with
1.5.6). The operating system's limits hold, the server stays up, and the environment of this process is empty.
"""

from __future__ import annotations

import json
import math
import resource
import sys
import threading
import time
from pathlib import Path
from typing import Any

import duckdb

from agents.engine import connect_locked, too_large, too_slow
from agents.errors import QueryFailedError, QueryLimitError
from agents.limits import Limits
from agents.statements import check_statement
from agents.values import to_json
from ingestion.errors import TokenAtlasError

_FETCHED_ROWS = 256


def main() -> None:
    task = json.load(sys.stdin)
    limits = Limits(**task["limits"])
    _limit_process(limits)
    try:
        answer: dict[str, Any] = {"answer": run_query(Path(task["file"]), task["sql"], task["rows"], limits)}
    except TokenAtlasError as error:
        answer = {"error": {"kind": type(error).__name__, "what": error.what, "where": error.where, "mend": error.mend}}
    sys.stdout.write(json.dumps(answer, ensure_ascii=False, allow_nan=False))


def run_query(file: Path, sql: str, row_limit: int, limits: Limits) -> dict[str, Any]:
    """Checks the statement, runs it, and returns its columns and its first rows.

    Raises:
        QueryRefusedError: it is not one SELECT over published tables.
        QueryLimitError: it took too long or too much memory, or its first row is too large.
        QueryFailedError: DuckDB cannot run it.
    """
    with connect_locked(file, limits) as connection:
        timer = threading.Timer(limits.seconds, connection.interrupt)
        timer.daemon = True
        timer.start()
        started = time.monotonic()
        try:
            check_statement(connection, sql)
            result = connection.execute(sql)
            columns = [{"name": column[0], "type": str(column[1])} for column in result.description or []]
            rows, cut_by = _fetch(result, row_limit, limits)
            ((version,),) = connection.execute("select max(version) from main.publication").fetchall()
        except duckdb.InterruptException as error:
            raise too_slow(limits) from error
        except (duckdb.OutOfMemoryException, MemoryError) as error:
            raise too_large(limits) from error
        except duckdb.Error as error:
            raise QueryFailedError(
                f"DuckDB cannot run it: {error}", mend="list_tables with the table's name tells its columns and types."
            ) from error
        finally:
            timer.cancel()
    return {
        "columns": columns,
        "rows": rows,
        "row_count": len(rows),
        "cut_by": cut_by,
        "published_version": version,
        "seconds": round(time.monotonic() - started, 3),
    }


def _fetch(result: duckdb.DuckDBPyConnection, row_limit: int, limits: Limits) -> tuple[list[list[Any]], str | None]:
    """The rows that fit, and what kept the others out: `rows`, `bytes`, or None if there are no others."""
    rows: list[list[Any]] = []
    size = 0
    while batch := result.fetchmany(_FETCHED_ROWS):
        for values in batch:
            if len(rows) == row_limit:
                return rows, "rows"
            row = [to_json(value) for value in values]
            size += len(json.dumps(row, ensure_ascii=False).encode())
            if size > limits.answer_bytes:
                if not rows:
                    raise QueryLimitError(
                        f"One row of the answer is larger than {limits.answer_bytes:,} bytes",
                        mend="Select fewer or shorter columns.",
                    )
                return rows, "bytes"
            rows.append(row)
    return rows, None


def _limit_process(limits: Limits) -> None:
    """No file can be written, and memory and processor time end, whatever the statement does."""
    seconds = math.ceil((limits.startup_seconds + limits.seconds + limits.grace_seconds) * limits.threads)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        # Elsewhere address space is not limited, or counts what is only reserved.
        size = (limits.memory_megabytes + limits.process_megabytes) * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


if __name__ == "__main__":
    main()
