"""A company small enough to check by hand: two providers, one settled day and one that is not billed yet.

Each kind of trouble occurs once: dark spend, a log above the meter, a log without a key, a second log of one request, a
stream without usage, an unknown model, a refusal, a credit, a bill that matches nothing, a foreign bill, shared cost.
"""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from ingestion.lake import Lake, Window
from ingestion.records import (
    STREAMS,
    AnthropicCost,
    AnthropicUsage,
    ConfigAttributionRule,
    ConfigCostSplit,
    ConfigFeature,
    ConfigFxRate,
    ConfigInvoice,
    ConfigSource,
    ConfigTeam,
    LoggedOutcome,
    LoggedRequest,
    LoggedRevenue,
    ModelPrice,
    OpenAICost,
    OpenAIProject,
    OpenAIUsage,
    to_arrow,
)

SETTLED = date(2026, 11, 1)
UNSETTLED = date(2026, 11, 2)
NOW = datetime(2026, 11, 4, 12, tzinfo=UTC)
ALWAYS = {"valid_from_date": date(1, 1, 1), "valid_to_date": date(9999, 12, 31)}


def record(record_class: type, **values: Any) -> Any:
    """A record whose other fields are null."""
    return record_class(**{field.name: values.get(field.name) for field in dataclasses.fields(record_class)})


