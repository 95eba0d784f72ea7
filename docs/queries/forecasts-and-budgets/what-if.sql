-- Question: How do the scenarios differ from the base, over the year ahead?
-- Look for: the difference, and not the level: both share the same history.
-- Tables: finops.mart_forecast_monthly
with scenarios as (
    select scenario, sum(total_p50_usd) as sum_of_medians_usd
    from finops.mart_forecast_monthly
    where
        series_id = 'total' and is_shipped_model
        and cutoff_date = (select max(cutoff_date) from finops.mart_forecast_monthly)
    group by all
)

select
    *,
    sum_of_medians_usd - max(sum_of_medians_usd) filter (where scenario = 'base') over () as difference_to_base_usd
from scenarios
order by scenario;
