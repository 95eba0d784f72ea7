"""The experiments that are declared: what is tried on whom, what would be worth knowing, and when it ends."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from ingestion.config import csv_files as cells
from ingestion.config.csv_files import LAST_DAY, CellError, Parser
from ingestion.config.tables import Placed, Table, check_spans, read_table
from ingestion.records import ConfigExperiment, ConfigFeature

RANDOMIZATION_UNITS = ("request", "trace", "session", "customer")
PRIMARY_METRICS = ("cost_per_successful_outcome", "cost_per_request", "success_rate")
STOP_RULES = ("sequential", "fixed_date", "max_units")

_DEFAULT_EFFECT = Decimal("0.10")


def parse_arms(cell: str) -> dict[str, Decimal]:
    """``control=0.5;treatment=0.5`` as shares by variant.

    Raises:
        CellError: not of this form, a variant twice, a share that is none, fewer than two arms, a sum other than 1.
    """
    arms: dict[str, Decimal] = {}
    for part in (part.strip() for part in cell.split(";")):
        if not part:
            continue
        variant, _, share = (piece.strip() for piece in part.rpartition("="))
        if not variant:
            raise CellError(f"{part!r} has no share", "write arms as control=0.5;treatment=0.5")
        if variant in arms:
            raise CellError(f"the arm {variant!r} is declared twice", "give each arm one share")
        arms[variant] = cells.positive_decimal(share)
    if len(arms) < 2:
        raise CellError("an experiment needs two arms or more", "write them as control=0.5;treatment=0.5")
    if sum(arms.values()) != 1:
        raise CellError(f"the shares of the arms sum to {sum(arms.values())}, not to 1", "change them, to 1 exactly")
    return arms


def _arms(cell: str) -> str:
    return ";".join(f"{variant}={share:f}" for variant, share in parse_arms(cell).items())


def _fraction(default: Decimal) -> Parser:
    def parse(cell: str) -> Decimal:
        number = cells.decimal(cell) if cell else default
        if not 0 < number < 1:
            raise CellError(f"{cell} is not between 0 and 1", f"such as {default}, which blank stands for")
        return number

    return parse


def _units(cell: str) -> int | None:
    number = cells.whole_number(cell) if cell else None
    if number is not None and number < 1:
        raise CellError(f"{cell} is not above zero", "write how many units all arms together get")
    return number


EXPERIMENT_COLUMNS: dict[str, Parser] = {
    "experiment_id": cells.required_text,
    "hypothesis": cells.required_text,
    "feature": cells.required_text,
    "environment": cells.text,
    "arms": _arms,
    "control_variant": cells.text,
    "randomization_unit": cells.choice(*RANDOMIZATION_UNITS),
    "primary_metric": cells.choice_or(*PRIMARY_METRICS),
    "minimum_effect_ratio": _fraction(_DEFAULT_EFFECT),
    "alpha": _fraction(Decimal("0.05")),
    "power": _fraction(Decimal("0.8")),
    "stop_rule": cells.choice_or(*STOP_RULES),
    "max_units": _units,
    "first_date": cells.day,
    "last_date": cells.last_day,
    "owner_email": cells.text,
    "decision": cells.text,
    "decision_date": lambda cell: cells.day(cell) if cell else None,
}


def read_experiments(folder: Path) -> Table[ConfigExperiment]:
    """The experiments, each on one line with all of its arms."""
    table = read_table(folder / "experiments.csv", EXPERIMENT_COLUMNS, lambda row: ConfigExperiment(**row.cells))
    table.refuse_repeats("experiment_id", lambda experiment: experiment.experiment_id)
    check_spans(table, "first_date", "last_date")
    for row in table:
        _check_control(table, row)
        _check_stop_rule(table, row)
        _check_decision(table, row)
    return table


def check_features(experiments: Table[ConfigExperiment], features: Table[ConfigFeature]) -> None:
    """Report every feature that ``features.csv`` does not have. Without any feature there, they are not checked."""
    known = {feature.feature for feature in features.records}
    for row in experiments:
        if known and row.record.feature not in known:
            what = f"there is no feature {row.record.feature!r}, so no request can take part"
            experiments.file.report(row.line, "feature", what, "add it to features.csv, or write one that is there")


def _check_control(table: Table[ConfigExperiment], row: Placed[ConfigExperiment]) -> None:
    arms, control = parse_arms(row.record.arms), row.record.control_variant
    names = ", ".join(arms)
    if control is None:
        table.file.report(row.line, "control_variant", "the experiment has no control", f"write one of: {names}")
    elif control not in arms:
        what = f"the control {control!r} is none of the arms"
        table.file.report(row.line, "control_variant", what, f"write one of: {names}, or add it to the arms")


def _check_stop_rule(table: Table[ConfigExperiment], row: Placed[ConfigExperiment]) -> None:
    experiment = row.record
    if experiment.stop_rule == "fixed_date" and experiment.last_date == LAST_DAY:
        table.file.report(
            row.line, "last_date", "an experiment that ends on a fixed date needs one", "write its last day"
        )
    if experiment.stop_rule == "max_units" and experiment.max_units is None:
        what = "an experiment that ends after so many units needs their number"
        table.file.report(row.line, "max_units", what, "write how many units all arms together get")
    elif experiment.stop_rule != "max_units" and experiment.max_units is not None:
        what = f"max_units has no effect with the stop rule {experiment.stop_rule}"
        table.file.report(row.line, "max_units", what, "leave it blank, or use stop_rule max_units")


def _check_decision(table: Table[ConfigExperiment], row: Placed[ConfigExperiment]) -> None:
    experiment = row.record
    if (experiment.decision is None) != (experiment.decision_date is None):
        column = "decision" if experiment.decision is None else "decision_date"
        what = "a decision needs both what was decided and the day of it"
        table.file.report(row.line, column, what, "fill in both decision and decision_date, or neither")
    elif experiment.decision_date is not None and experiment.decision_date < experiment.first_date:
        what = "the decision is older than the experiment"
        table.file.report(row.line, "decision_date", what, "write the day on which it was decided")
