-- Per month the margins carry all cost of the ledger, and over all months all revenue that has a rate.
with

signed_costs as (
    select cost_month, effective_cost_usd from {{ ref('mart_customer_margin_monthly') }}
    union all
    select cast(date_trunc('month', usage_date) as date), -effective_cost_usd from {{ ref('fct_cost_ledger') }}
),

signed_revenue as (
    select customer_id, revenue_usd from {{ ref('mart_customer_margin_monthly') }}
    union all
    select customer_id, -revenue_usd from {{ ref('stg_logs__revenue') }}
)

select 'cost of ' || cast(cost_month as varchar) as what, sum(effective_cost_usd) as difference_usd
from signed_costs
group by cost_month
having sum(effective_cost_usd) <> 0
union all
select 'revenue of ' || customer_id, sum(revenue_usd)
from signed_revenue
group by customer_id
having sum(revenue_usd) <> 0
