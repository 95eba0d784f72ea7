"""Rules that hold between configuration files, and what is allowed but probably not meant."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import combinations
from pathlib import Path

from ingestion.config.budgets import SCOPE_COLUMNS
from ingestion.config.patterns import contains
from ingestion.config.problems import ConfigWarning
from ingestion.config.tables import MATCH_COLUMNS, OWNER_COLUMNS, Table, overlap
from ingestion.prices.names import KNOWN_TIERS
from ingestion.prices.overrides import PriceOverride
from ingestion.records import (
    ConfigAlertChannel,
    ConfigAttributionRule,
    ConfigBudget,
    ConfigCostSplit,
    ConfigFeature,
    ConfigForecastScenario,
    ConfigFxRate,
    ConfigInvoice,
    ConfigModelQuality,
    ConfigPlannedChange,
    ConfigTeam,
)


def check_teams(
    teams: Table[ConfigTeam],
    features: Table[ConfigFeature],
    rules: Table[ConfigAttributionRule],
    splits: Table[ConfigCostSplit],
    budgets: Table[ConfigBudget],
    planned_changes: Table[ConfigPlannedChange],
    scenarios: Table[ConfigForecastScenario],
) -> None:
    """Report every team that ``teams.csv`` does not have. Without any team there, teams are not checked."""
    known = {team.team for team in teams.records}
    if not known:
        return
    tables: list[tuple[Table[object], tuple[str, ...]]] = [
        (features, ("team",)),
        (rules, ("team",)),
        (splits, ("from_team", "to_team")),
        (budgets, ("team",)),
        (planned_changes, ("team",)),
        (scenarios, ("team",)),
    ]
    for table, columns in tables:
        for row in table:
            for column in columns:
                team = getattr(row.record, column)
                if team is not None and team not in known:
                    table.file.report(row.line, column, f"there is no team {team!r}", "add it to teams.csv")


def check_channels(budgets: Table[ConfigBudget], channels: Table[ConfigAlertChannel]) -> None:
    """Report every channel that ``alert_channels.csv`` does not have. Without any there, see ``warnings``."""
    known = {channel.channel for channel in channels.records}
    for line, channel in _unknown_channels(budgets, known):
        if known:
            mend = f"add it to alert_channels.csv, or take one of: {', '.join(sorted(known))}"
            budgets.file.report(line, "channel", f"there is no alert channel {channel!r}", mend)


def _unknown_channels(budgets: Table[ConfigBudget], known: set[str]) -> Iterator[tuple[int, str]]:
    for row in budgets:
        for channel in (row.record.channel or "").split(";"):
            if channel and channel not in known:
                yield row.line, channel


def warnings(
    today: date,
    *,
    features: Table[ConfigFeature],
    rules: Table[ConfigAttributionRule],
    budgets: Table[ConfigBudget],
    planned_changes: Table[ConfigPlannedChange],
    scenarios: Table[ConfigForecastScenario],
    channels: Table[ConfigAlertChannel],
    invoices: Table[ConfigInvoice],
    fx_rates: Table[ConfigFxRate],
    model_quality: Table[ConfigModelQuality],
    overrides: Iterable[PriceOverride],
) -> Iterator[ConfigWarning]:
    """Everything that will run but probably not as meant."""
    named = [("attribution_rules.csv", row.line, row.record.feature) for row in rules]
    named += [("budgets.csv", row.line, row.record.feature) for row in budgets]
    named += [("planned_changes.csv", row.line, row.record.feature) for row in planned_changes]
    named += [("forecast_scenarios.csv", row.line, row.record.feature) for row in scenarios]
    named += [("model_quality.csv", row.line, row.record.feature) for row in model_quality]
    yield from _unknown_features({feature.feature for feature in features.records}, named)
    yield from _shadowed_rules(rules)
    yield from _same_scope_budgets(budgets)
    yield from _budgets_of_the_past(budgets, today)
    if not channels.records:
        for line, channel in _unknown_channels(budgets, set()):
            what = f"nobody is told: there is no alert channel {channel!r}"
            yield ConfigWarning(f"budgets.csv:{line} channel", what, "add it to alert_channels.csv")
    yield from _unusual_tiers(overrides)
    yield from _scores_of_tomorrow(model_quality, today)
    rated = {"USD", *(rate.currency for rate in fx_rates.records)}
    money = [("budgets.csv", row.line, row.record.currency) for row in budgets]
    money += [("invoices.csv", row.line, row.record.currency) for row in invoices]
    for name, line, currency in money:
        if currency not in rated:
            what = f"there is no rate for {currency}, so this amount stays unknown in dollars"
            yield ConfigWarning(f"{name}:{line} currency", what, "add its rate to fx_rates.csv")


def _unknown_features(known: set[str], named: Iterable[tuple[str, int, str | None]]) -> Iterator[ConfigWarning]:
    for name, line, feature in named:
        if known and feature is not None and feature not in known:
            yield ConfigWarning(f"{name}:{line} feature", f"there is no feature {feature!r}", "add it to features.csv")


def _shadowed_rules(rules: Table[ConfigAttributionRule]) -> Iterator[ConfigWarning]:
    """A rule decides nothing if an earlier one gives the same owners for all that it matches, on all of its days."""
    ordered = sorted(rules, key=lambda row: (row.record.priority, row.record.rule_id))
    for position, row in enumerate(ordered):
        for earlier in ordered[:position]:
            if _covers(earlier.record, row.record):
                what = (
                    f"{row.record.rule_id} can never match: {earlier.record.rule_id} (line {earlier.line}) comes first"
                )
                mend = "give it a lower priority number, or delete it"
                yield ConfigWarning(f"attribution_rules.csv:{row.line}", what, mend)
                break


def _covers(earlier: ConfigAttributionRule, later: ConfigAttributionRule) -> bool:
    # Each owner comes from the first rule that gives it: a rule for features does not shadow one for teams.
    if any(getattr(later, column) is not None and getattr(earlier, column) is None for column in OWNER_COLUMNS):
        return False
    patterns = [
        (getattr(earlier, f"{column}_pattern"), getattr(later, f"{column}_pattern")) for column in MATCH_COLUMNS
    ]
    later_tags = json.loads(later.tag_patterns_json or "{}")
    patterns += [(wide, later_tags.get(tag)) for tag, wide in json.loads(earlier.tag_patterns_json or "{}").items()]
    return (
        all(wide is None or (narrow is not None and contains(wide, narrow)) for wide, narrow in patterns)
        and earlier.valid_from_date <= later.valid_from_date
        and earlier.valid_to_date >= later.valid_to_date
    )


def _unusual_tiers(overrides: Iterable[PriceOverride]) -> Iterator[ConfigWarning]:
    """A misspelled tier is never asked for, so its price is never used."""
    for override in overrides:
        if override.service_tier not in KNOWN_TIERS:
            what = f"the tier {override.service_tier!r} prices only requests that name exactly this tier"
            yield ConfigWarning(Path(override.where).name, what, f"the usual tiers are {', '.join(KNOWN_TIERS)}")


def _scores_of_tomorrow(model_quality: Table[ConfigModelQuality], today: date) -> Iterator[ConfigWarning]:
    for row in model_quality:
        if row.record.checked_date > today:
            what = f"{row.record.checked_date} has not come yet"
            yield ConfigWarning(f"model_quality.csv:{row.line} checked_date", what, "write the day of the evaluation")


def _same_scope_budgets(budgets: Table[ConfigBudget]) -> Iterator[ConfigWarning]:
    same = ("budget_kind", "period", *SCOPE_COLUMNS)
    for one, other in combinations(budgets, 2):
        first, second = one.record, other.record
        is_same = all(getattr(first, column) == getattr(second, column) for column in same)
        if is_same and first.budget_id != second.budget_id and overlap(first, second):
            what = f"{second.budget_id} and {first.budget_id} (line {one.line}) cap the same spend in the same days"
            yield ConfigWarning(f"budgets.csv:{other.line}", what, "keep one of the two, or end one before the other")


def _budgets_of_the_past(budgets: Table[ConfigBudget], today: date) -> Iterator[ConfigWarning]:
    last_days: dict[str, tuple[date, int]] = {}
    for row in budgets:
        last_days[row.record.budget_id] = max(
            last_days.get(row.record.budget_id, (date.min, 0)), (row.record.valid_to_date, row.line)
        )
    for budget_id, (last_day, line) in last_days.items():
        if last_day < today:
            what = f"{budget_id} ended on {last_day}: its periods are shown, and nothing is forecast for it"
            yield ConfigWarning(f"budgets.csv:{line} valid_to_date", what, "add a line with later dates, or leave it")
