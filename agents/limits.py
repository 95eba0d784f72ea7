"""How much one query may use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of one query. What passes one is ended or cut, and the answer says which and what to do.

    Attributes:
        rows: The most rows that an answer may hold.
        answer_bytes: The most bytes of JSON that the rows of an answer may take.
        seconds: Time until the query is interrupted.
        grace_seconds: Time from then until its process is killed. DuckDB looks for an interrupt between batches of
            rows only, and one call of a function can take minutes.
        startup_seconds: What the start of the process may take beside.
        memory_megabytes: What DuckDB may use for the query.
        process_megabytes: Address space of the query's process beyond that: the libraries, and what functions
            allocate without asking DuckDB's own accounts, such as `range(1, 3000000000)`.
        statement_characters: The longest statement.
        threads: Of DuckDB.
    """

    rows: int = 1_000
    answer_bytes: int = 200_000
    seconds: float = 20.0
    grace_seconds: float = 3.0
    startup_seconds: float = 5.0
    memory_megabytes: int = 1_024
    process_megabytes: int = 1_024
    statement_characters: int = 20_000
    threads: int = 2
