-- Question: What do failed requests cost, by error and feature?
-- Look for: errors that are billed: cut outputs and aborted streams are paid for in full.
-- Tables: core.fct_llm_requests
select
    team,
    feature,
    coalesce(error_type, 'not said') as error_type,
    count(*) as failed_request_count,
    count(*) filter (where is_billable) as billed_request_count,
    sum(effective_cost_usd) as effective_cost_usd
from core.fct_llm_requests
where not is_success
group by all
order by effective_cost_usd desc nulls last;
