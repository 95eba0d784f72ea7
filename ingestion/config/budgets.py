"""``budgets.csv``: budgets and other caps, and the rules that hold between their lines."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import combinations
from pathlib import Path

from ingestion.config import csv_files as cells
from ingestion.config.csv_files import CellError, Parser
from ingestion.config.tables import SPAN, Placed, Table, check_spans, overlap, read_table
from ingestion.records import ConfigBudget, ConfigCustomer

SCOPE_COLUMNS = (
    "team",
    "feature",
    "environment",
    "provider_name",
    "model_id",
    "model_family",
    "customer_id",
    "customer_segment",
)
"""What the cost of a budget can be narrowed to; blank means any."""

_NEW_COLUMNS = (
    *("budget_kind", "parent_budget_id", "model_family", "customer_segment"),
    *("fiscal_year_start_month", "alert_probability"),
)
"""Files from before these columns are read as if they were blank."""

_DEFAULT_ALERT_PROBABILITY = Decimal("0.85")


def _probability(cell: str) -> Decimal:
    probability = cells.decimal(cell) if cell else _DEFAULT_ALERT_PROBABILITY
    if not Decimal("0.01") <= probability <= Decimal("0.99"):
        # Probabilities are read off quantiles from 1 to 99 %: beyond them an alert would always or never be raised.
        raise CellError(f"{cell} is no level of an alert", "write a decimal from 0.01 to 0.99, such as 0.85")
    return probability


def _month_number(cell: str) -> int:
    month = cells.whole_number(cell) if cell else 1
    if not 1 <= month <= 12:
        raise CellError(f"{cell} is not the number of a month", "write 1 for January to 12 for December")
    return month


BUDGET_COLUMNS: dict[str, Parser] = {
    "budget_id": cells.required_text,
    "budget_name": cells.required_text,
    "budget_kind": cells.choice_or("budget", "provider_limit", "prepaid_credit", "commitment"),
    "parent_budget_id": cells.text,
    **dict.fromkeys(SCOPE_COLUMNS, cells.text),
    "period": cells.choice("month", "quarter", "year", "custom"),
    "fiscal_year_start_month": _month_number,
    "amount": cells.positive_decimal,
    "currency": cells.currency,
    "is_hard_cap": cells.boolean,
    "thresholds": cells.shares,
    "alert_probability": _probability,
    "owner_email": cells.text,
    "channel": cells.names,
    **SPAN,
}


def read_budgets(folder: Path) -> Table[ConfigBudget]:
    """The budgets, each with a period that has an end, no two lines of one in force on one day, and no cycle."""
    table = read_table(
        folder / "budgets.csv", BUDGET_COLUMNS, lambda row: ConfigBudget(**row.cells), optional=_NEW_COLUMNS
    )
    check_spans(table)
    _check_custom_periods(table)
    _check_overlaps(table)
    _check_parents(table)
    return table


def _check_custom_periods(table: Table[ConfigBudget]) -> None:
    for row in table:
        budget = row.record
        is_open = budget.valid_from_date == cells.FIRST_DAY or budget.valid_to_date == cells.LAST_DAY
        if budget.period == "custom" and is_open:
            table.file.report(row.line, "period", "a custom period has no end of its own", "give both of its dates")


def _check_overlaps(table: Table[ConfigBudget]) -> None:
    for one, other in combinations(table.rows, 2):
        if one.record.budget_id == other.record.budget_id and overlap(one.record, other.record):
            what = f"the periods of {one.record.budget_id} in lines {one.line} and {other.line} overlap"
            table.file.report(other.line, "valid_from_date", what, "end the earlier one the day before")


def _check_parents(table: Table[ConfigBudget]) -> None:
    parents = {row.record.budget_id: row.record.parent_budget_id for row in table}
    for row in table:
        parent = row.record.parent_budget_id
        if parent is not None and parent not in parents:
            what = f"there is no budget {parent!r}"
            table.file.report(row.line, "parent_budget_id", what, "name the budget_id of another line, or nothing")
        elif parent is not None and (cycle := _cycle(row.record.budget_id, parents)):
            what = f"{' is under '.join(cycle)}"
            table.file.report(row.line, "parent_budget_id", what, "leave the parent of the topmost budget blank")


def _cycle(budget_id: str, parents: dict[str, str | None]) -> list[str]:
    """The budgets from one up to itself; empty where the way up ends, or ends in a cycle of others."""
    way: list[str] = [budget_id]
    above = parents.get(budget_id)
    while above is not None and above not in way:
        way.append(above)
        above = parents.get(above)
    return [*way, budget_id] if above == budget_id else []


def check_budget_scopes(budgets: Table[ConfigBudget], customers: Table[ConfigCustomer]) -> None:
    """Report every child whose cost is not part of its parent's, on the days on which both are in force."""
    segments = {customer.customer_id: customer.customer_segment for customer in customers.records}
    for child, parent in _families(budgets):
        for column in _outside(child.record, parent.record, segments):
            value = getattr(parent.record, column)
            what = f"its parent {parent.record.budget_id} (line {parent.line}) is only for {column} {value}"
            budgets.file.report(child.line, column, what, f"write {value}, or take another parent")


def _families(budgets: Table[ConfigBudget]) -> Iterator[tuple[Placed[ConfigBudget], Placed[ConfigBudget]]]:
    for child in budgets:
        for parent in budgets:
            is_above = child.record.parent_budget_id == parent.record.budget_id != child.record.budget_id
            if is_above and overlap(child.record, parent.record):
                yield child, parent


def _outside(child: ConfigBudget, parent: ConfigBudget, segments: dict[str, str | None]) -> Iterator[str]:
    """The scope columns in which a child is not narrower than its parent, or as narrow."""
    for column in SCOPE_COLUMNS:
        wanted, found = getattr(parent, column), getattr(child, column)
        if column == "customer_segment" and found is None and child.customer_id is not None:
            found = segments.get(child.customer_id)
        if wanted is not None and found != wanted:
            yield column
