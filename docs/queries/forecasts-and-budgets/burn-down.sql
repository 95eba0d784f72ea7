-- Question: How does the dearest budget of the current period burn down against its ideal line?
-- Look for: remaining_usd below the ideal before forecast days begin.
-- Tables: finops.mart_budget_burndown, finops.mart_budget_status
with budget as (
    select budget_id, period_start_date
    from finops.mart_budget_status
    where is_latest and status <> 'ended'
    order by spent_usd desc nulls last
    limit 1
)

select
    burn_date,
    is_forecast,
    budget_usd,
    spent_usd,
    ideal_spent_usd,
    remaining_usd,
    projected_remaining_usd
from finops.mart_budget_burndown
inner join budget using (budget_id, period_start_date)
order by burn_date;
