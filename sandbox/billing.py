"""What the providers bill for what they metered, and how each billed line changes until it is final.

A day's bill is absent at first, then incomplete, then settled; some days are restated a week later, credits are granted
afterwards, one day is withdrawn altogether. Every state of every line is a row of ``charge_versions`` with the span of server time in
which it is served; the last states are ``charges``.

Line items of OpenAI are ``<model>, <direction>``, with direction one of input, cached input, cache write input, output, audio input, audio
output, web search; and lines that name no model: ``assistants api | file search`` and ``credit: <reason>``.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from itertools import groupby
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from sandbox import company, prices
from sandbox.draws import mix, unit_interval
from sandbox.requests import expected_requests
from sandbox.spec import SandboxSpec

RESTATED_DAY_RATE = 0.04
RESTATED_AFTER_DAYS = 9
WITHDRAWN_DAY = -27
WITHDRAWN_AFTER_DAYS = 10
CREDIT_DAYS = (-96, -33)
CREDIT_AFTER_DAYS = 12
FINAL_AFTER_DAYS = 14
"""So many days after its end, a day no longer changes."""

SPLIT_LINE_RATE = 0.01
"""Share of Anthropic's lines that come as two rows of equal dimensions."""

_SCALE = Decimal(1).scaleb(-14)
_DIRECTIONS = {
    "uncached_input": "input",
    "cache_read": "cached input",
    "cache_write_5m": "cache write input",
    "output": "output",
    "audio_input": "audio input",
    "audio_output": "audio output",
    "web_search": "web search",
}
_REPORT_TOKEN_TYPES = {
    "uncached_input": ("uncached_input_tokens", "Input Tokens"),
    "cache_read": ("cache_read_input_tokens", "Input Tokens, Cache Hit"),
    "cache_write_5m": ("cache_creation.ephemeral_5m_input_tokens", "Input Tokens, Cache Write"),
    "cache_write_1h": ("cache_creation.ephemeral_1h_input_tokens", "Input Tokens, Cache Write 1h"),
    "output": ("output_tokens", "Output Tokens"),
}
FILE_SEARCH_USD_PER_THOUSAND = Decimal("2.5")
CODE_EXECUTION_USD_PER_HOUR = Decimal("0.05")


@dataclass(frozen=True)
class Charge:
    """One billed line in one of its states.

    ``amount`` is in provider units: dollars from OpenAI, cents from Anthropic. It is served from ``served_from_at`` until just before
    ``served_until_at`` (None: for good).
    """

    charge_id: str
    provider_name: str
    account_id: str
    usage_date: date
    project_id: str | None
    api_key_id: str | None
    description: str
    charge_kind: str
    meter: str | None
    model_name: str | None
    service_tier: str | None
    context_window: str | None
    inference_geo: str | None
    amount: Decimal
    amount_unit: str
    amount_usd: Decimal
    quantity: int | None
    quantity_unit: str | None
    charge_category: str
    served_from_at: datetime
    served_until_at: datetime | None = None


CHARGE_SCHEMA = pa.schema(
    [
        *(
            pa.field(name, pa.string())
            for name in ("charge_id", "provider_name", "account_id", "project_id", "api_key_id", "description", "charge_kind", "meter",
                         "model_name", "service_tier", "context_window", "inference_geo", "amount_unit", "quantity_unit",
                         "charge_category")
        ),
        pa.field("amount", pa.decimal128(38, 18)),
        pa.field("amount_usd", pa.decimal128(38, 18)),
        pa.field("quantity", pa.int64()),
        pa.field("usage_date", pa.date32()),
        pa.field("served_from_at", pa.timestamp("us", tz="UTC")),
        pa.field("served_until_at", pa.timestamp("us", tz="UTC")),
    ]
)  # fmt: skip


def waived_days(spec: SandboxSpec) -> frozenset[tuple[str, date]]:
    """Provider and day of bills that were withdrawn whole."""
    return frozenset({("openai", spec.story_date + timedelta(days=WITHDRAWN_DAY))})


def charge_table(charges: list[Charge]) -> pa.Table:
    """Charges as a table; times in UTC."""
    return pa.table(
        {name: [getattr(charge, name) for charge in charges] for name in CHARGE_SCHEMA.names}, schema=CHARGE_SCHEMA
    )


def charge_versions(spec: SandboxSpec, metering: Path) -> list[Charge]:
    """Every state of every billed line of the company, oldest day first."""
    charges = list(_charges(spec, metering))
    draws = unit_interval(mix(spec.seed, np.array([zlib.crc32(charge.charge_id.encode()) for charge in charges]), 42))
    return [
        version for charge, draw in zip(charges, draws, strict=True) for version in _versions(spec, charge, float(draw))
    ]


