-- Question: Is the forecast driven by more requests, longer requests, or dearer tokens?
-- Look for: which of the three moves against the first month.
-- Tables: finops.mart_forecast_drivers
select
    cost_month,
    forecast_request_count,
    tokens_per_request,
    effective_usd_per_mtok,
    forecast_cost_usd
from finops.mart_forecast_drivers
where
    series_id = 'total' and scenario = 'base'
    and cutoff_date = (select max(cutoff_date) from finops.mart_forecast_drivers)
order by cost_month;
