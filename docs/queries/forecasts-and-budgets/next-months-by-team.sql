-- Question: What will each team spend next month?
-- Look for: wide ranges (p90 far above p50): little history, or a change of level.
-- Tables: finops.mart_forecast_monthly
with latest as (
    select max(cutoff_date) as cutoff_date from finops.mart_forecast_monthly
)

select
    dimension_value as team,
    cost_month,
    total_p10_usd,
    total_p50_usd,
    total_p90_usd
from finops.mart_forecast_monthly
inner join latest using (cutoff_date)
where
    dimension_name = 'team' and is_shipped_model and scenario = 'base'
    and cost_month = date_trunc('month', cutoff_date + interval 1 month)
order by total_p50_usd desc;
