-- Every dollar has a customer, or the customer `unassigned`: per day the customers' cost is the ledger's.
with

signed as (
    select usage_date, effective_cost_usd from {{ ref('int_customer_costs_daily') }}
    union all
    select usage_date, -effective_cost_usd from {{ ref('fct_cost_ledger') }}
)

select usage_date, sum(effective_cost_usd) as difference_usd
from signed
group by usage_date
having sum(effective_cost_usd) <> 0
