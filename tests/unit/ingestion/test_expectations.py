"""The suites at the door: what is admitted, what is not, and how that is said."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from ingestion.errors import ContractError
from ingestion.expectations import (
    ValidationReport,
    admit,
    admit_logs,
    build_data_docs,
    profile_sql,
    validate,
    validate_mart,
)
from ingestion.expectations.profiles import LARGE_BATCH_ROWS
from ingestion.lake import Window
from ingestion.records import (
    STREAMS,
    AnthropicCost,
    AnthropicUsage,
    ForecastDay,
    LoggedRequest,
    ModelPrice,
    OpenAICost,
    OpenAIProject,
    OpenAIUsage,
    StreamKind,
    to_arrow,
)

DAY = date(2026, 6, 1)
MIDNIGHT = datetime(2026, 6, 1, tzinfo=UTC)
WINDOW = Window(DAY, DAY + timedelta(days=2))
LOGS = ("requests", "outcomes", "revenue")


def record(kind: type, **values: Any) -> Any:
    """A record with nothing in it but what is said and what it cannot do without."""
    known = {
        "source_name": "mine",
        "account_id": "acme",
        "usage_date": DAY,
        "bucket_start_at": MIDNIGHT,
        "bucket_end_at": MIDNIGHT + timedelta(days=1),
        "usage_kind": "completions",
        "amount_value": Decimal("1.5"),
        "amount_cents": Decimal("150"),
        "amount_currency": "usd",
    }
    names = [field.name for field in fields(kind)]
    return kind(**(dict.fromkeys(names) | {name: value for name, value in known.items() if name in names} | values))


def anthropic_usage(**values: Any) -> AnthropicUsage:
    counts = [field.name for field in fields(AnthropicUsage) if field.name.endswith(("_tokens", "_requests"))]
    usage: AnthropicUsage = record(AnthropicUsage, **(dict.fromkeys(counts, 0) | values))
    return usage


def checked(table: str, *records: Any, window: Window | None = None) -> ValidationReport:
    return validate(table, to_arrow(STREAMS[table].record, records), window=window, batch="mine")


# ---------------------------------------------------------------- every table


@pytest.mark.parametrize("table", [table for table in STREAMS if table not in LOGS])
def test_every_raw_table_has_a_suite_that_an_empty_batch_keeps(table: str) -> None:
    """An empty day is an answer like any other, and must be able to replace what was there."""
    window = WINDOW if STREAMS[table].kind is StreamKind.WINDOWED else None
    report = validate(table, STREAMS[table].schema.empty_table(), window=window)
    assert report.success, report.findings
    assert report.expectation_count > 0


@pytest.mark.parametrize("table", [table for table in STREAMS if table not in LOGS])
def test_a_batch_with_other_columns_is_not_checked_at_all(table: str) -> None:
    """A column too many or too few is a bug of the connector, told by name."""
    schema = STREAMS[table].schema
    with pytest.raises(ContractError, match=f"missing \\['{schema.names[0]}'\\]"):
        validate(table, schema.empty_table().drop_columns(schema.names[0]))


def test_a_table_that_nobody_knows_has_no_suite() -> None:
    """A misspelt name must not pass as a table without expectations."""
    with pytest.raises(ContractError, match="no such raw table"):
        validate("openai_cost", STREAMS["openai_costs"].schema.empty_table())
    with pytest.raises(ContractError, match="mart_spend_daily"):
        validate_mart("mart_spend", pa.table({}))


# ---------------------------------------------------------------- providers


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("openai_costs", record(OpenAICost, amount_value=Decimal("-12.5"))),
        ("openai_costs", record(OpenAICost, amount_value=Decimal(0), quantity=Decimal("0.000001"))),
        ("anthropic_costs", record(AnthropicCost, amount_cents=Decimal("-0.5"), amount_currency="USD")),
        ("openai_usage", record(OpenAIUsage, service_tier="never seen before", input_tokens=5)),
        ("openai_usage", record(OpenAIUsage, input_tokens=9, input_cached_tokens=9, input_uncached_tokens=0)),
        ("anthropic_usage", anthropic_usage(service_tier="never seen before")),
    ],
)
def test_what_is_unusual_but_real_is_admitted(table: str, row: Any) -> None:
    """Credits are negative, tiers are invented, and a request may be cached whole."""
    assert checked(table, row, window=WINDOW).findings == ()


@pytest.mark.parametrize(
    ("table", "row", "column"),
    [
        ("openai_costs", record(OpenAICost, usage_date=DAY - timedelta(days=1)), "usage_date"),
        ("openai_costs", record(OpenAICost, usage_date=WINDOW.end), "usage_date"),
        ("openai_costs", record(OpenAICost, amount_currency=None), "amount_currency"),
        ("openai_costs", record(OpenAICost, amount_currency="US dollars"), "amount_currency"),
        ("openai_costs", record(OpenAICost, amount_value=Decimal("NaN")), "amount_value"),
        ("openai_usage", record(OpenAIUsage, output_tokens=-1), "output_tokens"),
        ("openai_usage", record(OpenAIUsage, num_sessions=-1), "num_sessions"),
        (
            "openai_usage",
            record(OpenAIUsage, input_tokens=5, input_cached_tokens=6),
            "input_cached_tokens, input_tokens",
        ),
        ("openai_usage", record(OpenAIUsage, bucket_end_at=MIDNIGHT), "bucket_start_at, bucket_end_at"),
        (
            "openai_usage",
            record(
                OpenAIUsage, bucket_start_at=MIDNIGHT + timedelta(days=2), bucket_end_at=MIDNIGHT + timedelta(days=3)
            ),
            "bucket_start_at",
        ),
        ("anthropic_usage", anthropic_usage(cache_read_input_tokens=-1), "cache_read_input_tokens"),
        ("anthropic_costs", record(AnthropicCost, amount_currency=""), "amount_currency"),
    ],
)
def test_what_is_impossible_is_not_admitted(table: str, row: Any, column: str) -> None:
    """The finding names the column, and how many rows break it."""
    report = checked(table, row, window=WINDOW)
    assert [finding.column for finding in report.findings] == [column]
    assert report.findings[0].unexpected_count == 1


def test_a_refused_batch_says_what_where_and_how_much() -> None:
    """One message has each column, its expectation, the count and some values."""
    rows = [record(OpenAIUsage, output_tokens=-n, input_tokens=n) for n in range(3)]
    with pytest.raises(ContractError, match=r"1 of \d+ expectations are not met by 3 rows") as caught:
        admit("openai_usage", to_arrow(OpenAIUsage, rows), batch="openai")
    text = str(caught.value)
    assert "output_tokens should be between (at least 0.0): not so in 2 rows, such as -1" in text
    assert "openai_usage from openai" in text


def test_a_listing_names_each_id_once() -> None:
    """A page that was read twice would give each project twice."""
    project = OpenAIProject("mine", "acme", "p1", "One", "active", None, None)
    assert checked("openai_projects", project, replace(project, project_id="p2")).success
    report = checked("openai_projects", project, project)
    assert [finding.column for finding in report.findings] == ["project_id"]


def test_samples_show_no_secret() -> None:
    """A key that slipped into a column is in no message and on no page."""
    key = "sk-admin-" + "a1b2c3d4" * 4
    report = checked("openai_costs", record(OpenAICost, amount_currency=f"Bearer {key}"))
    assert not report.success
    assert key not in str(report.findings[0])
    assert key not in str(report.document)


def test_many_rows_are_checked_quickly_and_counted_whole() -> None:
    """The count is over all rows, not over the samples."""
    rows = to_arrow(OpenAICost, [record(OpenAICost, amount_currency="")] * 5_000)
    report = validate("openai_costs", rows)
    assert report.findings[0].unexpected_count == 5_000
    assert len(report.findings[0].samples) == 1


# ---------------------------------------------------------------- our own tables


def test_a_forecast_lies_within_its_range() -> None:
    """Amounts are compared as numbers: 9 is below 10 though its text is not."""
    tomorrow = DAY + timedelta(days=1)
    amounts = [Decimal(amount) for amount in (10, 9, 100, 8, 10, 101)]
    row = ForecastDay("total", "total", "all", DAY, tomorrow, "prophet", "base", *amounts)
    assert checked("forecast_days", row).findings == ()
    assert not checked("forecast_days", replace(row, lower_cost_usd=Decimal(11))).success
    assert not checked("forecast_days", replace(row, cost_date=DAY)).success


def test_a_price_is_never_negative_and_its_band_is_not_empty() -> None:
    """The price book is checked like any raw table."""
    price: ModelPrice = record(
        ModelPrice,
        **dict.fromkeys(("provider_name", "model_name", "model_id", "service_tier", "price_source"), "x"),
        valid_from_date=DAY,
        valid_to_date=DAY,
        min_input_tokens=0,
        output_usd_per_mtok=Decimal("0.05"),
    )
    assert checked("model_prices", price).findings == ()
    assert not checked("model_prices", replace(price, output_usd_per_mtok=Decimal(-1))).success
    assert not checked("model_prices", replace(price, max_input_tokens=0)).success
    assert not checked("model_prices", price, price).success


# ---------------------------------------------------------------- logs


def requests_sql(count: int, **columns: str) -> str:
    """A query of ``count`` logged requests (``i`` from 0), with some columns given as SQL."""
    given = {
        "source_name": "'gateway'",
        "request_id": "'r' || i",
        "provider_name": "'openai'",
        "model_name": "'gpt-5'",
        "operation_name": "'chat'",
        "started_at": "TIMESTAMPTZ '2026-06-01 00:00:00+00' + INTERVAL 1 SECOND * i",
        "is_success": "true",
        "uncached_input_tokens": "i",
        "file_name": "'a.jsonl'",
        "file_line": "i",
    } | columns
    types = {pa.string(): "VARCHAR", pa.int64(): "BIGINT", pa.float64(): "DOUBLE", pa.bool_(): "BOOLEAN"}
    listed = ", ".join(
        f"CAST({given.get(field.name, 'NULL')} AS {types.get(field.type, 'TIMESTAMPTZ')}) AS {field.name}"
        for field in STREAMS["requests"].schema
    )
    return f"SELECT {listed} FROM range({count}) AS t(i)"


def check_logs(query: str, *, received: int, quarantined: int = 0, duplicate: int = 0) -> ValidationReport:
    with duckdb.connect() as connection:
        return admit_logs(
            "requests",
            connection,
            query,
            rows_received=received,
            rows_quarantined=quarantined,
            rows_duplicate=duplicate,
            batch="gateway",
        )


def test_a_batch_of_logs_is_measured_whole() -> None:
    """The profile is exact over all rows, and one broken row among many is found."""
    with duckdb.connect() as connection:
        query = profile_sql("requests", requests_sql(1000), rows_received=1010, rows_quarantined=7, rows_duplicate=3)
        (profile,) = connection.execute(query).to_arrow_table().to_pylist()
    assert (profile["row_count"], profile["rows_unaccounted"]) == (1000, 0)
    assert (profile["min_uncached_input_tokens"], profile["max_uncached_input_tokens"]) == (0, 999)
    assert check_logs(requests_sql(1000), received=1000).success
    with pytest.raises(ContractError, match="min_output_tokens"):
        check_logs(requests_sql(1000, output_tokens="CASE WHEN i = 777 THEN -1 END"), received=1000)


@pytest.mark.parametrize(
    ("column", "sql", "finding"),
    [
        ("request_id", "CASE WHEN i > 0 THEN 'r' END", "rows_without_request_id"),
        ("model_name", "''", "rows_without_model_name"),
        ("started_at", "NULL", "rows_without_started_at"),
        ("started_at", "TIMESTAMPTZ '1970-01-21 00:00:00+00'", "min_started_at"),
        ("output_tokens", "2000000000", "max_output_tokens"),
        ("duration_seconds", "-1", "min_duration_seconds"),
        ("reported_cost_usd", "'a lot'", "rows_with_unreadable_cost"),
        ("source_name", "'s' || i", "distinct_source_names"),
    ],
)
def test_logs_that_cannot_be_right_are_not_admitted(column: str, sql: str, finding: str) -> None:
    """Each would be a bug of the mapping or of the reader."""
    with pytest.raises(ContractError, match=finding):
        check_logs(requests_sql(3, **{column: sql}), received=3)


def test_rows_that_are_nowhere_stop_the_batch() -> None:
    """Received is admitted, quarantined or duplicate."""
    with pytest.raises(ContractError, match="rows_unaccounted"):
        check_logs(requests_sql(3), received=5, quarantined=1)


def test_a_large_file_that_hardly_parses_has_a_wrong_mapping() -> None:
    """Nearly all rows of a large file in quarantine is an error; of a small one, or some of a large one, is not."""
    assert check_logs(requests_sql(1), received=10, quarantined=9).success
    assert check_logs(requests_sql(50), received=100, quarantined=50).success
    with pytest.raises(ContractError, match=f"quarantined_ratio_from_{LARGE_BATCH_ROWS}_rows"):
        check_logs(requests_sql(1), received=1000, quarantined=999)


@pytest.mark.parametrize("table", LOGS)
def test_a_file_without_an_admitted_row_has_a_profile(table: str) -> None:
    """An empty file, and one of nothing but bad lines, are landed as such."""
    with duckdb.connect() as connection:
        connection.register("nothing", STREAMS[table].schema.empty_table())
        report = admit_logs(table, connection, "SELECT * FROM nothing", rows_received=2, rows_quarantined=2)
    assert report.success


def test_only_logs_have_a_profile() -> None:
    """Provider streams are checked row by row."""
    with pytest.raises(ContractError, match="only log streams"):
        profile_sql("openai_costs", "SELECT 1", rows_received=1, rows_quarantined=0)


def test_the_profile_reads_every_column_that_it_names() -> None:
    """Each token column of the record is measured."""
    tokens = {field.name for field in fields(LoggedRequest) if field.name.endswith("_tokens")}
    query = profile_sql("requests", "SELECT 1", rows_received=1, rows_quarantined=0)
    assert all(f"min({name})" in query for name in tokens)


# ---------------------------------------------------------------- marts


def forecast_mart(**values: Any) -> pa.Table:
    row = {
        "series_id": "total",
        "model_name": "selected",
        "scenario": "base",
        "cutoff_date": DAY,
        "cost_date": DAY + timedelta(days=1),
        "lower_cost_usd": Decimal("1.00"),
        "forecast_cost_usd": Decimal("2.00"),
        "upper_cost_usd": Decimal("3.00"),
        "p05_cost_usd": Decimal("0.50"),
        "p50_cost_usd": Decimal("2.10"),
        "p95_cost_usd": Decimal("3.50"),
        "is_nowcast": False,
    } | values
    return pa.table({name: [value] for name, value in row.items()})


def test_a_finished_mart_keeps_its_suite() -> None:
    """Decimals compare as numbers, and a mart that lost a column is told by its name."""
    assert validate_mart("mart_forecast_daily", forecast_mart()).findings == ()
    wide = validate_mart("mart_forecast_daily", forecast_mart(lower_cost_usd=Decimal("2.50")))
    assert [finding.column for finding in wide.findings] == ["lower_cost_usd, forecast_cost_usd"]
    lost = validate_mart("mart_forecast_daily", forecast_mart().drop_columns("series_id"))
    assert 'The column "series_id"' in str(lost.findings[0])


@pytest.mark.parametrize(
    "name", ["mart_spend_daily", "mart_kpis_daily", "mart_reconciliation", "mart_budget_status", "mart_forecast_daily"]
)
def test_a_mart_of_another_shape_does_not_pass(name: str) -> None:
    """No suite is empty."""
    assert not validate_mart(name, pa.table({"other": [1]})).success


# ---------------------------------------------------------------- pages


def test_data_docs_are_pages_that_need_no_network(tmp_path: Path) -> None:
    """Each result has its page, the index lists all of them, and nothing is loaded from elsewhere."""
    good = checked("openai_costs", record(OpenAICost))
    bad = checked("openai_usage", record(OpenAIUsage, output_tokens=-1))
    index = build_data_docs([good, bad], tmp_path)
    pages = {path.name: path.read_text() for path in tmp_path.glob("*.html")}
    assert set(pages) == {"index.html", "openai_costs--mine.html", "openai_usage--mine.html"}
    assert index == tmp_path / "index.html"
    assert "1 not met" in pages["index.html"]
    assert "all met" in pages["index.html"]
    assert "output_tokens" in pages["openai_usage--mine.html"]
    assert not any("http://" in page or "https://" in page or "<script" in page for page in pages.values())


def test_data_docs_of_several_runs_share_a_folder(tmp_path: Path) -> None:
    """A later result replaces that of the same table and leaves the others."""
    build_data_docs([checked("openai_usage", record(OpenAIUsage, output_tokens=-1))], tmp_path)
    build_data_docs([checked("openai_costs", record(OpenAICost))], tmp_path)
    index = build_data_docs([checked("openai_usage", record(OpenAIUsage))], tmp_path).read_text()
    assert index.count("all met") == 2
    assert "not met" not in index


def test_importing_the_door_does_not_import_great_expectations() -> None:
    """The import takes seconds; commands that land nothing must not pay for it."""
    code = "import sys, ingestion.expectations; print('great_expectations' in sys.modules)"
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 own code
    assert found.stdout.strip() == "False"
