-- Question: Which work runs at the standard tier though nobody waits for it?
-- Look for: work for no customer, large and regular: it could run as batch at about half the price.
-- Tables: core.fct_llm_requests
select
    team,
    feature,
    environment,
    operation_name,
    service_tier,
    count(*) as request_count,
    sum(effective_cost_usd) as effective_cost_usd
from core.fct_llm_requests
where service_tier = 'standard' and customer_id is null
group by all
order by effective_cost_usd desc nulls last;
