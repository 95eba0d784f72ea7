-- Requests that cost something are under one kind of waste or under none: their number and their cost are found again, per day.
with

signed as (
    select usage_date, request_count, list_cost_usd from {{ ref('int_sound_usage_daily') }}
    union all
    select usage_date, 1, list_cost_usd from {{ ref('int_wasted_requests') }}
    where list_cost_usd is not null
    union all
    select usage_date, -1, -list_cost_usd from {{ ref('int_llm_requests_priced') }}
    where is_billable and list_cost_usd > 0
)

select usage_date, sum(request_count) as request_difference, sum(list_cost_usd) as difference_usd
from signed
group by usage_date
having sum(request_count) <> 0 or sum(list_cost_usd) <> 0
union all
select usage_date, 1, wasted_list_cost_usd
from {{ ref('int_wasted_requests') }}
where wasted_list_cost_usd not between 0 and list_cost_usd or recoverable_list_cost_usd not between 0 and wasted_list_cost_usd
