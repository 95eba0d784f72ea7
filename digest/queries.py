"""Every question that a digest asks, as SQL on the published marts. Nothing in a digest comes from anywhere else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import duckdb

from ingestion.errors import TokenAtlasError

Value = str | date | None
Row = dict[str, object]

_PARAMETER = re.compile(r"\$([a-z_]+)")


@dataclass(frozen=True)
class Query:
    """One question. ``tables`` are the marts that it reads; ``$names`` in ``sql`` are filled in."""

    name: str
    title: str
    tables: tuple[str, ...]
    sql: str

    def rows(self, connection: duckdb.DuckDBPyConnection, values: Mapping[str, Value]) -> list[Row]:
        used = {name: values[name] for name in _PARAMETER.findall(self.sql)}
        cursor = connection.execute(self.sql, used)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def as_text(self, values: Mapping[str, Value]) -> str:
        """The SQL as anybody can run it, with its values in place."""
        text = _PARAMETER.sub(lambda match: _literal(values[match[1]]), self.sql)
        lines = text.strip("\n").splitlines()
        indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
        return "\n".join(line[indent:] for line in lines).rstrip()

    def missing(self, connection: duckdb.DuckDBPyConnection) -> str | None:
        """The first of its tables that is not there, or None."""
        for table in self.tables:
            schema, name = table.split(".")
            found = connection.execute(
                "select 1 from duckdb_columns() where schema_name = ? and table_name = ? limit 1", [schema, name]
            ).fetchall()
            if not found:
                return table
        return None


def require(connection: duckdb.DuckDBPyConnection, query: Query) -> None:
    """Raises if a table without which there is no digest is not there.

    Raises:
        TokenAtlasError: names the table.
    """
    if (table := query.missing(connection)) is not None:
        raise TokenAtlasError(
            "The published tables are not those that a digest is made of", where=table, mend="Run `tokenatlas run`."
        )


def _literal(value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, date):
        return f"date '{value}'"
    return "'" + value.replace("'", "''") + "'"


SPEND = Query(
    "spend",
    "Spend of each of the last 13 weeks",
    ("finops.mart_spend_daily",),
    """
    select
        cast(date_trunc('week', usage_date) as date) as week_start_date,
        sum(effective_cost_usd) as effective_cost_usd,
        sum(request_count) as request_count,
        coalesce(sum(effective_cost_usd) filter (where maturity = 'estimated'), 0) as estimated_cost_usd,
        count(distinct usage_date) as day_count
    from finops.mart_spend_daily
    where usage_date between $first_date and $end_date and ($team is null or team = $team)
    group by 1
    order by 1
    """,
)

FORECAST = Query(
    "forecast",
    "What each of these weeks was expected to cost",
    ("finops.mart_forecast_weekly",),
    """
    select week_start_date, forecast_cost_usd, lower_cost_usd, upper_cost_usd, is_before_the_fact, cutoff_date
    from finops.mart_forecast_weekly
    where series_id = $series_id and week_start_date between $first_date and $start_date
    order by week_start_date
    """,
)

FIRST_DAY = Query(
    "first_day",
    "The day from which there is any data",
    ("finops.mart_spend_daily",),
    "select min(usage_date) as first_date from finops.mart_spend_daily",
)

_LINES = """
    select
        {column} as name,
        coalesce(sum(effective_cost_usd) filter (where usage_date >= $start_date), 0) as effective_cost_usd,
        coalesce(sum(effective_cost_usd) filter (where usage_date < $start_date), 0) as previous_cost_usd,
        coalesce(sum(request_count) filter (where usage_date >= $start_date), 0) as request_count,
        coalesce(sum(request_count) filter (where usage_date < $start_date), 0) as previous_request_count
    from finops.mart_spend_daily
    where usage_date between $previous_start_date and $end_date and ($team is null or team = $team)
    group by 1
    order by effective_cost_usd desc, name
