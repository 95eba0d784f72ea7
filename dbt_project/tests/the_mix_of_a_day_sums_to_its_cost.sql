-- Sharing the cost among segments of customers loses nothing: per recent day the mix is the ledger, exactly.
with

signed as (
    select usage_date, effective_cost_usd from {{ ref('int_cost_mix_daily') }}
    union all
    select usage_date, -effective_cost_usd
    from {{ ref('fct_cost_ledger') }}
    where usage_date >= (select min(usage_date) from {{ ref('int_cost_mix_daily') }})
)

select usage_date, sum(effective_cost_usd) as difference_usd
from signed
group by usage_date
having sum(effective_cost_usd) <> 0
