-- Question: What is the statement of each team for the last complete month?
-- Look for: shared_cost_usd is what splits brought; of_which_estimated_usd may still change.
-- Tables: finops.mart_chargeback_monthly, core.fct_cost_ledger
select
    cost_month,
    cost_center,
    team_name,
    direct_cost_usd,
    shared_cost_usd,
    credits_and_adjustments_usd,
    effective_cost_usd,
    of_which_estimated_usd,
    change_from_month_before_usd
from finops.mart_chargeback_monthly
where cost_month = (
    select max(cost_month) from finops.mart_chargeback_monthly
    where cost_month < (select date_trunc('month', max(usage_date) + 1) from core.fct_cost_ledger)
)
order by effective_cost_usd desc;
