"""``model_quality.csv``: how good the answers of a model are, where no outcome measures it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from ingestion.config import csv_files as cells
from ingestion.config.csv_files import CellError, Parser
from ingestion.config.tables import Table, read_table
from ingestion.records import ConfigModelQuality


def _score(cell: str) -> Decimal:
    score = cells.decimal(cell)
    if not 0 <= score <= 1:
        how = "divide by the top of its scale: 87 of 100 points is 0.87; 4 of 1 to 5 stars is (4 - 1) / (5 - 1) = 0.75"
        raise CellError(f"{cell} is not between 0 and 1", how)
    return score


QUALITY_COLUMNS: dict[str, Parser] = {
    "feature": cells.text,
    "provider_name": cells.required_text,
    "model_id": cells.required_text,
    "quality_score": _score,
    "source": cells.required_text,
    "checked_date": cells.day,
    "note": cells.text,
}


def read_model_quality(folder: Path) -> Table[ConfigModelQuality]:
    """The scores, at most one for a model and feature (blank feature: all that have none of their own)."""
    table = read_table(folder / "model_quality.csv", QUALITY_COLUMNS, lambda row: ConfigModelQuality(**row.cells))
    table.refuse_repeats("model_id", lambda row: (row.feature, row.provider_name, row.model_id))
    return table
