"""Runs the suites. Great Expectations is imported at the first validation: it takes seconds."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from typing import Any, cast

import duckdb
import pyarrow as pa

from ingestion.errors import ContractError
from ingestion.expectations.profiles import profile_sql
from ingestion.expectations.report import Finding, ValidationReport
from ingestion.lake import Window
from ingestion.logs.scrub import CREDENTIAL
from ingestion.records import STREAMS, Stream

_SAMPLES = 5
_LONGEST_SAMPLE = 80
_SECRET = re.compile(CREDENTIAL)
_LOG_TABLES = ("requests", "outcomes", "revenue")


def validate(table: str, frame: pa.Table, *, window: Window | None = None, batch: str = "") -> ValidationReport:
    """Check a batch against the suite of its raw table.

    Args:
        frame: The rows in the schema of the table's record; for log streams what ``profile_sql`` gives.
        window: Days that the rows must lie in.
        batch: Shown in messages and reports, such as the name of the source.
    Raises:
        ContractError: there is no such raw table, or the columns are not those of its record.
    """
    if table not in STREAMS:
        raise ContractError("no such raw table", where=table)
    stream = STREAMS[table]
    if table not in _LOG_TABLES:
        _check_columns(stream, frame)
    expectations = _suites()[table]()
    if window is not None:
        expectations += _within(stream, window)
    return _run(table, batch, expectations, _with_numbers(table, frame))


def admit(table: str, frame: pa.Table, *, window: Window | None = None, batch: str = "") -> ValidationReport:
    """The same as ``validate``, for a batch that is about to be landed.

    Raises:
        ContractError: the batch breaks its suite; lists each column, expectation, count and some values.
    """
    report = validate(table, frame, window=window, batch=batch)
    report.raise_if_failed()
    return report


def admit_logs(
    table: str,
    connection: duckdb.DuckDBPyConnection,
    admitted_sql: str,
    *,
    rows_received: int,
    rows_quarantined: int,
    rows_duplicate: int = 0,
    batch: str = "",
) -> ValidationReport:
    """Check a file of logs that is about to be landed, all of its rows, by their profile.

    Args: those of ``profile_logs``.
    Raises:
        ContractError: the batch breaks the suite of its table.
    """
    profile = profile_logs(
        table,
        connection,
        admitted_sql,
        rows_received=rows_received,
        rows_quarantined=rows_quarantined,
        rows_duplicate=rows_duplicate,
    )
    return admit(table, profile, batch=batch)


def profile_logs(
    table: str,
    connection: duckdb.DuckDBPyConnection,
    admitted_sql: str,
    *,
    rows_received: int,
    rows_quarantined: int,
    rows_duplicate: int = 0,
) -> pa.Table:
    """The profile of a file of logs, one row; several of them can be admitted at once.

    Args:
        connection: Where ``admitted_sql`` runs; it is read once.
        admitted_sql: A query that gives the rows to be landed, with the columns of the table's record.
        rows_received: Lines or rows of the file.
    """
    query = profile_sql(
        table,
        admitted_sql,
        rows_received=rows_received,
        rows_quarantined=rows_quarantined,
        rows_duplicate=rows_duplicate,
    )
    return connection.execute(query).to_arrow_table()


def validate_mart(name: str, frame: pa.Table) -> ValidationReport:
    """Check a finished mart.

    Raises:
        ContractError: the mart has no suite.
    """
    from ingestion.expectations.suites import marts

    if name not in marts.SUITES:
        raise ContractError("the mart has no suite", where=name, mend=f"one of: {', '.join(marts.SUITES)}")
    return _run(name, "", marts.SUITES[name](), frame)


# ---------------------------------------------------------------- frames


def _check_columns(stream: Stream, frame: pa.Table) -> None:
    expected = stream.schema.names
    if sorted(frame.column_names) != sorted(expected):
        missing = [name for name in expected if name not in frame.column_names]
        unknown = [name for name in frame.column_names if name not in expected]
        what = f"the columns are not those of the record: missing {missing}, unknown {unknown}"
        raise ContractError(what, where=stream.table)


def _with_numbers(table: str, frame: pa.Table) -> pa.Table:
    """The frame of a forecast with a numeric copy of each amount, because texts do not compare as numbers."""
    if not table.startswith("forecast_"):
        return frame
    from ingestion.expectations.suites.vocabulary import NUMBER_SUFFIX

    for name in frame.column_names:
        if name.endswith("_usd"):
            frame = frame.append_column(f"{name}{NUMBER_SUFFIX}", frame.column(name).cast(pa.float64()))
    return frame


def _to_pandas(frame: pa.Table) -> Any:
    """Decimals become floats: they are compared here, and never written."""
    for position, field in enumerate(frame.schema):
        if pa.types.is_decimal(field.type):
            frame = frame.set_column(position, field.name, frame.column(position).cast(pa.float64()))
    return frame.to_pandas(date_as_object=True)


def _within(stream: Stream, window: Window) -> list[Any]:
    from ingestion.expectations.suites.vocabulary import between

    if pa.types.is_date(stream.schema.field(stream.day_column).type):
        return between(stream.day_column, window.start, below=window.end)
    return between(stream.day_column, _midnight(window.start), below=_midnight(window.end))


def _midnight(day: date) -> datetime:
    return datetime.fromisoformat(f"{day.isoformat()}T00:00:00+00:00")


# ---------------------------------------------------------------- Great Expectations


@cache
def _batch_definition() -> Any:
    """A data frame batch of an in-memory context that reports to nobody and draws nothing."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with warnings.catch_warnings():
        # Its import touches modules of the standard library that are deprecated.
        warnings.simplefilter("ignore")
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig

        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
        asset = context.data_sources.add_pandas("tokenatlas").add_dataframe_asset("batch")
        return asset.add_batch_definition_whole_dataframe("whole")


