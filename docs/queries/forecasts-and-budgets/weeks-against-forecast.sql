-- Question: Did each of the last weeks cost what was expected of it before it began?
-- Look for: actual cost outside of the range, which at least nine weeks in ten should lie in.
-- Tables: finops.mart_forecast_weekly, core.fct_cost_ledger
with weeks as (
    select date_trunc('week', usage_date)::date as week_start_date, sum(effective_cost_usd) as effective_cost_usd
    from core.fct_cost_ledger
    group by all
)

select
    week_start_date,
    effective_cost_usd,
    forecast_cost_usd,
    lower_cost_usd,
    upper_cost_usd,
    effective_cost_usd between lower_cost_usd and upper_cost_usd as is_within_range,
    is_before_the_fact
from finops.mart_forecast_weekly
inner join weeks using (week_start_date)
where series_id = 'total'
order by week_start_date desc;
