"""``recommendation_rules.csv``: which savings are worth a person's time. A kind without a line is as shipped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from ingestion.config import csv_files as cells
from ingestion.config.csv_files import CellError, Parser
from ingestion.config.tables import Table, read_table

KINDS = (
    *("model_swap", "cache_reuse", "cache_write", "billed_failure", "billed_retry", "aborted_stream", "output_cut"),
    *("duplicate_prompt", "batch_eligible", "flex_eligible", "idle_capacity", "oversized_context", "prompt_rollback"),
    *("experiment_rollout", "experiment_stop", "idle_commitment"),
)
"""As ``optimization.recommendations`` has them, which this package does not know; a test holds the two together."""


@dataclass(frozen=True)
class RecommendationRule:
    """One kind, or every other kind under the empty name.

    Attributes:
        minimum_usd: Least saving a month from which it is recommended; None: as shipped.
    """

    kind: str
    is_enabled: bool
    minimum_usd: Decimal | None
    comment: str | None


def _kind(cell: str) -> str:
    return cells.choice(*KINDS)(cell) if cell else ""


def _minimum(cell: str) -> Decimal | None:
    amount = cells.decimal_or_blank(cell)
    if amount is not None and amount < 0:
        raise CellError(f"{cell} is below zero", "write zero or more dollars a month, or leave it blank")
    return amount


def _enabled(cell: str) -> bool:
    return cells.boolean(cell) if cell else True


RULE_COLUMNS: Mapping[str, Parser] = {
    "recommendation_kind": _kind,
    "is_enabled": _enabled,
    "min_saving_usd_per_month": _minimum,
    "comment": cells.text,
}


def read_recommendation_rules(folder: Path) -> Table[RecommendationRule]:
    """The rules, one line at most for each kind; the line without a kind is for all that have none of their own."""
    table = read_table(
        folder / "recommendation_rules.csv",
        dict(RULE_COLUMNS),
        lambda row: RecommendationRule(
            kind=row.cells["recommendation_kind"],
            is_enabled=row.cells["is_enabled"],
            minimum_usd=row.cells["min_saving_usd_per_month"],
            comment=row.cells["comment"],
        ),
    )
    table.refuse_repeats("recommendation_kind", lambda rule: rule.kind)
    for row in table:
        if not row.record.kind and not row.record.is_enabled:
            what = "a line without a kind cannot turn recommendations off"
            table.file.report(row.line, "is_enabled", what, "name each kind that is not wanted")
    return table