def _charges(spec: SandboxSpec, metering: Path) -> Iterator[Charge]:
    yield from _openai_charges(spec, metering)
    yield from _anthropic_charges(spec, metering)
    yield from _meterless_charges(spec)


def _summed(metering: Path, provider: str, dimensions: str) -> list[tuple[object, ...]]:
    """Sums by day, the given dimensions and meter: (day, *dimensions, meter, quantity, 10**-12 dollars)."""
    parts = " union all ".join(
        f"select usage_date, {dimensions}, '{meter}' as meter, {meter}_charged as quantity, {meter}_pico_usd as pico from metered"
        for meter in prices.METERS
    )
    with duckdb.connect() as connection:
        return connection.execute(
            f"""
            with metered as (select * from read_parquet(?) where provider_name = ?)
            select usage_date, {dimensions}, meter, cast(sum(quantity) as bigint), cast(sum(pico) as bigint)
            from ({parts})
            group by all having sum(quantity) > 0 order by all
            """,
            [str(metering), provider],
        ).fetchall()


def _numbered(lines: list[tuple[object, ...]]) -> Iterator[tuple[int, tuple[object, ...]]]:
    """Lines with their number within their day, so that a line keeps its number when other days are added."""
    for _, of_day in groupby(lines, key=lambda line: line[0]):
        yield from enumerate(of_day)


def _openai_charges(spec: SandboxSpec, metering: Path) -> Iterator[Charge]:
    lines = _summed(metering, "openai", "project_id, api_key_id, model_name")
    for number, (day, project, key, model, meter, quantity, pico) in _numbered(lines):
        assert isinstance(day, date) and isinstance(pico, int) and isinstance(quantity, int)  # noqa: S101
        yield _openai_charge(
            spec, day, f"oa-{day:%Y%m%d}-{number}", _text(project), _text(key), f"{model}, {_DIRECTIONS[str(meter)]}",
            kind="web_search" if meter == "web_search" else "tokens", meter=str(meter), model=str(model), pico=pico, quantity=quantity,
        )  # fmt: skip
    for offset in CREDIT_DAYS:
        day = spec.story_date + timedelta(days=offset)
        total = sum(
            (
                _dollars(int(str(line[-1])) * company.OPENAI_DISCOUNT_PERCENT)
                for line in lines
                if line[0] == day and line[1] == "proj_support"
            ),
            Decimal(0),
        )
        amount = (total * Decimal("-0.1")).quantize(Decimal("0.01"))
        if amount:
            yield Charge(
                f"oa-credit-{day:%Y%m%d}", "openai", company.OPENAI_ACCOUNT, day, "proj_support", None, "credit: service incident", "credit",
                None, None, None, None, None, amount, "usd", amount, None, None, "credit", _settled_at("openai", day),
            )  # fmt: skip


def _openai_charge(
    spec: SandboxSpec, day: date, charge_id: str, project: str | None, key: str | None, description: str, *, kind: str,
    meter: str | None, model: str | None, pico: int, quantity: int,
) -> Charge:  # fmt: skip
    amount = _dollars(pico * company.contract_percent("openai", day, spec.story_date))
    return Charge(
        charge_id, "openai", company.OPENAI_ACCOUNT, day, project, key, description, kind, meter, model, None, None, None,
        amount, "usd", amount, quantity, "tokens" if kind == "tokens" else None, "usage", _settled_at("openai", day),
    )  # fmt: skip


