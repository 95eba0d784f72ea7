-- Question: Which single requests cost most in the last 30 days?
-- Look for: long inputs without cache reads. `tokenatlas explain ID` shows every step of one.
-- Tables: core.fct_llm_requests
with days as (
    select max(usage_date) as last_date from core.fct_llm_requests
)

select
    request_id,
    started_at,
    team,
    feature,
    model_id,
    uncached_input_tokens,
    cache_read_tokens,
    output_tokens,
    effective_cost_usd
from core.fct_llm_requests
cross join days
where usage_date > last_date - 30 and effective_cost_usd is not null
order by effective_cost_usd desc
limit 50;
