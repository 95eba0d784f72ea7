"""``doctor``: what is wrong, and how to mend it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

import duckdb
import typer
from rich.markup import escape

from ingestion.config import Config, ProviderSource, api_key, load_config
from ingestion.errors import ConfigError, TokenAtlasError
from ingestion.lake import Lake
from ingestion.settings import Settings
from orchestration.console import console, money, share
from orchestration.warehouse import reading

STALE_AFTER = timedelta(hours=26)
LATE_AFTER_DAYS = 7

Sql = Callable[[str], list[tuple[Any, ...]]]


class Level(StrEnum):
    """``BROKEN`` ends the command with 1; ``LOOK`` deserves a look."""

    FINE = "fine"
    LOOK = "look"
    BROKEN = "broken"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. ``mend`` is empty when all is well."""

    level: Level
    area: str
    what: str
    mend: str = ""


_MARKS = {Level.FINE: "[green]v[/]", Level.LOOK: "[yellow]![/]", Level.BROKEN: "[red]x[/]"}


def examine(*, offline: bool) -> None:
    """Prints every finding as it is made, and ends with 1 if something is broken."""
    counts: Counter[Level] = Counter()
    with console.status("Looking"):
        for finding in findings(Settings.from_environment(), offline=offline):
            counts[finding.level] += 1
            console.print(f"{_MARKS[finding.level]} [bold]{finding.area}[/]  {escape(finding.what)}", soft_wrap=True)
            if finding.mend:
                console.print(f"    [dim]mend[/]  {escape(finding.mend)}", soft_wrap=True)
    console.print(f"\n{counts[Level.BROKEN]} broken, {counts[Level.LOOK]} to look at, {counts[Level.FINE]} fine")
    if counts[Level.BROKEN]:
        raise typer.Exit(1)


def findings(settings: Settings, *, offline: bool) -> Iterator[Finding]:
    """Everything that the doctor looks at, from the configuration to the published tables.

    Args:
        offline: Ask no provider.
    """
    try:
        config = load_config(settings)
    except ConfigError as error:
        yield Finding(Level.BROKEN, "configuration", f"{error.what} ({error.where})", error.mend)
        return
    yield from _configuration(config)
    lake = Lake(settings.lake_path, settings.clock)
    for source in config.provider_sources:
        yield from _key(source, offline=offline)
        yield from _freshness(source, lake, settings)
    yield from _log_files(config, lake)
    yield from _quarantine(lake)
    yield from _alerts(settings)
    if not lake.loads():
        yield Finding(Level.LOOK, "lake", "Nothing has been landed yet", "tokenatlas run")
        return
    yield from _price_corrections(settings, lake)
    try:
        with reading(settings.published_path) as connection:
            yield from _tables(settings, lambda sql: connection.execute(sql).fetchall())
    except TokenAtlasError as error:
        yield Finding(Level.BROKEN, "tables", f"{error.what}: {error.where}", error.mend)
        return
    yield from idle_rules(settings, config)


def _configuration(config: Config) -> Iterator[Finding]:
    if not config.sources:
        yield Finding(
            Level.BROKEN, "configuration", "sources.yml names no source", "Add an account or a folder of logs."
        )
    for warning in config.warnings:
        yield Finding(Level.LOOK, "configuration", f"{warning.where}: {warning.what}", warning.mend)
    names = ", ".join(source.source_name for source in config.sources)
    yield Finding(Level.FINE, "configuration", f"{len(config.sources)} sources ({names}) can be read")


def _key(source: ProviderSource, *, offline: bool) -> Iterator[Finding]:
    try:
        key = api_key(source)
    except ConfigError as error:
        yield Finding(Level.LOOK if offline else Level.BROKEN, f"key of {source.source_name}", error.what, error.mend)
        return
    if offline:
        return
    from ingestion.providers.pull import check_access

    answers = check_access(source, key)
    for answer in answers:
        if not answer.is_ok:
            yield Finding(
                Level.BROKEN,
                f"key of {source.source_name}",
                f"{answer.endpoint}: {answer.status}. {answer.what}",
                answer.mend,
            )
    if all(answer.is_ok for answer in answers):
        yield Finding(Level.FINE, f"key of {source.source_name}", f"it may read all {len(answers)} endpoints")