"""


def _lines(column: str, title: str) -> Query:
    return Query(f"spend_by_{column}", title, ("finops.mart_spend_daily",), _LINES.format(column=column))


BY_TEAM = _lines("team", "Spend by team, this week and the week before")
BY_FEATURE = _lines("feature", "Spend by feature, this week and the week before")
BY_MODEL = _lines("model_id", "Spend by model, this week and the week before")

ANOMALIES = Query(
    "anomalies",
    "Spend that left its expected range in this week",
    ("finops.mart_cost_anomalies",),
    """
    select
        series_id,
        dimension_name,
        dimension_value,
        direction,
        count(*) as day_count,
        sum(actual_cost_usd) as actual_cost_usd,
        sum(expected_cost_usd) as expected_cost_usd,
        sum(excess_cost_usd) as excess_cost_usd,
        arg_max(explained_by, abs(explained_cost_usd)) as explained_by,
        arg_max(explained_value, abs(explained_cost_usd)) as explained_value,
        max(cost_date) as cost_date
    from finops.mart_cost_anomalies
    where
        anomaly_kind = 'spend'
        and cost_date between $start_date and $end_date
        and case
            when $team is null then dimension_name in ('total', 'team', 'feature')
            else series_id = 'team=' || $team or starts_with(series_id, 'team_feature=' || $team || '/')
        end
    group by series_id, dimension_name, dimension_value, direction
    order by abs(sum(excess_cost_usd)) desc, series_id
    limit 5
    """,
)

DRIVERS = Query(
    "drivers",
    "What drove the change of the month",
    ("finops.mart_cost_change_drivers",),
    """
    select
        month_start_date,
        driver_name,
        min(driver_order) as driver_order,
        sum(change_usd) as change_usd,
        bool_and(is_month_complete) as is_month_complete
    from finops.mart_cost_change_drivers
    where
        ($team is null or team = $team)
        and month_start_date = (
            select max(month_start_date)
            from finops.mart_cost_change_drivers
            where is_month_complete and is_previous_month_complete and month_start_date <= $end_date
        )
    group by month_start_date, driver_name
    order by min(driver_order), driver_name
    """,
)

BUDGETS = Query(
    "budgets",
    "Running budgets, the most endangered first",
    ("finops.mart_budget_status", "core.dim_features"),
    """
    select
        budget_id, budget_name, budget_kind, status, spent_usd, budget_usd, spent_ratio, elapsed_ratio,
        projected_p10_usd, projected_p50_usd, projected_p90_usd, breach_probability, breach_date, driver_1, is_hard_cap,
        period_start_date, period_end_date, assessment_date
    from finops.mart_budget_status
    where
        is_latest
        and status <> 'ended'
        and assessment_date between period_start_date and period_end_date
        and (
            $team is null
            or series_id = 'team=' || $team
            or starts_with(series_id, 'team_feature=' || $team || '/')
            or series_id in (select 'feature=' || feature from core.dim_features where team = $team)
        )
    order by is_breached desc, breach_probability desc nulls last, budget_id
    """,
)

ACTIONS = Query(
    "actions",
    "What is recommended and not decided yet, the largest first",
    ("finops.mart_recommendations",),
    """
    select
        recommendation_id, recommendation_kind, team, feature, title, evidence, how_to, owner, state, confidence, rank,
        expected_saving_usd_per_month, expected_saving_lower_usd_per_month, expected_saving_upper_usd_per_month,
        additional_saving_usd_per_month, is_budget_at_risk, first_seen_date
    from finops.mart_recommendations
    where state in ('open', 'accepted') and ($team is null or team = $team)
    order by rank, recommendation_id
    """,
)

VERIFIED = Query(
    "verified",
    "What was done, and what it brought",
    ("finops.mart_recommendations",),
    """
    select
        recommendation_id, title, team, feature, owner, verification_status, verification_method, verification_finding,
        verified_saving_usd, verified_saving_lower_usd, verified_saving_upper_usd, verified_saving_usd_per_month,
        verified_days, expected_saving_usd_per_month, done_date
    from finops.mart_recommendations
    where state = 'done' and done_date <= $end_date and ($team is null or team = $team)
    order by done_date desc, recommendation_id
    """,
)

TRUST = Query(
    "trust",
    "How much of the week is priced, owned, logged and billed",
    ("core.fct_cost_ledger",),
    """
    select
        count(*) filter (where list_cost_usd is not null or evidence = 'billed') / nullif(count(*), 0) as priced_ratio,
        coalesce(sum(effective_cost_usd) filter (where team <> 'unattributed'), 0) / nullif(sum(effective_cost_usd), 0)
            as attributed_ratio,
        coalesce(sum(effective_cost_usd) filter (where evidence = 'logged'), 0) / nullif(sum(effective_cost_usd), 0)
            as logged_ratio,
        coalesce(sum(effective_cost_usd) filter (where maturity in ('billed', 'invoiced')), 0)
        / nullif(sum(effective_cost_usd), 0) as billed_ratio
    from core.fct_cost_ledger
    where usage_date between $start_date and $end_date and ($team is null or team = $team)
    """,
)

GAP = Query(
    "gap",
    "What the logs say against what was billed",
    ("finops.mart_reconciliation",),
    """
    select
        sum(billed_cost_usd) as billed_cost_usd,
        sum(gap_usd) as gap_usd,
        sum(rounding_usd) as unexplained_usd
    from finops.mart_reconciliation
    where usage_date between $start_date and $end_date and maturity <> 'estimated'
    """,
)

ACCURACY = Query(
    "accuracy",
    "How right forecasts of a week and a month were",
    ("finops.mart_forecast_accuracy",),
    """
    select horizon_days, total_accuracy_ratio, cutoff_count, is_before_the_fact
    from finops.mart_forecast_accuracy
    where series_id = $series_id and is_shipped_model and cutoff_count > 0 and horizon_days in (7, 30)
    order by is_before_the_fact desc, horizon_days desc
    """,
)

FRESHNESS = Query(
    "freshness",
    "The last day of each provider",
    ("finops.mart_spend_daily",),
    """
    select
        provider_name,
        max(usage_date) as last_date,
        max(usage_date) filter (where maturity in ('billed', 'invoiced')) as last_billed_date
    from finops.mart_spend_daily
    where usage_date > $end_date - 90 and ($team is null or team = $team)
    group by provider_name
    order by provider_name
    """,
)

TEAMS = Query(
    "teams",
    "The teams there are",
    ("core.dim_teams",),
    "select team, coalesce(team_name, team) as team_name from core.dim_teams order by team",
)
