"""What every load of the providers' cost tables knew of each day, for learning how complete young days are.

The index of the lake shows only what is in force; here the superseded loads matter, so the manifest is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

import duckdb

from forecasting.maturity import Completeness, CostObservation, learn_completeness
from ingestion.lake import Lake

LOOK_BACK_DAYS = 120
"""How a provider reported a year ago says little about how it reports now."""


@dataclass(frozen=True)
class CostTable:
    """Where a provider's daily costs lie in the lake."""

    provider_name: str
    amount_column: str
    dollars_per_unit: Decimal


COST_TABLES = {
    "openai_costs": CostTable("openai", "amount_value", Decimal(1)),
    "anthropic_costs": CostTable("anthropic", "amount_cents", Decimal("0.01")),
}


def learn_from_lake(lake: Lake, now: datetime) -> Completeness:
    """Completeness of the providers' days, from all loads of their cost tables."""
    return learn_completeness(cost_observations(lake, now))


def cost_observations(lake: Lake, now: datetime) -> Iterator[CostObservation]:
    """One observation for each load and each day that it covers, of the last ``LOOK_BACK_DAYS`` days.

    A day for which a load had no row was known to have cost nothing at that time.
    """
    since = now.date() - timedelta(days=LOOK_BACK_DAYS)
    loads = lake.loads()
    for table, costs in COST_TABLES.items():
        amounts = _amounts(lake, table, costs, since)
        for load in loads:
            if load.table != table:
                continue
            for entry in load.days:
                if entry.day >= since:
                    # A load that found a day unchanged points to the load that wrote it.
                    known = amounts.get((entry.data_load_id, entry.day), Decimal(0))
                    yield CostObservation(costs.provider_name, load.account_id, entry.day, load.loaded_at, known)


def _amounts(lake: Lake, table: str, costs: CostTable, since: date) -> dict[tuple[str, date], Decimal]:
    """Dollars by the load that wrote them and their day."""
    files = [str(path) for path in lake.data_files(table, since=since)]
    if not files:
        return {}
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"""
            select _load_id, _day, sum(cast({costs.amount_column} as decimal(38, 12)))
            from read_parquet(?, union_by_name = true, hive_partitioning = false)
            where _day >= ?
            group by all
            """,
            [files, since],
        ).fetchall()
    return {(load_id, day): amount * costs.dollars_per_unit for load_id, day, amount in rows}