def _freshness(source: ProviderSource, lake: Lake, settings: Settings) -> Iterator[Finding]:
    from ingestion.providers.pull import source_tables

    loaded_at = {load.table: load.loaded_at for load in lake.loads() if load.source == source.source_name}
    area = f"freshness of {source.source_name}"
    missing = [table for table in source_tables(source) if table not in loaded_at]
    if missing:
        yield Finding(Level.LOOK, area, f"never pulled: {', '.join(missing)}", "tokenatlas run")
    windowed = {table: at for table, at in loaded_at.items() if table.endswith(("_costs", "_usage"))}
    stale = {table: at for table, at in windowed.items() if settings.now - at > STALE_AFTER}
    for table, at in stale.items():
        yield Finding(
            Level.BROKEN,
            area,
            f"{table} was last pulled on {at:%Y-%m-%d %H:%M} UTC",
            "tokenatlas run, or turn on the schedule `every_morning` in dagster dev",
        )
    if windowed and not stale:
        yield Finding(Level.FINE, area, f"last pulled on {min(windowed.values()):%Y-%m-%d %H:%M} UTC")


def _log_files(config: Config, lake: Lake) -> Iterator[Finding]:
    from ingestion.logs import matching_files, pending_files

    for source in config.file_sources:
        area = f"logs of {source.source_name}"
        matching = matching_files(source)
        pending = pending_files(source, lake)
        if not matching:
            yield Finding(
                Level.LOOK, area, f"no file matches {source.path}", "Correct `path` in sources.yml, or wait for logs."
            )
        elif pending:
            yield Finding(Level.LOOK, area, f"{len(pending)} of {len(matching)} files are not landed", "tokenatlas run")
        else:
            yield Finding(Level.FINE, area, f"all {len(matching)} files are landed")


def _quarantine(lake: Lake) -> Iterator[Finding]:
    held = lake.quarantine()
    if not held.num_rows:
        yield Finding(Level.FINE, "quarantine", "no row was refused")
        return
    reasons = Counter(held.column("reason").to_pylist()).most_common(5)
    listed = "; ".join(f"{count:,} x {reason}" for reason, count in reasons)
    received = sum(load.rows_received for load in lake.loads())
    yield Finding(
        Level.LOOK,
        "quarantine",
        f"{held.num_rows:,} of {received:,} rows received were refused: {listed}",
        "Their files and lines are in lake/<source>/_quarantine. Correct the mapping, then "
        "`tokenatlas import FILE --source NAME --replace`.",
    )


def _alerts(settings: Settings) -> Iterator[Finding]:
    from alerting.outbox import MessageStatus
    from orchestration.alerts import alert_desk

    with alert_desk(settings) as desk:
        problems = {name: problem for name in desk.channels.names if (problem := desk.channels.problem(name))}
        waiting, dead = (desk.outbox.listed(status) for status in (MessageStatus.PENDING, MessageStatus.DEAD))
        names = ", ".join(desk.channels.names)
    for name, problem in problems.items():
        yield Finding(Level.LOOK, f"alert channel {name}", problem, "docs/alerts.md; then tokenatlas alerts test NAME")
    if dead:
        reasons = "; ".join(sorted({f"{each.message.channel}: {each.error}" for each in dead}))
        mend = "Mend the channel, then tokenatlas alerts outbox --retry"
        yield Finding(Level.BROKEN, "alerts", f"{len(dead)} messages were given up: {reasons}", mend)
    if waiting:
        reasons = "; ".join(sorted({f"{each.message.channel}: {each.error or 'not tried yet'}" for each in waiting}))
        mend = "They are tried again by every run and by dagster dev; tokenatlas alerts outbox shows them"
        yield Finding(Level.LOOK, "alerts", f"{len(waiting)} messages wait: {reasons}", mend)
    if names and not (problems or dead or waiting):
        yield Finding(Level.FINE, "alerts", f"the channels {names} have addresses, and every message has arrived")


