"""The configuration CSVs: their columns, and the rules that hold within one file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from ingestion.config import csv_files as cells
from ingestion.config.csv_files import CellError, CsvFile, Parser, Row, read_csv
from ingestion.config.patterns import compile_pattern, compile_tags
from ingestion.records import (
    ConfigAttributionRule,
    ConfigCostSplit,
    ConfigFeature,
    ConfigFxRate,
    ConfigInvoice,
    ConfigTeam,
)

MATCH_COLUMNS = ("provider_name", "account_id", "project_id", "api_key_id", "model_id", "service_name")
OWNER_COLUMNS = ("team", "feature", "environment", "customer_id")
SPAN: dict[str, Parser] = {"valid_from_date": cells.first_day, "valid_to_date": cells.last_day}


def _pattern(cell: str) -> str | None:
    try:
        return compile_pattern(cell) if cell else None
    except ValueError as error:
        raise CellError(str(error), "write exact text, prefix:abc or glob:a*c?") from error


def _tags(cell: str) -> str | None:
    try:
        return compile_tags(cell) if cell else None
    except ValueError as error:
        raise CellError(str(error), "write key=pattern;key2=pattern") from error


TEAM_COLUMNS: dict[str, Parser] = {
    "team": cells.required_text,
    "team_name": cells.required_text,
    "cost_center": cells.text,
    "owner_email": cells.text,
    "aliases": cells.names,
}
FEATURE_COLUMNS: dict[str, Parser] = {
    "feature": cells.required_text,
    "feature_name": cells.required_text,
    "team": cells.text,
    "aliases": cells.names,
    "latency_tolerance_hours": cells.hours_or_blank,
}
RULE_COLUMNS: dict[str, Parser] = {
    "rule_id": cells.required_text,
    "priority": cells.whole_number,
    **dict.fromkeys(MATCH_COLUMNS, _pattern),
    "tags": _tags,
    **dict.fromkeys(OWNER_COLUMNS, cells.text),
    **SPAN,
    "comment": cells.text,
}
SPLIT_COLUMNS: dict[str, Parser] = {
    "split_id": cells.required_text,
    "from_team": cells.required_text,
    "from_feature": cells.text,
    "split_method": cells.choice("fixed", "even", "direct_spend"),
    "to_team": cells.required_text,
    "to_feature": cells.text,
    "weight": cells.decimal_or_blank,
    **SPAN,
}
INVOICE_COLUMNS: dict[str, Parser] = {
    "invoice_id": cells.required_text,
    "provider_name": cells.required_text,
    "account_id": cells.required_text,
    "period_start_date": cells.day,
    "period_end_date": cells.day,
    "total_amount": cells.decimal,
    "currency": cells.currency,
}
FX_COLUMNS: dict[str, Parser] = {
    "currency": cells.currency,
    "rate_date": cells.day,
    "usd_per_unit": cells.positive_decimal,
}


Record = TypeVar("Record", covariant=True)


@dataclass(frozen=True)
class Placed(Generic[Record]):
    """A record and the line that it was read from."""

    line: int
    record: Record


@dataclass(frozen=True)
class Table(Generic[Record]):
    """The rows of one file that could be read."""

    file: CsvFile
    rows: tuple[Placed[Record], ...]

    def __iter__(self) -> Iterator[Placed[Record]]:
        return iter(self.rows)

    @property
    def records(self) -> tuple[Record, ...]:
        return tuple(row.record for row in self.rows)

    def refuse_repeats(self, column: str, key: Callable[[Record], Hashable]) -> None:
        """Report every row whose key an earlier row has."""
        first: dict[Hashable, int] = {}
        for row in self.rows:
            line = first.setdefault(key(row.record), row.line)
            if line != row.line:
                self.file.report(row.line, column, f"the same as in line {line}", "keep one of the two")


class _Spanned(Protocol):
    @property
    def valid_from_date(self) -> date: ...
    @property
    def valid_to_date(self) -> date: ...


def overlap(one: _Spanned, other: _Spanned) -> bool:
    """Whether two spans share a day; the last day belongs to a span."""
    return one.valid_from_date <= other.valid_to_date and other.valid_from_date <= one.valid_to_date


def read_table(
    path: Path, columns: dict[str, Parser], build: Callable[[Row], Record], *, optional: Collection[str] = ()
) -> Table[Record]:
    """The rows of a file as records. A file that is not there has none; ``optional`` columns may be missing."""
    file = read_csv(path, columns, optional)
    return Table(file, tuple(Placed(row.line, build(row)) for row in file.rows))


def check_spans(table: Table[Record], first: str = "valid_from_date", last: str = "valid_to_date") -> None:
    """Report every row whose last day comes before its first."""
    for row in table:
        if getattr(row.record, first) > getattr(row.record, last):
            table.file.report(row.line, last, "the span ends before it begins", f"{last} is the last day in")


# ---------------------------------------------------------------- one reader for each file


def read_teams(folder: Path) -> Table[ConfigTeam]:
    table = read_table(folder / "teams.csv", TEAM_COLUMNS, lambda row: ConfigTeam(**row.cells))
    table.refuse_repeats("team", lambda team: team.team)
    _refuse_shared_spellings(table, "team", [(row.line, row.record.team, row.record.aliases) for row in table])
    return table


def read_features(folder: Path) -> Table[ConfigFeature]:
    table = read_table(
        folder / "features.csv",
        FEATURE_COLUMNS,
        lambda row: ConfigFeature(**row.cells),
        optional=("latency_tolerance_hours",),
    )
    table.refuse_repeats("feature", lambda feature: feature.feature)
    _refuse_shared_spellings(table, "feature", [(row.line, row.record.feature, row.record.aliases) for row in table])
    return table


def read_rules(folder: Path) -> Table[ConfigAttributionRule]:
    table = read_table(folder / "attribution_rules.csv", RULE_COLUMNS, _build_rule)
    table.refuse_repeats("rule_id", lambda rule: rule.rule_id)
    check_spans(table)
    for row in table:
        if not any(getattr(row.record, column) for column in OWNER_COLUMNS):
            table.file.report(row.line, "", "the rule gives no owner", f"fill in one of {', '.join(OWNER_COLUMNS)}")
    return table


def read_splits(folder: Path) -> Table[ConfigCostSplit]:
    table = read_table(folder / "cost_splits.csv", SPLIT_COLUMNS, lambda row: ConfigCostSplit(**row.cells))
    check_spans(table)
    _check_weights(table)
    _check_split_overlaps(table)
    return table


def read_invoices(folder: Path) -> Table[ConfigInvoice]:
    table = read_table(folder / "invoices.csv", INVOICE_COLUMNS, lambda row: ConfigInvoice(**row.cells))
    table.refuse_repeats("invoice_id", lambda invoice: invoice.invoice_id)
    check_spans(table, "period_start_date", "period_end_date")
    return table


def read_fx_rates(folder: Path) -> Table[ConfigFxRate]:
    table = read_table(folder / "fx_rates.csv", FX_COLUMNS, lambda row: ConfigFxRate(**row.cells))
    table.refuse_repeats("rate_date", lambda rate: (rate.currency, rate.rate_date))
    for row in table:
        if row.record.currency == "USD" and row.record.usd_per_unit != 1:
            table.file.report(row.line, "usd_per_unit", "a dollar is one dollar", "delete the line")
    return table


# ---------------------------------------------------------------- rules within one file


def _build_rule(row: Row) -> ConfigAttributionRule:
    values = dict(row.cells)
    patterns = {f"{column}_pattern": values.pop(column) for column in MATCH_COLUMNS}
    tags = values.pop("tags")
    return ConfigAttributionRule(**values, **patterns, tag_patterns_json=tags)


def _refuse_shared_spellings(table: Table[Record], column: str, owners: list[tuple[int, str, str | None]]) -> None:
    """A spelling found in a tag must mean one owner; capitals do not count."""
    meaning: dict[str, tuple[int, str]] = {name.lower(): (line, name) for line, name, _ in owners}
    for line, name, aliases in owners:
        for alias in (aliases or "").split(";"):
            first_line, first_name = meaning.setdefault(alias.lower(), (line, name)) if alias else (line, name)
            if first_name != name:
                what = f"{alias!r} already means the {column} {first_name} (line {first_line})"
                table.file.report(line, "aliases", what, "let each spelling mean one owner")


def _check_weights(table: Table[ConfigCostSplit]) -> None:
    groups: dict[tuple[str, date, date], list[Placed[ConfigCostSplit]]] = defaultdict(list)
    for row in table:
        split = row.record
        if split.split_method == "fixed":
            groups[split.split_id, split.valid_from_date, split.valid_to_date].append(row)
            if split.weight is None or split.weight <= 0:
                table.file.report(row.line, "weight", "a fixed split needs a weight above zero", "such as 0.25")
        elif split.weight is not None:
            what = f"the weight of a split by {split.split_method} has no effect"
            table.file.report(row.line, "weight", what, "leave it blank, or use split_method fixed")
    for (split_id, _, _), rows in groups.items():
        total = sum((row.record.weight or Decimal(0) for row in rows), Decimal(0))
        if total != 1:
            lines = ", ".join(str(row.line) for row in rows)
            what = f"the weights of {split_id} (lines {lines}) sum to {total}, not to 1"
            table.file.report(rows[0].line, "weight", what, "change them so that they sum to exactly 1")


def _check_split_overlaps(table: Table[ConfigCostSplit]) -> None:
    for one, other in combinations(table.rows, 2):
        first, second = one.record, other.record
        if not overlap(first, second):
            continue
        same_source = (first.from_team, first.from_feature) == (second.from_team, second.from_feature)
        if first.split_id != second.split_id:
            if same_source:
                what = f"{first.split_id} (line {one.line}) already splits this cost in the same days"
                table.file.report(other.line, "from_team", what, "split each cost once")
        elif not same_source or first.split_method != second.split_method:
            what = f"line {one.line} of the same split has another sender or method"
            table.file.report(other.line, "split_id", what, "give it a split_id of its own")
        elif (first.valid_from_date, first.valid_to_date) != (second.valid_from_date, second.valid_to_date):
            what = f"line {one.line} of the same split has other dates, which overlap"
            table.file.report(other.line, "valid_from_date", what, "give all receivers of a split the same dates")
        elif (first.to_team, first.to_feature) == (second.to_team, second.to_feature):
            table.file.report(other.line, "to_team", f"the same receiver as in line {one.line}", "keep one of the two")
