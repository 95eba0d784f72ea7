-- Question: What does a successful outcome of each feature cost, and how does it move by month?
-- Look for: a rising cost per outcome at a steady cost per request: more attempts for each success.
-- Tables: finops.mart_unit_economics_daily
select
    team,
    feature,
    date_trunc('month', usage_date)::date as cost_month,
    sum(effective_cost_usd) as effective_cost_usd,
    sum(request_count) as request_count,
    sum(successful_outcome_count) as successful_outcome_count,
    sum(effective_cost_usd) / nullif(sum(request_count), 0) as cost_per_request_usd,
    sum(effective_cost_usd) / nullif(sum(successful_outcome_count), 0) as cost_per_successful_outcome_usd
from finops.mart_unit_economics_daily
group by all
order by team, feature, cost_month;
