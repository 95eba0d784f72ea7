-- What each unit cost and brought on each day, by the day of the requests: an outcome counts where its request was made, however late it came.
with

requests as (
    select * from {{ ref('int_experiment_requests') }}
),

outcomes as (
    select * from {{ ref('fct_outcomes') }}
),

verdicts as (
    select
        requests.experiment_id,
        requests.variant,
        requests.unit_id,
        requests.usage_date,
        count(*) as outcome_count,
        count(*) filter (where outcomes.is_success) as successful_outcome_count
    from requests
    inner join outcomes
        on requests.source_name = outcomes.request_source_name
        and requests.request_id = outcomes.request_id
        and requests.usage_date = outcomes.request_date
    where outcomes.is_success is not null
    group by all
),

work as (
    select
        experiment_id,
        variant,
        unit_id,
        count(*) filter (where is_billable) as request_count,
        count(*) filter (where is_billable and effective_cost_usd is null) as unpriced_request_count,
        cast(coalesce(sum(effective_cost_usd), 0) as {{ money_type() }}) as effective_cost_usd,
        bool_and(is_identified) as is_identified,
        bool_or(is_crossed) as is_crossed,
        usage_date
    from requests
    group by all
)

select
    -- ids
    work.experiment_id,
    work.unit_id,
    -- strings
    work.variant,
    -- numerics
    work.request_count,
    work.unpriced_request_count,
    coalesce(verdicts.outcome_count, 0) as outcome_count,
    coalesce(verdicts.successful_outcome_count, 0) as successful_outcome_count,
    work.effective_cost_usd,
    -- booleans
    work.is_identified,
    work.is_crossed,
    row_number() over (
        partition by work.experiment_id, work.variant, work.unit_id order by work.usage_date
    ) = 1 as is_first_day,
    -- dates
    work.usage_date
from work
left join verdicts
    on work.experiment_id = verdicts.experiment_id
    and work.variant = verdicts.variant
    and work.unit_id = verdicts.unit_id
    and work.usage_date = verdicts.usage_date
