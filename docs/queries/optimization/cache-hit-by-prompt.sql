-- Question: Which prompts read little from the cache although their inputs are long?
-- Look for: long inputs, many requests, a ratio near 0: a prefix that changes, or a cache that is not switched on.
-- Tables: core.fct_llm_requests
select
    team,
    feature,
    prompt_name,
    model_id,
    count(*) as request_count,
    sum(uncached_input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens) / count(*) as input_tokens_per_request,
    sum(cache_read_tokens)
    / nullif(sum(uncached_input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens), 0) as cache_hit_ratio,
    sum(effective_cost_usd) as effective_cost_usd
from core.fct_llm_requests
where is_billable
group by all
having count(*) >= 100
order by cache_hit_ratio, effective_cost_usd desc
limit 50;
