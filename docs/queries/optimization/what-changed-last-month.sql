-- Question: Why did each team cost more or less in the last complete month than in the one before?
-- Look for: volume is growth; tokens_per_request, model_mix and cache_share are choices of engineers.
-- Tables: finops.mart_cost_change_drivers
select
    team,
    driver_name,
    sum(change_usd) as change_usd
from finops.mart_cost_change_drivers
where month_start_date = (
    select max(month_start_date) from finops.mart_cost_change_drivers
    -- Data that begins in the middle of the month before would show as growth.
    where is_month_complete and is_previous_month_complete
)
group by team, driver_name, driver_order
order by team, driver_order;
