"""What is known of the future, whom it concerns, and who is told: planned changes, scenarios, customers, channels."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

from ingestion.config import csv_files as cells
from ingestion.config.csv_files import CellError, Parser
from ingestion.config.tables import Placed, Table, check_spans, read_table
from ingestion.records import ConfigAlertChannel, ConfigCustomer, ConfigForecastScenario, ConfigPlannedChange

CHANGE_SCOPE_COLUMNS = (
    "team",
    "feature",
    "environment",
    "provider_name",
    "model_id",
    "model_family",
    "customer_segment",
)
RESERVED_SCENARIOS = ("base", "backtest")
"""The forecast itself, and forecasts made after the fact; no scenario of a user can be called so."""

_DRIVERS = ("requests", "tokens_per_request", "price")
_SCENARIO = re.compile(r"[a-z0-9][a-z0-9_-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _driver(cell: str) -> str | None:
    return cells.choice(*_DRIVERS)(cell) if cell else None


def _ramp(cell: str) -> int:
    days = cells.whole_number(cell) if cell else 0
    if days < 0:
        raise CellError(f"{cell} is below zero", "write the days until the change has its full effect, 0 for at once")
    return days


def _scenario(cell: str) -> str:
    if cell in RESERVED_SCENARIOS:
        raise CellError(f"{cell!r} is the name of a forecast of our own", "give the scenario another name")
    if not _SCENARIO.fullmatch(cell):
        raise CellError(f"{cell!r} cannot name a scenario", "use small letters, digits, _ and -")
    return cell


def _growth(cell: str) -> Decimal:
    growth = cells.decimal(cell)
    if growth <= -1:
        raise CellError(f"{cell} would leave nothing after a month", "write a decimal above -1, such as 0.05 for 5 %")
    return growth


def _channel(cell: str) -> str:
    if ";" in cells.required_text(cell):
        raise CellError(f"{cell!r} holds a ;, which separates channels in budgets.csv", "give it a name without one")
    return cell


def _variable(cell: str) -> str:
    # An address here would be a secret in a file: it is refused without being repeated.
    if not _VARIABLE.fullmatch(cell):
        raise CellError(
            "the cell is not the name of an environment variable",
            "write its name, such as TOKENATLAS_SLACK_URL, and put the address itself into .env",
        )
    return cell


CHANGE_COLUMNS: dict[str, Parser] = {
    "change_id": cells.required_text,
    "change_name": cells.required_text,
    "change_kind": cells.choice("price", "launch", "migration", "go_live", "holiday", "other"),
    **dict.fromkeys(CHANGE_SCOPE_COLUMNS, cells.text),
    "driver": _driver,
    "factor": cells.positive_decimal_or_blank,
    "daily_amount_usd": cells.positive_decimal_or_blank,
    "start_date": cells.day,
    "end_date": cells.last_day,
    "ramp_days": _ramp,
    "comment": cells.text,
}
SCENARIO_COLUMNS: dict[str, Parser] = {
    "scenario": _scenario,
    "team": cells.text,
    "feature": cells.text,
    "monthly_growth_ratio": _growth,
    "fade_months": cells.positive_decimal_or_blank,
    "saturation_ratio": cells.positive_decimal_or_blank,
    "comment": cells.text,
}
CUSTOMER_COLUMNS: dict[str, Parser] = {
    "customer_id": cells.required_text,
    "customer_name": cells.text,
    "customer_segment": cells.text,
}
CHANNEL_COLUMNS: dict[str, Parser] = {
    "channel": _channel,
    "url_env": _variable,
    "min_severity": cells.choice_or("info", "warning", "critical"),
    "comment": cells.text,
}


def read_planned_changes(folder: Path) -> Table[ConfigPlannedChange]:
    """The planned changes, each either a factor on a driver or an amount a day."""
    table = read_table(folder / "planned_changes.csv", CHANGE_COLUMNS, lambda row: ConfigPlannedChange(**row.cells))
    table.refuse_repeats("change_id", lambda change: change.change_id)
    check_spans(table, "start_date", "end_date")
    for row in table:
        _check_effect(table, row)
    return table


def _check_effect(table: Table[ConfigPlannedChange], row: Placed[ConfigPlannedChange]) -> None:
    change = row.record
    if (change.factor is None) == (change.daily_amount_usd is None):
        what = "a change needs either a factor or a daily_amount_usd"
        table.file.report(row.line, "factor", what, "such as factor 0.8 on driver price, or 25.00 dollars a day")
    elif change.factor is not None and change.driver is None:
        what = "the factor has no driver to act on"
        table.file.report(row.line, "driver", what, f"one of: {', '.join(_DRIVERS)}")
    elif change.daily_amount_usd is not None and change.driver is not None:
        what = f"an amount a day does not act on {change.driver}"
        table.file.report(row.line, "driver", what, "leave it blank, or give a factor")


def read_forecast_scenarios(folder: Path) -> Table[ConfigForecastScenario]:
    """The scenarios, each with at most one line for a scope, and no level that its growth leads away from."""
    table = read_table(
        folder / "forecast_scenarios.csv", SCENARIO_COLUMNS, lambda row: ConfigForecastScenario(**row.cells)
    )
    table.refuse_repeats("scenario", lambda line: (line.scenario, line.team, line.feature))
    for row in table:
        growth, level = row.record.monthly_growth_ratio, row.record.saturation_ratio
        if level is not None and (level - 1) * growth <= 0:
            what = f"growth of {growth} a month never reaches {level} times base"
            table.file.report(row.line, "saturation_ratio", what, "above 1 for growth, below 1 for decline, or blank")
    return table


def read_customers(folder: Path) -> Table[ConfigCustomer]:
    table = read_table(folder / "customers.csv", CUSTOMER_COLUMNS, lambda row: ConfigCustomer(**row.cells))
    table.refuse_repeats("customer_id", lambda customer: customer.customer_id)
    return table


def read_alert_channels(folder: Path) -> Table[ConfigAlertChannel]:
    table = read_table(folder / "alert_channels.csv", CHANNEL_COLUMNS, lambda row: ConfigAlertChannel(**row.cells))
    table.refuse_repeats("channel", lambda channel: channel.channel)
    return table
