"""A published file in the small: what the pages need to know of it, without a run."""

from __future__ import annotations

from datetime import date

from dashboards.published import Column, PublishedTables, Table

SPEND = "finops.mart_spend_daily"
MARGIN = "finops.mart_customer_margin_monthly"
RECONCILIATION = "finops.mart_reconciliation"


def published(*tables: str, teams: tuple[str, ...] = ("search", "support", "unattributed")) -> PublishedTables:
    """A publication that holds these tables, each with the columns that filters ask for."""
    columns = {
        SPEND: ("provider_name", "team", "feature", "environment", "model_id", "effective_cost_usd", "usage_date"),
        MARGIN: ("customer_id", "effective_cost_usd", "revenue_usd", "margin_usd", "cost_month"),
        RECONCILIATION: ("provider_name", "billed_cost_usd", "usage_date"),
    }
    made = {
        table: Table(
            f"What {table} holds.",
            tuple(
                Column(name, "DATE" if name.endswith(("_date", "_month")) else "VARCHAR", f"About {name}.")
                for name in columns[table]
            ),
        )
        for table in tables
    }
    return PublishedTables(made, teams, date(2026, 11, 22), has_views=False)
