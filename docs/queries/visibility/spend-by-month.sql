-- Question: What did we spend each month, and how much of it is settled?
-- Look for: a month with a large estimated part will still move; a month of credits shows a negative difference.
-- Tables: core.fct_cost_ledger
select
    date_trunc('month', usage_date)::date as cost_month,
    sum(effective_cost_usd) as effective_cost_usd,
    sum(effective_cost_usd) filter (where maturity = 'estimated') as of_which_estimated_usd,
    sum(billed_cost_usd) as billed_cost_usd,
    sum(list_cost_usd) as list_cost_usd
from core.fct_cost_ledger
group by all
order by cost_month;
