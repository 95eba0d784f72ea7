-- Question: How much is spent outside of production?
-- Look for: test and staging above a tenth of a feature's cost.
-- Tables: finops.mart_spend_daily
with days as (
    select max(usage_date) as last_date from finops.mart_spend_daily
)

select
    team,
    feature,
    sum(effective_cost_usd) as effective_cost_usd,
    sum(effective_cost_usd) filter (where environment <> 'prod') as of_which_not_production_usd,
    sum(effective_cost_usd) filter (where environment <> 'prod') / nullif(sum(effective_cost_usd), 0) as not_production_ratio
from finops.mart_spend_daily
cross join days
where usage_date > last_date - 30
group by all
order by of_which_not_production_usd desc nulls last;
