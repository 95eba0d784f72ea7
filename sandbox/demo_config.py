"""The configuration of the demo: ``sandbox/config`` with what depends on the company's size and bills filled in."""

from __future__ import annotations

import csv
import shutil
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb

from sandbox import company
from sandbox.world import World

CONFIG = Path(__file__).parent / "config"

DISPUTED_AMOUNT = Decimal("1.20")
"""The latest invoice of Anthropic asks for so much more than its cost report shows."""


def write_config(world: World) -> Path:
    """Writes ``<home>/config``: a copy of ``sandbox/config`` with amounts to the company's size and an invoice for
    each closed month.

    Invoices are the bills of months that have ended, as the providers serve them at the default clock, in whole
    cents; the last one of Anthropic is wrong by ``DISPUTED_AMOUNT``.
    """
    folder = world.home / "config"
    shutil.copytree(CONFIG, folder, dirs_exist_ok=True)
    size = Decimal(repr(world.spec.size))
    _scale_column(folder / "budgets.csv", "amount", size, to=Decimal("0.01"))
    _scale_column(folder / "planned_changes.csv", "daily_amount_usd", size, to=Decimal("0.0001"))
    _write_invoices(folder / "invoices.csv", world)
    return folder


def _scale_column(path: Path, column: str, size: Decimal, *, to: Decimal) -> None:
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        names, rows = reader.fieldnames or [], list(reader)
    for row in rows:
        if row[column]:
            row[column] = str((Decimal(row[column]) * size).quantize(to))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _write_invoices(path: Path, world: World) -> None:
    with duckdb.connect() as connection:
        connection.register("charges", world.charges_at(world.default_clock))
        totals = connection.execute(
            """
            select provider_name, cast(date_trunc('month', usage_date) as date) as month, sum(amount_usd)
            from charges group by all order by month, provider_name
            """
        ).fetchall()
    rows = []
    for provider, month, total in totals:
        last_day = (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        if month < world.spec.start_date or last_day >= world.spec.end_date:
            continue
        amount = total.quantize(Decimal("0.01"))
        if provider == "anthropic" and last_day + timedelta(days=31) > world.spec.end_date:
            amount += DISPUTED_AMOUNT
        rows.append(_invoice(provider, month, last_day, amount))
    with path.open("a", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def _invoice(provider: str, first_day: date, last_day: date, amount: Decimal) -> list[str]:
    identity = f"{'OAI' if provider == 'openai' else 'ANT'}-{first_day:%Y%m}"
    return [identity, provider, company.ACCOUNTS[provider], str(first_day), str(last_day), str(amount), "USD"]
