"""``alert_rules.csv``: how kinds of alerts differ from what is shipped. A blank cell changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from ingestion.config import csv_files as cells
from ingestion.config.csv_files import CellError, Parser
from ingestion.config.tables import Table, read_table

ALERT_KINDS = (
    "budget_breach_expected",
    "budget_threshold_passed",
    "budget_breached",
    "credit_runs_out",
    "budget_overcommitted",
    "spend_anomaly",
    "unit_cost_drift",
    "data_late",
    "unpriced_spend",
    "unattributed_spend",
)
"""As in ``alerting.model.AlertKind``, which this package does not know; a test holds the two together."""


@dataclass(frozen=True)
class AlertRule:
    """One kind of alert, as a user wants it. None: as shipped. Units of level and hysteresis: ``docs/alerts.md``."""

    alert_kind: str
    is_enabled: bool
    severity: str | None
    level: Decimal | None
    hysteresis: Decimal | None
    renotify_after_hours: int | None
    resolve_after_hours: int | None
    comment: str | None


def _enabled(cell: str) -> bool:
    return cells.boolean(cell) if cell else True


def _severity(cell: str) -> str | None:
    return cells.choice("info", "warning", "critical")(cell) if cell else None


def _amount(cell: str) -> Decimal | None:
    amount = cells.decimal_or_blank(cell)
    if amount is not None and amount < 0:
        raise CellError(f"{cell} is below zero", "write zero or more, or leave it blank")
    return amount


def _hours(cell: str) -> int | None:
    hours = cells.whole_number(cell) if cell else None
    if hours is not None and hours < 0:
        raise CellError(f"{cell} is below zero", "write hours, or leave it blank")
    return hours


RULE_COLUMNS: Mapping[str, Parser] = {
    "alert_kind": cells.choice(*ALERT_KINDS),
    "is_enabled": _enabled,
    "severity": _severity,
    "level": _amount,
    "hysteresis": _amount,
    "renotify_after_hours": _hours,
    "resolve_after_hours": _hours,
    "comment": cells.text,
}


def read_alert_rules(folder: Path) -> Table[AlertRule]:
    """The rules, one line at most for each kind."""
    table = read_table(folder / "alert_rules.csv", dict(RULE_COLUMNS), lambda row: AlertRule(**row.cells))
    table.refuse_repeats("alert_kind", lambda rule: rule.alert_kind)
    return table
