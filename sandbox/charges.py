"""What the providers finally bill for what they metered, line by line, summed exactly.

Line items of OpenAI are ``<model>, <direction>``, with direction one of input, cached input, cache write input, output,
audio input, audio output, web search; and lines that name no model: ``assistants api | file search`` and
``credit: <reason>``.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import Path

import duckdb

from sandbox import company, prices
from sandbox.requests import expected_requests
from sandbox.spec import SandboxSpec

SPLIT_LINE_RATE = 0.01
"""Share of Anthropic's lines that come as two rows of equal dimensions."""

CREDITS = {-96: None, -33: "proj_support"}
"""Credits of OpenAI: for which day, relative to the story date, and which project; None is the whole organization."""

CREDIT_PERCENT = 10
FILE_SEARCH_USD_PER_THOUSAND = Decimal("2.5")
CODE_EXECUTION_USD_PER_HOUR = Decimal("0.05")

_SCALE = 14
_DIRECTIONS = {
    "uncached_input": "input",
    "cache_read": "cached input",
    "cache_write_5m": "cache write input",
    "output": "output",
    "audio_input": "audio input",
    "audio_output": "audio output",
    "web_search": "web search",
}
_DESCRIPTIONS = {
    "uncached_input": "Input Tokens",
    "cache_read": "Input Tokens, Cache Hit",
    "cache_write_5m": "Input Tokens, Cache Write",
    "cache_write_1h": "Input Tokens, Cache Write 1h",
    "output": "Output Tokens",
}
_MODELS_WITHOUT_GEO = ("claude-sonnet-4-5", "claude-haiku-4-5")


@dataclass(frozen=True, kw_only=True)
class Charge:
    """One billed line in one of its states.

    ``amount`` is in provider units: dollars from OpenAI, cents from Anthropic. ``description`` is OpenAI's line item,
    and ``project_id`` Anthropic's workspace. The line is served from ``served_from_at`` until just before
    ``served_until_at`` (None: for good).
    """

    charge_id: str
    provider_name: str
    account_id: str
    usage_date: date
    project_id: str | None = None
    api_key_id: str | None = None
    description: str
    charge_kind: str
    charge_category: str = "usage"
    meter: str | None = None
    model_name: str | None = None
    service_tier: str | None = None
    context_window: str | None = None
    inference_geo: str | None = None
    quantity_unit: str | None = None
    amount_unit: str
    amount: Decimal
    amount_usd: Decimal
    quantity: int | None = None
    served_from_at: datetime
    served_until_at: datetime | None = None

    def costing(self, amount_usd: Decimal) -> Charge:
        """The same line with another amount."""
        return replace(
            self, amount_usd=amount_usd, amount=amount_usd * 100 if self.amount_unit == "cents" else amount_usd
        )


@dataclass(frozen=True)
class _Sum:
    """What was charged for one meter on one day; ``band`` and ``service_tier`` are summed over for OpenAI."""

    usage_date: date
    project_id: str | None
    api_key_id: str | None
    model_name: str
    service_tier: str | None
    band: int
    meter: str
    quantity: int
    list_pico_usd: int


def final_charges(spec: SandboxSpec, metering: Path) -> Iterator[Charge]:
    """Every billed line as it finally stands, except that no day has been withdrawn."""
    openai = _sums(metering, "openai", "project_id, api_key_id, model_name, null as service_tier, 0 as band")
    yield from _openai_lines(spec, openai)
    yield from _credits(spec, openai)
    yield from _anthropic_lines(
        spec, _sums(metering, "anthropic", "project_id, null as api_key_id, model_name, service_tier, band")
    )
    for day in spec.dates():
        yield from _file_searches(spec, day)
        yield from _code_execution(spec, day)


