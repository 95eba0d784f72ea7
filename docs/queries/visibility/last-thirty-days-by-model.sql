-- Question: Which models cost most in the last 30 days, and what does a million tokens of each really cost?
-- Look for: a dear model with a large share of the tokens is the first candidate for a swap.
-- Tables: finops.mart_spend_daily
with days as (
    select max(usage_date) as last_date from finops.mart_spend_daily
)

select
    provider_name,
    model_id,
    sum(effective_cost_usd) as effective_cost_usd,
    sum(effective_cost_usd) / sum(sum(effective_cost_usd)) over () as cost_share_ratio,
    sum(token_count) as token_count,
    sum(effective_cost_usd) * 1000000 / nullif(sum(token_count), 0) as effective_usd_per_mtok
from finops.mart_spend_daily
cross join days
where usage_date > last_date - 30
group by all
order by effective_cost_usd desc;