def _price_corrections(settings: Settings, lake: Lake) -> Iterator[Finding]:
    from ingestion.prices.history import plan_prices

    lake.write_index(settings.index_path)
    corrections = plan_prices(settings, lake, settings.index_path).corrections
    if not corrections:
        yield Finding(Level.FINE, "prices", "what was priced agrees with the price book")
        return
    first = min(each.valid_from_date for each in corrections)
    last = max(each.valid_to_date for each in corrections)
    models = sorted({each.model_name for each in corrections})
    yield Finding(
        Level.LOOK,
        "prices",
        f"{len(corrections)} prices of days gone by differ from the price book: {', '.join(models[:5])}",
        f"tokenatlas reprice --from {first} --to {last}   # shows them; --apply corrects",
    )


def _tables(settings: Settings, sql: Sql) -> Iterator[Finding]:
    yield from _unpriced(sql)
    yield from _unowned(sql)
    yield from _bills(settings, sql)
    yield from outcome_findings(sql)
    yield from budget_findings(sql)
    yield from experiment_findings(sql)


_MENDS_OF_UNPRICED = {
    "unknown_usage": "Log the usage of streams (`include_usage`); the meter counts it as dark spend meanwhile.",
    "unknown_model": "Add the model to price_overrides.csv or model_aliases.csv, with its source.",
    "no_price_for_tier": "Add its price in that tier to price_overrides.csv, with its source.",
    "no_price_for_token_type": "Add the price that it lacks to price_overrides.csv, with its source.",
}


def _unpriced(sql: Sql) -> Iterator[Finding]:
    rows = sql(
        """
        with unpriced as (
            select
                price_status,
                provider_name || ' ' || model_name || ' (' || service_tier || ')' as model,
                count(*) as requests
            from core.fct_llm_requests
            where price_status not in ('priced', 'not_billable') group by all
        )
        select
            price_status,
            sum(requests),
            count(*),
            string_agg(model || ' x ' || requests, ', ' order by requests desc)
        from unpriced group by price_status order by 2 desc
        """
    )
    for status, requests, models, listed in rows:
        shown = ", ".join(listed.split(", ")[:4]) + (", ..." if models > 4 else "")
        yield Finding(
            Level.LOOK,
            "unpriced",
            f"{requests:,} requests to {models} models: {status}: {shown}",
            _MENDS_OF_UNPRICED.get(status, "tokenatlas explain REQUEST_ID says why"),
        )
    if not rows:
        yield Finding(Level.FINE, "prices", "every billable request has a price")


def _unowned(sql: Sql) -> Iterator[Finding]:
    rows = sql(
        """
        select
            ledger.provider_name, ledger.project_id, ledger.api_key_id, any_value(workloads.service_name),
            sum(ledger.effective_cost_usd) as cost
        from core.fct_cost_ledger as ledger
        left join core.dim_workloads as workloads on ledger.workload_id = workloads.workload_id
        where
            ledger.team = 'unattributed'
            and ledger.usage_date > (select max(usage_date) - 30 from core.fct_cost_ledger)
        group by 1, 2, 3 having sum(ledger.effective_cost_usd) > 0.005 order by cost desc limit 5
        """
    )
    for provider, project, key, service, cost in rows:
        where = ", ".join(
            f"{name} {value}" for name, value in (("project", project), ("key", key), ("service", service)) if value
        )
        yield Finding(
            Level.LOOK,
            "no owner",
            f"{money(cost)} in 30 days at {provider} has no team: {where or 'neither project nor key'}",
            "Add a rule to attribution_rules.csv; it works backwards on the next run.",
        )
    if not rows:
        yield Finding(Level.FINE, "owners", "all spend of the last 30 days has a team")


