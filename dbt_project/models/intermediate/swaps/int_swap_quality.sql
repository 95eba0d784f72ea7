-- How often what a feature does with a model succeeds, what an attempt costs and what a success is worth, over the last 90 days.
with

last_day as (
    select max(usage_date) as usage_date from {{ ref('int_scope_costs_daily') }}
),

outcomes as (
    select outcome_costs.*
    from {{ ref('int_outcome_costs') }} as outcome_costs
    cross join last_day
    where
        outcome_costs.is_success is not null
        and outcome_costs.request_date <= last_day.usage_date
        and outcome_costs.request_date > cast({{ dbt.dateadd('day', -90, 'last_day.usage_date') }} as date)
),

counted as (
    select
        coalesce(team, 'unattributed') as team,
        feature,
        provider_name,
        model_id,
        count(*) as outcome_count,
        count(*) filter (where is_success) as successful_outcome_count,
        {{ ratio('sum(effective_cost_usd)', 'count(effective_cost_usd)') }} as cost_per_attempt_usd,
        {{ ratio('sum(value_usd) filter (where is_success)', 'count(value_usd) filter (where is_success)') }} as value_per_success_usd
    from outcomes
    where feature is not null
    group by coalesce(team, 'unattributed'), feature, provider_name, model_id
)

select
    team,
    feature,
    provider_name,
    model_id,
    outcome_count,
    successful_outcome_count,
    cast(round(cast(successful_outcome_count as double) / outcome_count, 9) as decimal(38, 9)) as success_rate,
    cast(round({{ wilson_limit('successful_outcome_count', 'outcome_count', -1) }}, 9) as decimal(38, 9)) as success_rate_lower,
    cast(round({{ wilson_limit('successful_outcome_count', 'outcome_count', 1) }}, 9) as decimal(38, 9)) as success_rate_upper,
    cost_per_attempt_usd,
    value_per_success_usd
from counted
