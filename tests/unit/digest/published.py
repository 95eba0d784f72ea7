# ruff: noqa: E501 - SQL in strings
"""A small published file made by hand: two teams, four weeks, and everything that a digest tells of."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from digest.weeks import Week

WEEK = Week(date(2026, 11, 16))
NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
SCRIPT = "<script>alert(1)</script>"
"""Somebody may call a prompt, a budget or a team so."""

_SQL = f"""
create schema if not exists core;
create schema if not exists finops;
create table core.dim_teams (team varchar, team_name varchar);
insert into core.dim_teams values ('search', 'Search'), ('support', 'Support {SCRIPT}');
create table core.dim_features as select 'ask' as feature, 'search' as team;
create table core.fct_cost_ledger as
select
    day::date as usage_date, team, feature, provider as provider_name, model as model_id, 'Usage' as charge_category,
    case when day >= timestamp '2026-11-21' then 'estimated' else 'billed' end as maturity, 'logged' as evidence,
    (cost * (1 + 0.01 * row_number() over (order by day, feature)))::decimal(38, 18) as effective_cost_usd,
    cost::decimal(38, 18) as list_cost_usd, 100 as request_count
from generate_series(timestamp '2026-10-26', timestamp '2026-11-22', interval 1 day) as days (day)
cross join (values
    ('search', 'ask', 'openai', 'gpt-5', 3.0), ('support', 'chat', 'anthropic', 'claude-sonnet-4-6', 2.0),
    ('support', '{SCRIPT}', 'anthropic', 'claude-haiku-4-5', 0.4)
) as uses (team, feature, provider, model, cost);
create table finops.mart_spend_daily as
select *, effective_cost_usd as billed_cost_usd from core.fct_cost_ledger;
create table finops.mart_forecast_weekly as
select
    series as series_id, monday::date as week_start_date, amount::decimal(38, 18) as forecast_cost_usd,
    (amount * 0.8)::decimal(38, 18) as lower_cost_usd, (amount * 1.25)::decimal(38, 18) as upper_cost_usd, true as is_before_the_fact,
    monday::date - 3 as cutoff_date
from generate_series(timestamp '2026-11-02', timestamp '2026-11-23', interval 7 day) as weeks (monday)
cross join (values ('total', 60.0), ('team=search', 25.0)) as series (series, amount);
create table finops.mart_cost_anomalies as
select
    'feature=ask' as series_id, 'feature' as dimension_name, 'ask' as dimension_value, 'spend' as anomaly_kind, 'above' as direction,
    'prompt_version' as explained_by, 'ask {SCRIPT} v2' as explained_value, 9.0::decimal(38, 18) as actual_cost_usd,
    5.0::decimal(38, 18) as expected_cost_usd, 4.0::decimal(38, 18) as excess_cost_usd, 3.5::decimal(38, 18) as explained_cost_usd,
    date '2026-11-18' as cost_date;
create table finops.mart_cost_change_drivers as
select
    date '2026-10-01' as month_start_date, team, 'ask' as feature, driver as driver_name, place as driver_order,
    change::decimal(38, 18) as change_usd, true as is_month_complete, true as is_previous_month_complete
from (values ('volume', 1, 6.5), ('tokens_per_request', 2, -2.25), ('list_price', 6, 0.0)) as drivers (driver, place, change)
cross join (values ('search'), ('support')) as teams (team);
create table finops.mart_budget_status as
select
    name as budget_id, name as budget_name, kind as budget_kind, series as series_id, status, spent::decimal(38, 18) as spent_usd,
    amount::decimal(38, 18) as budget_usd, spent / amount as spent_ratio, 0.73 as elapsed_ratio, (spent * 1.2)::decimal(38, 18) as projected_p10_usd,
    (spent * 1.4)::decimal(38, 18) as projected_p50_usd, (spent * 1.6)::decimal(38, 18) as projected_p90_usd, risk as breach_probability,
    case when risk > 0.5 then date '2026-11-27' end as breach_date, 'model gpt-5 +$2.00 (+9 %)' as driver_1, false as is_hard_cap,
    status = 'breached' as is_breached, true as is_latest, date '2026-11-01' as period_start_date, date '2026-11-30' as period_end_date,
    date '2026-11-22' as assessment_date