def _sums(metering: Path, provider: str, dimensions: str) -> list[_Sum]:
    parts = " union all ".join(
        f"""
        select usage_date, {dimensions}, '{meter}' as meter, {meter}_charged as quantity, {meter}_pico_usd as pico
        from metered
        """
        for meter in prices.METERS
    )
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"""
            with metered as (select * from read_parquet(?) where provider_name = ?)
            select
                usage_date, project_id, api_key_id, model_name, service_tier, band, meter,
                cast(sum(quantity) as bigint), cast(sum(pico) as bigint)
            from ({parts})
            group by all having sum(quantity) > 0 order by all
            """,
            [str(metering), provider],
        ).fetchall()
    return [_Sum(*row) for row in rows]


def _numbered(sums: list[_Sum]) -> Iterator[tuple[int, _Sum]]:
    """Sums with their number within their day, so that a line keeps its number when other days are added."""
    for _, of_day in groupby(sums, key=lambda each: each.usage_date):
        yield from enumerate(of_day)


def _openai_lines(spec: SandboxSpec, sums: list[_Sum]) -> Iterator[Charge]:
    for number, line in _numbered(sums):
        is_search = line.meter == "web_search"
        yield _openai_line(
            line.usage_date,
            f"{number}",
            description=f"{line.model_name}, {_DIRECTIONS[line.meter]}",
            charge_kind="web_search" if is_search else "tokens",
            project_id=line.project_id,
            api_key_id=line.api_key_id,
            meter=line.meter,
            model_name=line.model_name,
            quantity=line.quantity,
            quantity_unit=None if is_search else "tokens",
            amount=_contract_price(spec, "openai", line.usage_date, line.list_pico_usd),
        )


def _openai_line(
    day: date,
    name: str,
    *,
    description: str,
    charge_kind: str,
    amount: Decimal,
    charge_category: str = "usage",
    project_id: str | None = None,
    api_key_id: str | None = None,
    meter: str | None = None,
    model_name: str | None = None,
    quantity: int | None = None,
    quantity_unit: str | None = None,
) -> Charge:
    return Charge(
        charge_id=f"openai-{day:%Y%m%d}-{name}",
        provider_name="openai",
        account_id=company.OPENAI_ACCOUNT,
        usage_date=day,
        project_id=project_id,
        api_key_id=api_key_id,
        description=description,
        charge_kind=charge_kind,
        charge_category=charge_category,
        meter=meter,
        model_name=model_name,
        quantity=quantity,
        quantity_unit=quantity_unit,
        amount_unit="usd",
        amount=amount,
        amount_usd=amount,
        served_from_at=settled_at("openai", day),
    )


def _credits(spec: SandboxSpec, sums: list[_Sum]) -> Iterator[Charge]:
    for offset, project in CREDITS.items():
        day = spec.story_date + timedelta(days=offset)
        pico = sum(line.list_pico_usd for line in sums if line.usage_date == day and project in (None, line.project_id))
        amount = (_contract_price(spec, "openai", day, pico) * -CREDIT_PERCENT / 100).quantize(Decimal("0.01"))
        if amount:
            yield _openai_line(
                day,
                "credit",
                description="credit: service incident",
                charge_kind="credit",
                charge_category="credit",
                project_id=project,
                amount=amount,
            )


def _file_searches(spec: SandboxSpec, day: date) -> Iterator[Charge]:
    calls = file_search_calls(spec, day)
    if calls:
        pico = calls * int(FILE_SEARCH_USD_PER_THOUSAND * 10**9)
        yield _openai_line(
            day,
            "file-search",
            description="assistants api | file search",
            charge_kind="file_search",
            project_id="proj_search",
            meter="file_search",
            quantity=calls,
            amount=_contract_price(spec, "openai", day, pico),
        )


def file_search_calls(spec: SandboxSpec, day: date) -> int:
    """File searches of one day, all in ``proj_search``."""
    return round(float(expected_requests(spec, day).sum()) * 0.02)


