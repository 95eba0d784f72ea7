-- Question: How does spend differ by weekday?
-- Look for: weekends as dear as weekdays point at batch work or at loops that nobody watches.
-- Tables: finops.mart_spend_daily, core.dim_dates
with daily as (
    select usage_date, sum(effective_cost_usd) as effective_cost_usd
    from finops.mart_spend_daily
    group by all
)

select
    iso_weekday_number,
    is_weekend,
    count(*) as day_count,
    sum(effective_cost_usd) / count(*) as effective_cost_usd_per_day
from daily
inner join core.dim_dates on usage_date = date_day
group by all
order by iso_weekday_number;