from (values
    ('Search', 'budget', 'team=search', 'at_risk', 80, 100, 0.9), ('Everything {SCRIPT}', 'budget', 'total', 'breached', 120, 110, 1.0),
    ('Promise', 'commitment', 'provider=openai', 'at_risk', 30, 100, 0.99), ('Support', 'budget', 'team=support', 'ok', 20, 100, 0.02)
) as budgets (name, kind, series, status, spent, amount, risk);
create table finops.mart_recommendations as
select
    id as recommendation_id, 'model_swap' as recommendation_kind, team, 'ask' as feature, title, evidence,
    'Change the model for a tenth of the traffic first.' as how_to, owner, state, confidence, place as rank,
    saving::decimal(38, 18) as expected_saving_usd_per_month, (saving * 0.7)::decimal(38, 18) as expected_saving_lower_usd_per_month,
    (saving * 1.2)::decimal(38, 18) as expected_saving_upper_usd_per_month, (saving * 0.9)::decimal(38, 18) as additional_saving_usd_per_month,
    team = 'search' as is_budget_at_risk, date '2026-11-01' as first_seen_date, verdict as verification_status,
    case when verdict is not null then 'the same requests at the price of the model and tier before' end as verification_method,
    case when verdict is not null then 'It would have cost $20.00.' end as verification_finding, found::decimal(38, 18) as verified_saving_usd,
    (found - 1)::decimal(38, 18) as verified_saving_lower_usd, (found + 1)::decimal(38, 18) as verified_saving_upper_usd,
    (found * 2)::decimal(38, 18) as verified_saving_usd_per_month, case when found is not null then 15 end as verified_days,
    case when state = 'done' then date '2026-11-07' end as done_date
from (values
    ('model-swap-1', 'search', 'Move ask to gpt-5-mini', 'It is as often right.', 'search@acme.example', 'open', 'high', 1, 42.5, null, null),
    ('cache-reuse-2', 'support', 'Read {SCRIPT} from the cache', 'It repeats {SCRIPT}.', null, 'accepted', 'medium', 2, 12.0, null, null),
    ('model-swap-3', 'search', 'Move find to gpt-5-nano', 'Cheaper.', 'search@acme.example', 'done', 'high', null, 9.0, 'saved', 4.5),
    ('batch-eligible-4', 'support', 'Run reports as batch', 'Nobody waits.', null, 'done', 'medium', null, 3.0, 'cost more', -2.5),
    ('cache-write-5', 'support', 'Stop writing caches', 'Never read.', null, 'done', 'high', null, 3.0, 'too early', null),
    ('cache-write-6', 'support', 'Rejected', 'No.', null, 'rejected', 'high', null, 30.0, null, null)
) as found (id, team, title, evidence, owner, state, confidence, place, saving, verdict, found);
create table finops.mart_reconciliation as
select usage_date, 'billed' as maturity, 10.0::decimal(38, 18) as billed_cost_usd, 0.5::decimal(38, 18) as gap_usd, 0.001::decimal(38, 18) as rounding_usd
from (select distinct usage_date from core.fct_cost_ledger where maturity = 'billed') as days;
create table finops.mart_forecast_accuracy as
select series as series_id, 30 as horizon_days, 0.93 as total_accuracy_ratio, 4 as cutoff_count, true as is_before_the_fact, true as is_shipped_model
from (values ('total'), ('team=search')) as series (series);
"""


def write_published(path: Path) -> Path:
    """Writes the file, and returns where."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(_SQL)
    return path


def open_published(path: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(str(path), read_only=True)
    connection.execute("set timezone = 'UTC'")
    return connection
