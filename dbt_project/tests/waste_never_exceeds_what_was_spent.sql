-- All kinds of waste together, but for idle capacity, are a part of what the same requests cost. A request's cost is rounded to a pico-dollar, so
-- a sum of them may be short by so much a request.
with

spent as (
    select
        usage_date, team, feature, environment, provider_name, model_id,
        count(*) as request_count,
        sum(effective_cost_usd) as effective_cost_usd
    from {{ ref('fct_llm_requests') }}
    group by all
),

wasted as (
    select
        usage_date, team, feature, environment, provider_name, model_id,
        sum(wasted_cost_usd) as wasted_cost_usd,
        sum(recoverable_cost_usd) as recoverable_cost_usd
    from {{ ref('mart_waste_daily') }}
    where waste_kind <> 'idle_capacity'
    group by all
)

select wasted.*
from wasted
left join spent
    on wasted.usage_date = spent.usage_date
    and wasted.team is not distinct from spent.team
    and wasted.feature is not distinct from spent.feature
    and wasted.environment is not distinct from spent.environment
    and wasted.provider_name = spent.provider_name
    and wasted.model_id is not distinct from spent.model_id
where
    wasted.wasted_cost_usd > coalesce(spent.effective_cost_usd, 0) + coalesce(spent.request_count, 0) * 0.000000000001
    or wasted.recoverable_cost_usd > wasted.wasted_cost_usd