def at(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def openai_costs() -> list[OpenAICost]:
    line = {"source_name": "openai", "account_id": "acme", "project_id": "p1", "api_key_id": "k1"}
    dollars = line | {"usage_date": SETTLED, "amount_currency": "usd", "quantity": Decimal(1)}
    return [
        record(OpenAICost, **dollars, line_item="gpt-4o, input", amount_value=Decimal("2.2")),
        record(OpenAICost, **dollars, line_item="gpt-4o, output", amount_value=Decimal("0.912345678901234567")),
        record(
            OpenAICost, **dollars | {"amount_currency": "eur"}, line_item="gpt-4o, output", amount_value=Decimal("0.1")
        ),
        record(
            OpenAICost,
            **dollars | {"project_id": None, "api_key_id": None, "quantity": None},
            line_item="promotional credit",
            amount_value=Decimal("-0.1"),
        ),
        record(
            OpenAICost,
            **dollars | {"project_id": "gone", "api_key_id": "k9"},
            line_item="assistants api | file search",
            amount_value=Decimal("0.3"),
        ),
    ]


def openai_usage() -> list[OpenAIUsage]:
    bucket: dict[str, Any] = {
        "source_name": "openai",
        "account_id": "acme",
        "usage_kind": "completions",
        "project_id": "p1",
        "model_name": "gpt-4o",
        "is_batch": False,
        "service_tier": "default",
        "input_cached_tokens": 0,
    }
    return [
        record(
            OpenAIUsage,
            **bucket | {"api_key_id": key},
            bucket_start_at=at(day, 0),
            bucket_end_at=at(day + timedelta(days=1), 0),
            num_model_requests=requests,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
        )
        for day in (SETTLED, UNSETTLED)
        for key, requests, input_tokens, output_tokens in (("k1", 14, 1_000_000, 100_000), ("k2", 3, 70_000, 7))
    ]


def anthropic_usage() -> list[AnthropicUsage]:
    return [
        record(
            AnthropicUsage,
            source_name="anthropic",
            account_id="acme-a",
            bucket_start_at=at(SETTLED, 0),
            bucket_end_at=at(UNSETTLED, 0),
            api_key_id="a1",
            model_name="claude",
            service_tier="standard",
            context_window="0-200k",
            uncached_input_tokens=1000,
            cache_read_input_tokens=9000,
            cache_creation_5m_input_tokens=0,
            cache_creation_1h_input_tokens=0,
            output_tokens=500,
            web_search_requests=0,
        )
    ]


def anthropic_costs() -> list[AnthropicCost]:
    line = {"source_name": "anthropic", "account_id": "acme-a", "usage_date": SETTLED, "cost_type": "tokens"}
    line |= {"model_name": "claude", "service_tier": "standard", "amount_currency": "USD"}
    return [
        record(AnthropicCost, **line, description=token_type, token_type=token_type, amount_cents=Decimal(cents))
        for token_type, cents in (
            ("uncached_input_tokens", "0.3"),
            ("cache_read_input_tokens", "0.27"),
            ("output_tokens", "0.7123456789"),
        )
    ]


def requests() -> list[LoggedRequest]:
    usual: dict[str, Any] = {
        "source_name": "gateway",
        "provider_name": "openai",
        "account_id": "acme",
        "project_id": "p1",
        "api_key_id": "k1",
        "model_name": "gpt-4o",
        "operation_name": "chat",
        "service_name": "web",
        "is_success": True,
        "uncached_input_tokens": 80_000,
        "output_tokens": 8_000,
        "team": "search",
        "feature": "ask",
        "environment": "prod",
        "finish_reason": "stop",
        "tags_json": '{"tier":"gold"}',
        "file_name": "gateway.jsonl",
    }
    changes: list[dict[str, Any]] = [
        *({"customer_id": f"c{number % 3}"} for number in range(8)),
        {"response_id": "r0", "source_name": "otel", "service_name": "web-span"},
        {"api_key_id": None, "project_id": None, "team": None, "feature": None, "uncached_input_tokens": 1_001},
        {"team": "platform", "feature": None, "uncached_input_tokens": 333_333, "finish_reason": "length"},
        {"uncached_input_tokens": None, "output_tokens": None},
        {"model_name": "made-up"},
        {"is_success": False, "uncached_input_tokens": None, "output_tokens": None, "status_code": 429},
        {"service_tier": "batch", "uncached_input_tokens": 10, "output_tokens": 10_000_000},
    ]
    logged = [
        {**usual, "request_id": f"{day}-{number}", "response_id": f"r{number}" if day == SETTLED else None, **change}
        | {"started_at": at(day, 5), "session_id": f"s{number % 4}", "file_line": number + 1 + first_line}
        for day, first_line in ((SETTLED, 0), (UNSETTLED, len(changes)))
        for number, change in enumerate(changes)
    ]
    claude: dict[str, Any] = {
        "provider_name": "anthropic",
        "account_id": "acme-a",
        "project_id": None,
        "api_key_id": "a1",
    }
    claude |= {"model_name": "claude", "uncached_input_tokens": 900, "cache_read_tokens": 9_000, "output_tokens": 500}
    logged.append(usual | claude | {"request_id": "claude", "started_at": at(SETTLED, 7), "file_line": 99})
    return [record(LoggedRequest, **values) for values in logged]


def outcomes() -> list[LoggedOutcome]:
    return [
        record(
            LoggedOutcome,
            source_name="app",
            outcome_id=f"o{number}",
            session_id=f"s{number}",
            outcome_name="resolved",
            is_success=number != 1,
            quality_score=0.25 * number,
            occurred_at=at(SETTLED, 9),
            file_name="outcomes.csv",
            file_line=number,
        )
        for number in range(3)
    ]


def revenue() -> list[LoggedRevenue]:
    return [
        record(
            LoggedRevenue,
            source_name="crm",
            revenue_id=f"v-{customer}",
            customer_id=customer,
            period_start_date=SETTLED,
            period_end_date=date(2026, 12, 7),
            revenue_amount=Decimal(100),
            currency="EUR",
            file_name="revenue.csv",
            file_line=1,
        )
        for customer in ("c1", "c9")
    ]


def model_prices() -> list[ModelPrice]:
    price = {"service_tier": "standard", "min_input_tokens": 0, "price_source": "genai-prices", **ALWAYS}
    openai = {"provider_name": "openai", "model_name": "gpt-4o", "model_id": "gpt-4o"}
    anthropic = {"provider_name": "anthropic", "model_name": "claude", "model_id": "claude"}
    return [
        record(
            ModelPrice,
            **price | openai,
            uncached_input_usd_per_mtok=Decimal("2.5"),
            cache_read_usd_per_mtok=Decimal("1.25"),
            output_usd_per_mtok=Decimal(10),
        ),
        record(
            ModelPrice,
            **price | openai | {"service_tier": "batch"},
            uncached_input_usd_per_mtok=Decimal("1.25"),
            output_usd_per_mtok=Decimal(5),
        ),
        record(
            ModelPrice,
            **price | anthropic,
            uncached_input_usd_per_mtok=Decimal(3),
            cache_read_usd_per_mtok=Decimal("0.3"),
            output_usd_per_mtok=Decimal(15),
        ),
    ]


def configuration() -> dict[str, list[Any]]:
    api = {"preference": 100, "settles_after_hours": 48}
    split = {"split_id": "shared", "from_team": "platform", "split_method": "direct_spend", **ALWAYS}
    return {
        "config_sources": [
            record(
                ConfigSource,
                source_name="openai",
                source_type="openai_admin",
                provider_name="openai",
                account_id="acme",
                **api,
            ),
            record(
                ConfigSource,
                source_name="anthropic",
                source_type="anthropic_admin",
                provider_name="anthropic",
                account_id="acme-a",
                **api,
            ),
            record(ConfigSource, source_name="gateway", source_type="files", preference=1, settles_after_hours=48),
            record(ConfigSource, source_name="otel", source_type="files", preference=2, settles_after_hours=48),
        ],
        "config_teams": [
            record(ConfigTeam, team=team, team_name=team.title()) for team in ("search", "platform", "support")
        ],
        "config_features": [record(ConfigFeature, feature="ask", feature_name="Ask", team="search")],
        "config_attribution_rules": [
            record(ConfigAttributionRule, rule_id="k2", priority=1, api_key_id_pattern="k2", team="support", **ALWAYS)
        ],
        "config_cost_splits": [record(ConfigCostSplit, **split, to_team=team) for team in ("search", "support")],
        "config_invoices": [
            record(
                ConfigInvoice,
                invoice_id="i1",
                provider_name="openai",
                account_id="acme",
                period_start_date=SETTLED,
                period_end_date=SETTLED,
                total_amount=Decimal("3.5"),
                currency="USD",
            )
        ],
        "config_fx_rates": [
            record(ConfigFxRate, currency="EUR", rate_date=date(2026, 1, 1), usd_per_unit=Decimal("1.1"))
        ],
    }


def land_company(home: Path) -> None:
    """Land everything that the company sent, and write the lake's index for dbt."""
    lake = Lake(home / "lake", clock=lambda: NOW)
    both_days = Window(SETTLED, UNSETTLED + timedelta(days=1))
    windowed: dict[str, tuple[str, str, list[Any]]] = {
        "openai_costs": ("openai", "acme", openai_costs()),
        "openai_usage": ("openai", "acme", openai_usage()),
        "anthropic_costs": ("anthropic", "acme-a", anthropic_costs()),
        "anthropic_usage": ("anthropic", "acme-a", anthropic_usage()),
    }
    for table, (source, account_id, rows) in windowed.items():
        lake.land(table, source, to_arrow(STREAMS[table].record, rows), account_id=account_id, window=both_days)
    project = record(OpenAIProject, source_name="openai", account_id="acme", project_id="p1", project_name="Main")
    lake.land("openai_projects", "openai", to_arrow(OpenAIProject, [project]), account_id="acme")
    lake.land("model_prices", "prices", to_arrow(ModelPrice, model_prices()), account_id="")
    for table, rows in configuration().items():
        lake.land(table, "config", to_arrow(STREAMS[table].record, rows), account_id="")
    files: dict[tuple[str, str], list[Any]] = {
        ("requests", "gateway"): [row for row in requests() if row.source_name == "gateway"],
        ("requests", "otel"): [row for row in requests() if row.source_name == "otel"],
        ("outcomes", "app"): outcomes(),
        ("revenue", "crm"): revenue(),
    }
    for (table, source), rows in files.items():
        with duckdb.connect() as connection:
            connection.register("admitted", to_arrow(STREAMS[table].record, rows))
            lake.land_file_load(
                table,
                source,
                account_id="",
                content_sha256=f"{table} of {source}",
                file_name=f"{table}.jsonl",
                connection=connection,
                admitted_sql="select * from admitted",
                quarantine_sql="select 1 as file_line, '' as reason, '' as raw_text where false",
                rows_received=len(rows),
            )
    _forget_later_columns(home)
    lake.write_index(home / "lake_index.parquet")


LATER_COLUMNS = ("finish_reason", "prompt_hash", "prefix_hash", "prefix_tokens", "attempt_number", "is_streaming")


def _forget_later_columns(home: Path) -> None:
    """Leave the spans as a version of before these columns landed them: old lakes must read on."""
    files = sorted((home / "lake" / "otel" / "requests").rglob("*.parquet"))
    for file in files:
        rows = pq.read_table(file, partitioning=None)
        pq.write_table(rows.drop_columns(list(LATER_COLUMNS)), file)
