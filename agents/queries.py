"""Running one query of an agent in a process that ends with it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agents.engine import too_large, too_slow
from agents.errors import QueryFailedError, QueryLimitError, QueryRefusedError
from agents.limits import Limits
from ingestion.errors import TokenAtlasError

_ERRORS: dict[str, type[TokenAtlasError]] = {
    kind.__name__: kind for kind in (QueryRefusedError, QueryLimitError, QueryFailedError, TokenAtlasError)
}


def ask(file: Path, sql: str, row_limit: int, limits: Limits) -> dict[str, Any]:
    """Columns, rows, and whether something was cut; see `worker.run_query`.

    Raises:
        TokenAtlasError: the statement is refused, fails, or passes a limit; the message is fit for the agent.
    """
    if not 1 <= row_limit <= limits.rows:
        raise QueryRefusedError(
            f"row_limit is {row_limit}", mend=f"Ask for 1 to {limits.rows:,} rows; sum up in SQL if there are more."
        )
    if len(sql) > limits.statement_characters:
        raise QueryRefusedError(
            f"The statement has {len(sql):,} characters", mend=f"Keep it below {limits.statement_characters:,}."
        )
    task = json.dumps({"file": str(file.absolute()), "sql": sql, "rows": row_limit, "limits": asdict(limits)})
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-m", "agents.worker"],
            input=task.encode(),
            capture_output=True,
            check=False,
            env={},
            timeout=limits.startup_seconds + limits.seconds + limits.grace_seconds,
        )
    except subprocess.TimeoutExpired:
        raise too_slow(limits) from None
    if done.returncode != 0:
        raise _ended(done.returncode, done.stderr, limits)
    answer: dict[str, Any] = json.loads(done.stdout)
    if "error" in answer:
        error = answer["error"]
        raise _ERRORS.get(error["kind"], TokenAtlasError)(error["what"], where=error["where"], mend=error["mend"])
    result: dict[str, Any] = answer["answer"]
    return result


def _ended(code: int, stderr: bytes, limits: Limits) -> Exception:
    """What a process that died says: one that a limit killed says nothing, or that it could not allocate."""
    last_words = stderr.decode(errors="replace").strip()
    if code == -signal.SIGXCPU:
        return too_slow(limits)
    if code < 0 or "MemoryError" in last_words or "bad_alloc" in last_words or "allocat" in last_words:
        return too_large(limits)
    return RuntimeError(f"The query's process ended with {code}: {last_words}")