def _anthropic_charges(spec: SandboxSpec, metering: Path) -> Iterator[Charge]:
    lines = _summed(metering, "anthropic", "project_id, model_name, service_tier, band")
    for number, (day, workspace, model, tier, band, meter, quantity, pico) in _numbered(lines):
        assert isinstance(day, date) and isinstance(pico, int) and isinstance(quantity, int)  # noqa: S101
        percent = company.contract_percent("anthropic", day, spec.story_date)
        token_type, words = _REPORT_TOKEN_TYPES.get(str(meter), (None, "Web Search Usage"))
        has_geo = not str(model).startswith(("claude-sonnet-4-5", "claude-haiku-4-5"))
        display = _display_name(str(model))
        charge = Charge(
            f"an-{day:%Y%m%d}-{number}", "anthropic", company.ANTHROPIC_ACCOUNT, day, _text(workspace), None,
            words if token_type is None else f"{display} Usage{' - Batch' if tier == 'batch' else ''} - {words}{', Long Context' if band else ''}",
            "web_search" if token_type is None else "tokens", str(meter),
            # Facts that do not concern tokens are null, as the report has it.
            None if token_type is None else str(model),
            None if token_type is None else str(tier),
            None if token_type is None else ("200k-1M" if band else "0-200k"),
            "global" if token_type and has_geo else None,
            Decimal(0), "cents", Decimal(0), quantity, "tokens" if token_type else "requests", "usage", _settled_at("anthropic", day),
        )  # fmt: skip
        total = pico * percent
        is_split = zlib.crc32(charge.charge_id.encode()) % 1000 < 1000 * SPLIT_LINE_RATE
        parts = [total // 3, total - total // 3] if is_split else [total]
        for index, part in enumerate(parts):
            yield replace(
                charge, charge_id=f"{charge.charge_id}-{index}", amount=_dollars(part) * 100, amount_usd=_dollars(part)
            )


def _meterless_charges(spec: SandboxSpec) -> Iterator[Charge]:
    """Billed lines beyond tokens and searches by request: file searches, and code execution, which no usage report shows."""
    for day in spec.dates():
        calls = file_search_calls(spec, day)
        if calls:
            yield _openai_charge(
                spec, day, f"oa-{day:%Y%m%d}-file-search", "proj_search", None, "assistants api | file search", kind="file_search",
                meter="file_search", model=None, pico=calls * int(FILE_SEARCH_USD_PER_THOUSAND * 10**9), quantity=calls,
            )  # fmt: skip
        minutes = round(float(expected_requests(spec, day).sum()) * 0.05)
        if minutes and day.weekday() < 5:
            amount = _dollars(
                minutes
                * int(CODE_EXECUTION_USD_PER_HOUR * 10**12)
                // 60
                * company.contract_percent("anthropic", day, spec.story_date)
            )
            yield Charge(
                f"an-{day:%Y%m%d}-code", "anthropic", company.ANTHROPIC_ACCOUNT, day, "wrkspc_01devx", None, "Code Execution Usage",
                "code_execution", "code_sessions", None, None, None, None, amount * 100, "cents", amount, minutes, "minutes", "usage",
                _settled_at("anthropic", day),
            )  # fmt: skip


def file_search_calls(spec: SandboxSpec, day: date) -> int:
    """File searches of one day, all in ``proj_search``."""
    return round(float(expected_requests(spec, day).sum()) * 0.02)


def _versions(spec: SandboxSpec, final: Charge, draw: float) -> Iterator[Charge]:
    """The states of one line, in the order in which the server shows them; ``draw`` decides which troubles it has."""
    day, provider = final.usage_date, final.provider_name
    if final.charge_category == "credit":
        yield replace(final, served_from_at=_midnight(day, 1 + CREDIT_AFTER_DAYS))
        return
    settled_at = final.served_from_at
    if draw < 0.55:
        # Bills of fresh days lack some lines, and others are not complete.
        yield _scaled(final, 85, _first_seen_at(provider, day), settled_at)
    if (provider, day) in waived_days(spec):
        yield replace(final, served_until_at=_midnight(day, 1 + WITHDRAWN_AFTER_DAYS))
        return
    if is_restated_day(spec, provider, day) and draw < 0.5:
        changed_at = _midnight(day, 1 + RESTATED_AFTER_DAYS)
        yield _scaled(final, 104, settled_at, changed_at)
        yield replace(final, served_from_at=changed_at)
        return
    yield final


@cache
def is_restated_day(spec: SandboxSpec, provider: str, day: date) -> bool:
    """Whether the settled bill of a day is changed once more later."""
    return bool(unit_interval(mix(spec.seed, day.toordinal(), len(provider), 43))[0] < RESTATED_DAY_RATE)


def _scaled(charge: Charge, percent: int, start: datetime, end: datetime) -> Charge:
    share = Decimal(percent) / 100
    usd = (charge.amount_usd * share).quantize(_SCALE)
    return replace(
        charge,
        amount=usd * 100 if charge.amount_unit == "cents" else usd,
        amount_usd=usd,
        quantity=charge.quantity and charge.quantity * percent // 100,
        served_from_at=start,
        served_until_at=end,
    )


def _first_seen_at(provider: str, day: date) -> datetime:
    return _midnight(day, 1) + timedelta(hours=4 if provider == "openai" else 2)


def _settled_at(provider: str, day: date) -> datetime:
    return _midnight(day, 1) + timedelta(hours=24 if provider == "openai" else 18)


def _midnight(day: date, days_later: int) -> datetime:
    return datetime.combine(day + timedelta(days=days_later), time(), tzinfo=UTC)


def _dollars(hundredths_of_pico: int) -> Decimal:
    return Decimal(hundredths_of_pico).scaleb(-14)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _display_name(model: str) -> str:
    """``claude-sonnet-4-5-20250929`` as the report writes it: Claude Sonnet 4.5."""
    family, *numbers = [part for part in model.removeprefix("claude-").split("-") if len(part) < 8]
    return f"Claude {family.title()} {'.'.join(numbers)}"
