"""How each billed line changes until it is final.

A day's bill is absent at first, then incomplete, then settled; some days are restated a week later, credits are granted
afterwards, one day is withdrawn altogether. Every state of every line is a row of ``charge_versions`` with the span of
server time in which it is served; the last states are ``charges``.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from sandbox.charges import Charge, final_charges, midnight
from sandbox.draws import mix, unit_interval
from sandbox.spec import SandboxSpec

RESTATED_DAY_RATE = 0.04
RESTATED_AFTER_DAYS = 9
RESTATED_FROM_PERCENT = 104
WITHDRAWN_DAY = -27
WITHDRAWN_AFTER_DAYS = 10
CREDIT_AFTER_DAYS = 12
FINAL_AFTER_DAYS = 14
"""So many days after its end, a day no longer changes."""

INCOMPLETE_LINE_RATE = 0.55
"""Share of lines that a fresh bill shows, each of them short by some percent."""

INCOMPLETE_PERCENT = 85

_TEXTS = (
    *("charge_id", "provider_name", "account_id", "project_id", "api_key_id", "description", "charge_kind"),
    *("charge_category", "meter", "model_name", "service_tier", "context_window", "inference_geo"),
    *("quantity_unit", "amount_unit"),
)
CHARGE_SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in _TEXTS),
        pa.field("amount", pa.decimal128(38, 18)),
        pa.field("amount_usd", pa.decimal128(38, 18)),
        pa.field("quantity", pa.int64()),
        pa.field("usage_date", pa.date32()),
        pa.field("served_from_at", pa.timestamp("us", tz="UTC")),
        pa.field("served_until_at", pa.timestamp("us", tz="UTC")),
    ]
)


def waived_days(spec: SandboxSpec) -> frozenset[tuple[str, date]]:
    """Provider and day of bills that were withdrawn whole."""
    return frozenset({("openai", spec.story_date + timedelta(days=WITHDRAWN_DAY))})


def charge_table(charges: list[Charge]) -> pa.Table:
    """Charges as a table; times in UTC."""
    return pa.table(
        {name: [getattr(charge, name) for charge in charges] for name in CHARGE_SCHEMA.names}, schema=CHARGE_SCHEMA
    )


def charge_versions(spec: SandboxSpec, metering: Path) -> list[Charge]:
    """Every state of every billed line of the company."""
    charges = list(final_charges(spec, metering))
    draws = unit_interval(mix(spec.seed, np.array([zlib.crc32(charge.charge_id.encode()) for charge in charges]), 42))
    return [
        version for charge, draw in zip(charges, draws, strict=True) for version in _versions(spec, charge, float(draw))
    ]


def _versions(spec: SandboxSpec, final: Charge, draw: float) -> Iterator[Charge]:
    """The states of one line, in the order in which the server shows them; ``draw`` decides which troubles it has."""
    day, provider, complete_at = final.usage_date, final.provider_name, final.served_from_at
    if final.charge_category == "credit":
        yield replace(final, served_from_at=midnight(day, 1 + CREDIT_AFTER_DAYS))
        return
    if draw < INCOMPLETE_LINE_RATE:
        yield _scaled(final, INCOMPLETE_PERCENT, _first_seen_at(provider, day), complete_at)
    if (provider, day) in waived_days(spec):
        yield replace(final, served_until_at=midnight(day, 1 + WITHDRAWN_AFTER_DAYS))
    elif is_restated_day(spec, provider, day) and draw < 0.5:
        changed_at = midnight(day, 1 + RESTATED_AFTER_DAYS)
        yield _scaled(final, RESTATED_FROM_PERCENT, complete_at, changed_at)
        yield replace(final, served_from_at=changed_at)
    else:
        yield final


@cache
def is_restated_day(spec: SandboxSpec, provider: str, day: date) -> bool:
    """Whether the settled bill of a day is changed once more later."""
    return bool(unit_interval(mix(spec.seed, day.toordinal(), len(provider), 43))[0] < RESTATED_DAY_RATE)


def _scaled(charge: Charge, percent: int, start: datetime, end: datetime) -> Charge:
    amount = (charge.amount_usd * percent / 100).quantize(Decimal("1e-14"))
    return replace(
        charge.costing(amount),
        quantity=charge.quantity and charge.quantity * percent // 100,
        served_from_at=start,
        served_until_at=end,
    )


def _first_seen_at(provider: str, day: date) -> datetime:
    return midnight(day, 1) + timedelta(hours=4 if provider == "openai" else 2)