def _bills(settings: Settings, sql: Sql) -> Iterator[Finding]:
    late = sql(
        f"""
        select provider_name, account_id, min(usage_date), count(*), sum(effective_cost_usd)
        from finops.mart_reconciliation
        where maturity = 'estimated' and usage_date < date '{settings.now.date()}' - {LATE_AFTER_DAYS} group by all
        """
    )
    for provider, account, first, days, cost in late:
        yield Finding(
            Level.LOOK,
            "late bill",
            f"{days} days of {provider} {account} since {first} are still estimated ({money(cost)})",
            f"tokenatlas backfill --from {first} --to {settings.now.date()}, or ask the provider.",
        )
    if not late:
        yield Finding(Level.FINE, "bills", f"every day older than {LATE_AFTER_DAYS} days is billed")
    for currency, count in sql(
        """
        select billing_currency, count(*) from core.fct_provider_charges
        where charge_status = 'no_fx_rate' group by all
        """
    ):
        yield Finding(
            Level.BROKEN,
            "currency",
            f"{count:,} billed lines in {currency} have no rate, so they are in no total",
            f"Add {currency},<first day>,<dollars for one> to fx_rates.csv.",
        )
    for provider, account, days, part in sql(
        """
        select
            provider_name, account_id, count(*) filter (where logged_above_metered_quantity > 0),
            sum(logged_above_metered_quantity) / nullif(sum(metered_token_count), 0)
        from finops.mart_reconciliation group by all having sum(logged_above_metered_quantity) > 0
        """
    ):
        yield Finding(
            Level.LOOK,
            "meter",
            f"{share(part)} more tokens of {provider} {account} are logged than metered, on {days} days",
            "finops.mart_reconciliation has the days: a key of another account, a log counted twice, or a late meter.",
        )


_MENDS_OF_OUTCOMES = {
    "request": "Log the id that the request's own log has (its request_id, or the response_id of the provider).",
    "trace": "Pass the trace id that the request logs have; a trace id of another tracer is another id.",
    "session": "Log the session with the requests too: map session_id in sources.yml.",
}


def outcome_findings(sql: Sql) -> Iterator[Finding]:
    """Outcomes that no request belongs to, by source and by the narrowest id that they name, with examples."""
    rows = sql(
        """
        with
        linked as (
            select
                source_name, matched_by, outcome_id,
                case
                    when request_id is not null then 'request' when trace_id is not null then 'trace' else 'session'
                end as link,
                coalesce(request_id, trace_id, session_id) as link_id,
                outcome_date
            from core.fct_outcomes
        )
        select
            source_name, link, count(*),
            (select count(*) from linked as every where every.source_name = linked.source_name),
            string_agg(outcome_id || ' names ' || link_id, ', ' order by outcome_date desc, outcome_id),
            min(outcome_date), max(outcome_date)
        from linked where matched_by = 'unmatched' group by source_name, link order by 3 desc
        """
    )
    for source, link, unmatched, total, examples, first, last in rows:
        shown = ", ".join(examples.split(", ")[:3]) + (", ..." if unmatched > 3 else "")
        yield Finding(
            Level.LOOK,
            "outcomes",
            f"{unmatched:,} of {total:,} outcomes of {source} name a {link} that no log has, "
            f"{first} to {last}: {shown}",
            f"{_MENDS_OF_OUTCOMES[link]} If its log is still to come, they are matched when it is landed.",
        )
    if not rows and sql("select count(*) from core.fct_outcomes")[0][0]:
        yield Finding(Level.FINE, "outcomes", "every outcome belongs to a request")


