"""What a file of logs may look like as a whole.

Millions of rows are measured by DuckDB, every one of them, into a profile of one row; the suite is about the profile.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from ingestion.expectations.profiles import LARGE_BATCH_ROWS, TOKEN_COLUMNS
from ingestion.expectations.suites.vocabulary import Expectations, between, not_negative, present

EARLIEST = datetime.fromisoformat("2015-01-01T00:00:00+00:00")
"""Before any LLM API: an instant this old is a mapping that takes milliseconds for seconds."""
MOST_TOKENS = 1_000_000_000
MOST_QUARANTINED_RATIO = 0.95
FUTURE = timedelta(days=1)


def counts() -> Expectations:
    """Every row received is in one place; and a large file of which hardly a row was understood has a wrong mapping."""
    return (
        present("row_count")
        + not_negative("row_count", "rows_received", "rows_quarantined", "rows_duplicate")
        + between("rows_unaccounted", 0, 0)
        + between(f"quarantined_ratio_from_{LARGE_BATCH_ROWS}_rows", 0, MOST_QUARANTINED_RATIO)
        + between("distinct_source_names", 0, 1)
    )


def _none(*columns: str) -> Expectations:
    return [expectation for column in columns for expectation in between(column, 0, 0)]


def _requests() -> Expectations:
    tokens = [
        expectation
        for column in TOKEN_COLUMNS
        for expectation in between(f"min_{column}", 0) + between(f"max_{column}", None, MOST_TOKENS)
    ]
    return (
        counts()
        + _none(
            "rows_without_request_id",
            "rows_without_provider_name",
            "rows_without_model_name",
            "rows_without_operation_name",
            "rows_without_started_at",
            "rows_without_is_success",
            "rows_with_unreadable_cost",
        )
        + tokens
        + between("min_duration_seconds", 0)
        + between("min_status_code", 0, 999)
        + between("max_status_code", 0, 999)
        + between("min_started_at", EARLIEST)
        + between("distinct_provider_names", 0, 200)
    )


def _outcomes() -> Expectations:
    return (
        counts()
        + _none("rows_without_outcome_id", "rows_without_outcome_name", "rows_without_occurred_at")
        + _none("rows_without_any_link", "rows_with_unreadable_value")
        + between("min_quality_score", 0, 1)
        + between("max_quality_score", 0, 1)
        + between("min_occurred_at", EARLIEST)
    )


def _revenue() -> Expectations:
    return counts() + _none(
        "rows_without_revenue_id",
        "rows_without_customer_id",
        "rows_without_currency",
        "rows_with_unreadable_amount",
        "rows_ending_before_they_begin",
    )


SUITES: dict[str, Callable[[], Expectations]] = {"requests": _requests, "outcomes": _outcomes, "revenue": _revenue}
