-- Question: How much is spent by keys that log nothing?
-- Look for: projects and keys at the top need instrumentation, or an owner by rule.
-- Tables: core.fct_cost_ledger
select
    provider_name,
    project_id,
    api_key_id,
    team,
    sum(effective_cost_usd) as dark_cost_usd,
    sum(token_count) as dark_token_count,
    min(usage_date) as first_date,
    max(usage_date) as last_date
from core.fct_cost_ledger
where evidence = 'metered'
group by all
order by dark_cost_usd desc
limit 50;
