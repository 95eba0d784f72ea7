"""The profile of a batch of logs: one row that says everything its suite asks about, over all rows, exactly."""

from __future__ import annotations

from ingestion.errors import ContractError

LARGE_BATCH_ROWS = 100
"""From this size on, the share of quarantined rows says something about the mapping."""

TOKEN_COLUMNS = (
    "uncached_input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
    "image_input_tokens",
    "image_output_tokens",
    "of_which_reasoning_tokens",
    "prefix_tokens",
    "reported_total_tokens",
    "web_search_requests",
)


def profile_sql(
    table: str, admitted_sql: str, *, rows_received: int, rows_quarantined: int, rows_duplicate: int = 0
) -> str:
    """A query that gives the profile of a batch of ``requests``, ``outcomes`` or ``revenue``, in DuckDB's SQL.

    Args:
        admitted_sql: A query that gives the rows to be landed, with the columns of the table's record.
        rows_received: Lines or rows of the file.
    Raises:
        ContractError: the table has no profile.
    """
    if table not in _MEASURES:
        raise ContractError("only log streams have a profile", where=table)
    counts = {
        "row_count": "count(*)",
        "rows_received": str(rows_received),
        "rows_quarantined": str(rows_quarantined),
        "rows_duplicate": str(rows_duplicate),
        "rows_unaccounted": f"{rows_received} - count(*) - {rows_quarantined} - {rows_duplicate}",
        f"quarantined_ratio_from_{LARGE_BATCH_ROWS}_rows": (
            f"{rows_quarantined / rows_received:.6f}" if rows_received >= LARGE_BATCH_ROWS else "CAST(NULL AS DOUBLE)"
        ),
        "distinct_source_names": "count(DISTINCT source_name)",
    }
    measures = ",\n    ".join(f"{measure} AS {name}" for name, measure in (counts | _MEASURES[table]).items())
    return f"SELECT\n    {measures}\nFROM ({admitted_sql})"


def _absent(column: str) -> str:
    return f"count(*) FILTER (WHERE {column} IS NULL OR {column} = '')"


def _null(column: str) -> str:
    return f"count(*) FILTER (WHERE {column} IS NULL)"


def _unreadable(column: str) -> str:
    return f"count(*) FILTER (WHERE {column} IS NOT NULL AND TRY_CAST({column} AS DECIMAL(38, 18)) IS NULL)"


_MEASURES: dict[str, dict[str, str]] = {
    "requests": {
        **{
            f"rows_without_{name}": _absent(name)
            for name in ("request_id", "provider_name", "model_name", "operation_name")
        },
        **{f"rows_without_{name}": _null(name) for name in ("started_at", "is_success")},
        "rows_with_unreadable_cost": _unreadable("reported_cost_usd"),
        **{f"{end}_{name}": f"{end}({name})" for name in TOKEN_COLUMNS for end in ("min", "max")},
        "min_duration_seconds": "min(duration_seconds)",
        "min_status_code": "min(status_code)",
        "max_status_code": "max(status_code)",
        "min_started_at": "min(started_at)",
        "max_started_at": "max(started_at)",
        "distinct_provider_names": "count(DISTINCT provider_name)",
        "distinct_model_names": "count(DISTINCT model_name)",
        "failed_requests": "count(*) FILTER (WHERE NOT is_success)",
        "rows_without_usage": f"count(*) FILTER (WHERE {' AND '.join(f'{c} IS NULL' for c in TOKEN_COLUMNS[:9])})",
    },
    "outcomes": {
        **{f"rows_without_{name}": _absent(name) for name in ("outcome_id", "outcome_name")},
        "rows_without_occurred_at": _null("occurred_at"),
        "rows_without_any_link": (
            "count(*) FILTER (WHERE request_id IS NULL AND session_id IS NULL AND trace_id IS NULL)"
        ),
        "rows_with_unreadable_value": _unreadable("value_usd"),
        "min_quality_score": "min(quality_score)",
        "max_quality_score": "max(quality_score)",
        "min_occurred_at": "min(occurred_at)",
        "max_occurred_at": "max(occurred_at)",
        "distinct_outcome_names": "count(DISTINCT outcome_name)",
    },
    "revenue": {
        **{f"rows_without_{name}": _absent(name) for name in ("revenue_id", "customer_id", "currency")},
        "rows_with_unreadable_amount": _unreadable("revenue_amount"),
        "rows_ending_before_they_begin": "count(*) FILTER (WHERE period_end_date < period_start_date)",
        "min_period_start_date": "min(period_start_date)",
        "max_period_end_date": "max(period_end_date)",
    },
}
