-- Question: Which customers cost more than they bring?
-- Look for: negative margins, and customers without revenue (null): free plans, or a name that does not match.
-- Tables: core.fct_cost_ledger, finops.mart_customer_margin_monthly
with days as (
    select min(usage_date) as first_date, max(usage_date) as last_date from core.fct_cost_ledger
)

select
    customer_id,
    sum(effective_cost_usd) as effective_cost_usd,
    sum(revenue_usd) as revenue_usd,
    sum(margin_usd) as margin_usd,
    sum(margin_usd) / nullif(sum(revenue_usd), 0) as margin_ratio
from finops.mart_customer_margin_monthly
cross join days
-- Whole months only: revenue is that of a month, and in the first and the running one only some days have cost.
where cost_month >= first_date and cost_month + interval 1 month - interval 1 day <= last_date
group by all
order by margin_usd nulls last;
