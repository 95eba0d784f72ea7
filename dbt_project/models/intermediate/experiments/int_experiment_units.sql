-- What each unit of randomization cost and brought, all of its days together.
with

unit_days as (
    select * from {{ ref('int_experiment_unit_days') }}
)

select
    -- ids
    experiment_id,
    unit_id,
    -- strings
    variant,
    -- numerics
    cast(sum(request_count) as bigint) as request_count,
    cast(sum(unpriced_request_count) as bigint) as unpriced_request_count,
    cast(sum(outcome_count) as bigint) as outcome_count,
    cast(sum(successful_outcome_count) as bigint) as successful_outcome_count,
    sum(effective_cost_usd) as effective_cost_usd,
    -- booleans
    bool_and(is_identified) as is_identified,
    bool_or(is_crossed) as is_crossed,
    -- dates
    min(usage_date) as first_date,
    max(usage_date) as last_date
from unit_days
group by experiment_id, unit_id, variant
