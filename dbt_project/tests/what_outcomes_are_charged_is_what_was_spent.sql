-- Nothing is charged twice and nothing is lost on the way: on each day and for each feature what is charged to outcomes and what hangs on
-- none is the cost of all requests, and the outcomes that share requests share their whole cost, to the last decimal.
with

requests as (
    select feature, usage_date, sum(effective_cost_usd) as cost_usd, count(*) as request_count
    from {{ ref('fct_llm_requests') }}
    group by all
),

charged as (
    select feature, usage_date, sum(effective_cost_usd) as cost_usd, count(*) as request_count
    from {{ ref('int_requests_charged') }}
    group by all
),

hangs_on_none as (
    select all_requests.feature, all_requests.usage_date, sum(all_requests.effective_cost_usd) as cost_usd, count(*) as request_count
    from {{ ref('fct_llm_requests') }} as all_requests
    where not exists (
        select 1 from {{ ref('int_requests_charged') }} as requests_charged
        where
            requests_charged.source_name = all_requests.source_name
            and requests_charged.request_id = all_requests.request_id
            and requests_charged.usage_date = all_requests.usage_date
    )
    group by all
),

parts as (
    select * from charged
    union all
    select * from hangs_on_none
),

days as (
    select feature, usage_date, sum(cost_usd) as cost_usd, sum(request_count) as request_count
    from parts
    group by all
),

-- Where all that is known is refused attempts at no cost, the cost is not known.
groups_of_requests as (
    select
        charge_key,
        case
            when sum(effective_cost_usd) > 0 or count(*) = count(effective_cost_usd) then sum(effective_cost_usd)
        end as cost_usd
    from {{ ref('int_requests_charged') }}
    group by charge_key
),

groups_of_outcomes as (
    select charge_key, sum(effective_cost_usd) as cost_usd
    from {{ ref('int_outcome_costs') }}
    where charge_key is not null
    group by charge_key
)

select
    'day' as broken,
    concat(coalesce(requests.feature, days.feature), ' ', cast(coalesce(requests.usage_date, days.usage_date) as varchar)) as subject,
    requests.cost_usd as expected_cost_usd,
    days.cost_usd as found_cost_usd
from requests
full outer join days
    on requests.feature is not distinct from days.feature
    and requests.usage_date = days.usage_date
where requests.cost_usd is distinct from days.cost_usd or requests.request_count is distinct from days.request_count
union all
select
    'charge' as broken,
    coalesce(groups_of_requests.charge_key, groups_of_outcomes.charge_key),
    groups_of_requests.cost_usd as requests_cost_usd,
    groups_of_outcomes.cost_usd as outcomes_cost_usd
from groups_of_requests
full outer join groups_of_outcomes
    on groups_of_requests.charge_key = groups_of_outcomes.charge_key
where groups_of_requests.cost_usd is distinct from groups_of_outcomes.cost_usd
