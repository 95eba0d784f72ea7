-- What is known of the requests that decided outcomes: whether they succeeded, how good they were, what was spent on the way.
select
    -- ids
    request_source_name as source_name,
    request_id,
    -- numerics
    count(is_success) as outcome_count,
    count(*) filter (where is_success) as successful_outcome_count,
    count(*) filter (where is_cost_complete) as attempt_count,
    count(*) filter (where is_cost_complete and is_success) as successful_attempt_count,
    cast(sum(effective_cost_usd) filter (where is_cost_complete) as {{ money_type() }}) as attempt_cost_usd,
    count(quality_score) as score_count,
    {{ mean_score('quality_score') }} as quality_score,
    -- dates and times
    request_date as usage_date
from {{ ref('int_outcome_costs') }}
group by request_source_name, request_id, request_date
