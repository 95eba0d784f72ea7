-- Question: What was paid for and not used in the last 30 days, by kind, and how much of it can be won back?
-- Look for: recoverable cost; estimates are marked, kinds add up, and idle_capacity is beside what was spent.
-- Tables: finops.mart_waste_daily
select
    waste_kind,
    team,
    feature,
    sum(request_count) as request_count,
    sum(wasted_cost_usd) as wasted_cost_usd,
    sum(recoverable_cost_usd) as recoverable_cost_usd,
    bool_or(is_estimate) as is_estimate
from finops.mart_waste_daily
where usage_date > (select max(usage_date) from finops.mart_waste_daily) - 30
group by all
order by recoverable_cost_usd desc nulls last;
