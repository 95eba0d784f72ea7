-- Question: Which features are slow, and is the slow tail on one model?
-- Look for: a 95 % duration far above the median.
-- Tables: core.fct_llm_requests
select
    feature,
    model_id,
    count(*) as request_count,
    median(duration_seconds) as median_duration_seconds,
    quantile_cont(duration_seconds, 0.95) as p95_duration_seconds,
    sum(effective_cost_usd) / count(*) as cost_per_request_usd
from core.fct_llm_requests
where is_success and duration_seconds is not null
group by all
having count(*) >= 100
order by p95_duration_seconds desc
limit 50;
