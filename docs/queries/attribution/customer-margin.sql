-- Question: Which customers cost more than they bring?
-- Look for: negative margins, and customers without revenue (null): free plans, or a name that does not match.
-- Tables: finops.mart_customer_margin_monthly
select
    customer_id,
    sum(effective_cost_usd) as effective_cost_usd,
    sum(revenue_usd) as revenue_usd,
    sum(margin_usd) as margin_usd,
    sum(margin_usd) / nullif(sum(revenue_usd), 0) as margin_ratio
from finops.mart_customer_margin_monthly
group by all
order by margin_usd nulls last
limit 50;
