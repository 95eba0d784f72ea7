-- Per team, feature and month the drivers sum to the change of the cost, to the last decimal.
select
    month_start_date,
    team,
    feature,
    sum(change_usd) as change_usd,
    min(current_cost_usd - previous_cost_usd) as difference_usd
from {{ ref('mart_cost_change_drivers') }}
group by month_start_date, team, feature
having
    sum(change_usd) <> min(current_cost_usd - previous_cost_usd)
    or min(current_cost_usd) <> max(current_cost_usd)
    or min(previous_cost_usd) <> max(previous_cost_usd)
    or count(*) <> {{ cost_drivers() | length + 1 }}
