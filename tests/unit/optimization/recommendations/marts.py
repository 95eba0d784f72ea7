# ruff: noqa: E501 - SQL in strings
"""Small marts made by hand, with the columns that recommendations read, and one row of each kind of finding."""

from __future__ import annotations

import duckdb

SAVINGS = """
create schema if not exists finops;
create or replace table finops.mart_model_swaps as
select
    'devx' as team, 'code-assistant' as feature, 'anthropic' as provider_name, 'claude-sonnet-4-5' as model_id,
    'anthropic' as candidate_provider_name, candidate as candidate_model_id, 'standard' as service_tier,
    1200.0 as request_count_per_month, 48.0::decimal(38, 18) as current_cost_usd_per_month,
    (48 - saving)::decimal(38, 18) as candidate_cost_usd_per_month, saving::decimal(38, 18) as saving_usd_per_month,
    (saving * 0.9)::decimal(38, 18) as saving_lower_usd_per_month, (saving * 1.1)::decimal(38, 18) as saving_upper_usd_per_month,
    'standard' as candidate_service_tier, 0.0 as token_uncertainty_ratio, 0.5 as required_success_rate,
    saving / 48.0 as saving_ratio, 1.0 as token_ratio, 'config' as token_ratio_source, 0 as out_of_context_request_count,
    0.62 as current_success_rate, observed as candidate_success_rate, outcomes as candidate_outcome_count,
    0.45 as break_even_success_rate, verdict, finding
from (values
    ('claude-haiku-4-5', 32.0, 'test first', null, 0, 'It has not been tried on this traffic.'),
    ('claude-sonnet-5', 12.0, 'switch', 0.63, 400, 'It is as often right, at three quarters of the price.'),
    ('claude-opus-4-6', -30.0, 'keep', null, 0, 'It costs more.')
) as swaps (candidate, saving, verdict, observed, outcomes, finding);

create or replace table finops.mart_cache_economics_daily as
select
    day::date as usage_date, 'support' as team, 'support-chat' as feature, 'prod' as environment, 'anthropic' as provider_name,
    'claude-sonnet-4-6' as model_id, 'support-chat-prompt' as prompt_name, 'v5' as prompt_version,
    (0.10 + 0.02 * (extract(day from day) % 3))::decimal(38, 18) as missed_saving_usd, 'long prefixes that never hit' as missed_reason,
    0.05::decimal(38, 18) as net_saving_usd, 0.02::decimal(38, 18) as write_premium_usd, 0.07::decimal(38, 18) as read_saving_usd
from generate_series(timestamp '{day}' - interval 40 day, timestamp '{day}', interval 1 day) as days (day);

create or replace table finops.mart_waste_daily as
select
    day::date as usage_date, kind as waste_kind, 'data' as team, 'report-summaries' as feature, 'prod' as environment,
    'openai' as provider_name, 'gpt-5.4-mini' as model_id, 12 as request_count, (amount * 1.2)::decimal(38, 18) as wasted_cost_usd,
    amount::decimal(38, 18) as recoverable_cost_usd, kind like '%eligible' as is_estimate, 'nobody waits for these answers' as evidence
from generate_series(timestamp '{day}' - interval 40 day, timestamp '{day}', interval 1 day) as days (day)
cross join (values ('batch_eligible', 0.20), ('flex_eligible', 0.15), ('billed_retry', 0.001)) as kinds (kind, amount);

create or replace table finops.mart_prompt_revisions as
select
    'support' as team, 'ticket-triage' as feature, 'triage' as prompt_name, 'v2' as prompt_version, 'v1' as previous_prompt_version,
    900 as successful_outcome_count, 0.01::decimal(38, 18) as change_cost_per_successful_outcome_usd,
    0.004::decimal(38, 18) as change_cost_per_successful_outcome_lower_usd,
    0.016::decimal(38, 18) as change_cost_per_successful_outcome_upper_usd, true as is_regression, 'tokens +10 %' as regression_reasons,
    'worse' as verdict, 'An outcome costs $0.01 more.' as finding, (timestamp '{day}' - interval 59 day)::date as first_date,
    date '{day}' as last_date;

create or replace table finops.mart_experiments as
select
    'exp-triage' as experiment_id, variant, 'support' as team, 'ticket-triage' as feature, is_control, 'running' as status,
    null::varchar as decision, 'tester@acme.example' as owner_email, 1000 as request_count,
    case when not is_control then -0.004 end::decimal(38, 18) as difference_cost_per_request_usd,
    case when not is_control then -0.005 end::decimal(38, 18) as difference_cost_per_request_lower_usd,
    case when not is_control then -0.003 end::decimal(38, 18) as difference_cost_per_request_upper_usd,
    not is_control as is_significant, false as has_sample_ratio_mismatch,
    case when is_control then 'inconclusive' else 'better' end as verdict, 'Cheaper, and as often right.' as finding,
    (timestamp '{day}' - interval 29 day)::date as first_date, date '{day}' as last_date
from (values ('control', true), ('treatment', false)) as arms (variant, is_control);
"""

LEDGER = """
create schema if not exists core;
create or replace table core.fct_cost_ledger as
select
    day::date as usage_date, team, feature, provider as provider_name, model as model_id, 10 as request_count,
    cost::decimal(38, 18) as effective_cost_usd
from generate_series(timestamp '{day}' - interval 90 day, timestamp '{day}', interval 1 day) as days (day)
cross join (values
    ('devx', 'code-assistant', 'anthropic', 'claude-sonnet-4-5', 1.60),
    ('support', 'support-chat', 'anthropic', 'claude-sonnet-4-6', 1.10),
    ('support', 'ticket-triage', 'openai', 'gpt-5-mini', 0.60),
    ('data', 'report-summaries', 'openai', 'gpt-5.4-mini', 0.70)
) as uses (team, feature, provider, model, cost);
create or replace table finops.mart_budget_status (
    budget_id varchar, budget_name varchar, budget_kind varchar, series_id varchar, status varchar, is_latest boolean,
    breach_probability double, budget_usd decimal(38, 18), projected_p10_usd decimal(38, 18), projected_p50_usd decimal(38, 18),
    projected_p90_usd decimal(38, 18), period_start_date date, period_end_date date, assessment_date date, owner_email varchar
);
insert into finops.mart_budget_status values
    ('devx', 'Developer tools', 'budget', 'team=devx', 'at_risk', true, 0.9, 60, 55, 64, 70, date '{day}' - 20, date '{day}' + 9, date '{day}', 'boss@acme.example'),
    ('promise', 'Promise', 'commitment', 'provider=openai', 'at_risk', true, 0.99, 100, 40, 60, 90, date '{day}' - 20, date '{day}' + 60,
     date '{day}', 'buyer@acme.example');
"""


def create_savings(connection: duckdb.DuckDBPyConnection, day: str) -> None:
    """The marts of savings, as of a day."""
    connection.execute(SAVINGS.replace("{day}", day))


def create_company(connection: duckdb.DuckDBPyConnection, day: str) -> None:
    """The same with a ledger and budgets."""
    create_savings(connection, day)
    connection.execute(LEDGER.replace("{day}", day))