def _anthropic_lines(spec: SandboxSpec, sums: list[_Sum]) -> Iterator[Charge]:
    for number, line in _numbered(sums):
        charge = _token_line(line) if line.meter in _DESCRIPTIONS else _anthropic_line(line, "Web Search Usage")
        charge = replace(charge, charge_id=f"anthropic-{line.usage_date:%Y%m%d}-{number}")
        total = _contract_price(spec, "anthropic", line.usage_date, line.list_pico_usd)
        if zlib.crc32(charge.charge_id.encode()) % 1000 < 1000 * SPLIT_LINE_RATE:
            part = (total / 3).quantize(Decimal(1).scaleb(-_SCALE))
            yield replace(charge, charge_id=f"{charge.charge_id}-rest").costing(total - part)
            total = part
        yield charge.costing(total)


def _token_line(line: _Sum) -> Charge:
    batch = " - Batch" if line.service_tier == "batch" else ""
    long_context = ", Long Context" if line.band else ""
    words = f"{_display_name(line.model_name)} Usage{batch} - {_DESCRIPTIONS[line.meter]}{long_context}"
    return replace(
        _anthropic_line(line, words),
        charge_kind="tokens",
        quantity_unit="tokens",
        model_name=line.model_name,
        service_tier=line.service_tier,
        context_window="200k-1M" if line.band else "0-200k",
        inference_geo=None if line.model_name.startswith(_MODELS_WITHOUT_GEO) else "global",
    )


def _anthropic_line(line: _Sum, description: str) -> Charge:
    """A line of searches: the fields that concern tokens are null in the report."""
    return Charge(
        charge_id="",
        provider_name="anthropic",
        account_id=company.ANTHROPIC_ACCOUNT,
        usage_date=line.usage_date,
        project_id=line.project_id,
        description=description,
        charge_kind=line.meter,
        meter=line.meter,
        quantity=line.quantity,
        quantity_unit="requests",
        amount_unit="cents",
        amount=Decimal(0),
        amount_usd=Decimal(0),
        served_from_at=settled_at("anthropic", line.usage_date),
    )


def _code_execution(spec: SandboxSpec, day: date) -> Iterator[Charge]:
    """Code execution on workdays, which no usage report shows."""
    minutes = round(float(expected_requests(spec, day).sum()) * 0.05) if day.weekday() < 5 else 0
    if minutes:
        line = _Sum(day, "wrkspc_01devx", None, "", None, 0, "code_execution", minutes, 0)
        pico = minutes * int(CODE_EXECUTION_USD_PER_HOUR * 10**12) // 60
        yield replace(
            _anthropic_line(line, "Code Execution Usage"),
            charge_id=f"anthropic-{day:%Y%m%d}-code",
            meter="code_sessions",
            quantity_unit="minutes",
        ).costing(_contract_price(spec, "anthropic", day, pico))


def _contract_price(spec: SandboxSpec, provider: str, day: date, list_pico_usd: int) -> Decimal:
    """Dollars to pay for a list cost in whole 10**-12 dollars: exact, with 14 decimals at most."""
    return Decimal(list_pico_usd * company.contract_percent(provider, day, spec.story_date)).scaleb(-_SCALE)


def settled_at(provider: str, day: date) -> datetime:
    """When the bill of a day is complete; before that it lacks lines."""
    return midnight(day, 1) + timedelta(hours=24 if provider == "openai" else 18)


def midnight(day: date, days_later: int) -> datetime:
    """The start of the day that is ``days_later`` after ``day``, UTC."""
    return datetime.combine(day + timedelta(days=days_later), time(), tzinfo=UTC)


def _display_name(model: str) -> str:
    """``claude-sonnet-4-5-20250929`` as the report writes it: Claude Sonnet 4.5."""
    family, *numbers = [part for part in model.removeprefix("claude-").split("-") if len(part) < 8]
    return f"Claude {family.title()} {'.'.join(numbers)}"