@cache
def _suites() -> dict[str, Callable[[], list[Any]]]:
    _batch_definition()
    from ingestion.expectations.suites import logs, own, providers

    return {**providers.SUITES, **own.SUITES, **logs.SUITES}


def _run(name: str, batch: str, expectations: list[Any], frame: pa.Table) -> ValidationReport:
    definition = _batch_definition()
    from great_expectations import ExpectationSuite

    suite = ExpectationSuite(name=name, expectations=expectations)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = definition.get_batch({"dataframe": _to_pandas(frame)}).validate(suite)
    document = cast("dict[str, Any]", _without_secrets(result.to_json_dict()))
    return ValidationReport(
        name=name,
        batch=batch,
        row_count=frame.num_rows,
        expectation_count=len(expectations),
        findings=tuple(_finding(entry) for entry in document["results"] if not entry["success"]),
        document=document,
    )


def _finding(entry: dict[str, Any]) -> Finding:
    config, result = entry["expectation_config"], entry["result"]
    settings = config["kwargs"]
    pair = [settings[key] for key in ("column_B", "column_A") if key in settings]
    column = settings.get("column") or ", ".join(pair or settings.get("column_list") or ["the table"])
    values = [
        repr(value) if value == "" else str(value) for value in map(_plain, result.get("partial_unexpected_list", []))
    ]
    samples = list(dict.fromkeys(value[:_LONGEST_SAMPLE] for value in values))
    error = next((info["exception_message"] for info in _exceptions(entry)), "")
    return Finding(
        column=str(column),
        expectation=_sentence(config["type"], settings) + (f" ({error.splitlines()[0]})" if error else ""),
        unexpected_count=result.get("unexpected_count"),
        samples=tuple(samples[:_SAMPLES]) if "not_be_null" not in config["type"] else (),
    )


def _exceptions(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Errors of the check itself, such as a missing column; they come alone or by metric."""
    info = entry.get("exception_info") or {}
    candidates = [info, *(value for value in info.values() if isinstance(value, dict))]
    return [each for each in candidates if each.get("raised_exception") and each.get("exception_message")]


def _sentence(kind: str, settings: dict[str, Any]) -> str:
    words = kind.removeprefix("expect_").replace("_", " ")
    for start in ("column values to ", "column pair values ", "column value ", "compound columns to ", "column to "):
        words = words.removeprefix(start)
    limits = {
        "min_value": "at least",
        "max_value": "below" if settings.get("strict_max") else "at most",
        "value_set": "one of",
        "regex": "pattern",
    }
    stated = [f"{text} {settings[key]}" for key, text in limits.items() if settings.get(key) is not None]
    if "column_A" in settings:
        return f"rise from left to right{' or stay' if settings.get('or_equal') else ''}"
    return f"{words} ({', '.join(stated)})" if stated else words


def _plain(value: Any) -> Any:
    """A value of a row; pairs of values come as a list, with ``column_A``, the higher one, first."""
    return " > ".join(str(part) for part in reversed(value)) if isinstance(value, list) else value


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_secrets(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return _SECRET.sub("[removed]", value) if isinstance(value, str) else value