_MENDS_OF_BUDGETS = {
    "no_rate": "Add the currency of the budget to fx_rates.csv.",
    "unknown_scope": "Nothing was ever spent on it: correct its team, feature, model or customer in budgets.csv.",
}


def budget_findings(sql: Sql) -> Iterator[Finding]:
    """Running budgets that are at risk, breached or cannot be judged, and those that promise more than they have."""
    rows = sql(
        """
        select budget_name, status, spent_usd, budget_usd, breach_date, overcommitted_usd
        from finops.mart_budget_status
        where is_latest and elapsed_ratio > 0 and status <> 'ended'
        order by period_end_date, budget_name
        """
    )
    for name, status, spent, budget, breach, overcommitted in rows:
        if status not in ("ok", "met", "no_forecast"):
            fate = f"{money(spent)} of {money(budget)} spent" + (f", breach on {breach}" if breach else "")
            mend = _MENDS_OF_BUDGETS.get(status, "tokenatlas status")
            yield Finding(Level.LOOK, "budget", f"{name}: {status}, {fate}", mend)
        if overcommitted:
            what = f"{name}: the budgets below it add up to {money(overcommitted)} more than its {money(budget)}"
            yield Finding(Level.LOOK, "budget", what, "Lower them, or raise it, in budgets.csv.")


def experiment_findings(sql: Sql) -> Iterator[Finding]:
    """Experiments and arms that are declared and silent, or seen and not declared, and those that cannot be judged."""
    rows = sql(
        """
        select experiment_id, variant, status, verdict, finding, is_declared, unit_count, observed_share
        from finops.mart_experiments where status <> 'planned' order by experiment_id, is_control desc, variant
        """
    )
    told = set()
    for experiment_id, variant, status, verdict, finding, is_declared, units, share_of_units in rows:
        is_silent = is_declared and not units and not share_of_units
        is_stray = not is_declared and status != "undeclared"
        if not (is_silent or is_stray or verdict == "invalid" or status == "undeclared"):
            continue
        # What concerns the whole experiment stands in each of its rows.
        if (experiment_id, finding) not in told:
            told.add((experiment_id, finding))
            what = f"{experiment_id}: {finding}"
            yield Finding(Level.LOOK, "experiment", what, _mend_of_experiment(status, variant))
    if rows and not told:
        yield Finding(Level.FINE, "experiments", "every declared arm has traffic, in the shares that were declared")


def _mend_of_experiment(status: str, variant: str) -> str:
    if status == "undeclared":
        return "Declare it in experiments.csv (docs/experiments.md), or stop sending its id."
    return (
        f"Compare experiment_id and variant ({variant}) of the requests with experiments.csv, and its dates and unit."
    )


def idle_rules(settings: Settings, config: Config) -> Iterator[Finding]:
    """Rules that gave no workload its team or its feature; those for environments or customers only are not judged."""
    try:
        with reading(settings.warehouse_path) as warehouse:
            used = {
                row[0]
                for row in warehouse.execute(
                    """
                    select allocation_rule_id from intermediate.int_workload_owners
                    union select feature_rule_id from intermediate.int_workload_owners
                    """
                ).fetchall()
            }
    except (TokenAtlasError, duckdb.CatalogException):
        yield Finding(
            Level.LOOK, "rules", "not looked at: a run is writing the warehouse", "Ask again when it has ended."
        )
        return
    idle = [
        rule.rule_id
        for rule in config.attribution_rules
        if rule.rule_id not in used and (rule.team is not None or rule.feature is not None)
    ]
    if idle:
        yield Finding(
            Level.LOOK,
            "rules",
            f"{len(idle)} of {len(config.attribution_rules)} attribution rules decide nothing now: {', '.join(idle)}",
            "No workload matches them, or its tags and earlier rules come first. Remove those that are no fallback.",
        )
    else:
        yield Finding(Level.FINE, "rules", f"all {len(config.attribution_rules)} attribution rules are in use")
