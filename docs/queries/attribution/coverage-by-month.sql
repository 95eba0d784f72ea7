-- Question: How much of the cost has an owner, and how did it get one?
-- Look for: the unattributed part, month by month; it should fall.
-- Tables: core.fct_cost_ledger
with months as (
    select
        date_trunc('month', usage_date)::date as cost_month,
        allocation_method,
        sum(effective_cost_usd) as effective_cost_usd
    from core.fct_cost_ledger
    group by all
)

select
    *,
    effective_cost_usd / nullif(sum(effective_cost_usd) over (partition by cost_month), 0) as cost_share_ratio
from months
order by cost_month, effective_cost_usd desc;
