-- Question: Which work runs at a dearer tier than its feature needs, and what would batch or flex save?
-- Look for: large and regular work. Only features that say in features.csv how long they can wait are here.
-- Tables: finops.mart_waste_daily
select
    team,
    feature,
    environment,
    model_id,
    waste_kind,
    sum(request_count) as request_count,
    sum(recoverable_cost_usd) as recoverable_cost_usd,
    min(usage_date) as first_date,
    max(usage_date) as last_date
from finops.mart_waste_daily
where
    waste_kind in ('batch_eligible', 'flex_eligible')
    and usage_date > (select max(usage_date) from finops.mart_waste_daily) - 30
group by all
order by recoverable_cost_usd desc nulls last;
