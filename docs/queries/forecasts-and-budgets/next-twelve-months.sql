-- Question: What will we spend in each of the next months, and within what range?
-- Look for: total_p90_usd is what to plan for if it must not be passed; the first month holds what is already spent.
-- Tables: finops.mart_forecast_monthly
select
    cost_month,
    actual_to_cutoff_usd,
    forecast_cost_usd,
    total_p10_usd,
    total_p50_usd,
    total_p90_usd
from finops.mart_forecast_monthly
where
    series_id = 'total' and is_shipped_model and scenario = 'base'
    and cutoff_date = (select max(cutoff_date) from finops.mart_forecast_monthly)
order by cost_month;
