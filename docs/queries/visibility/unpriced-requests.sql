-- Question: Which requests have no price, and why?
-- Look for: unknown_model and no_price_for_tier are mended by a row in price_overrides.csv.
-- Tables: core.fct_llm_requests
select
    price_status,
    provider_name,
    model_name,
    service_tier,
    count(*) as request_count,
    min(usage_date) as first_date,
    max(usage_date) as last_date
from core.fct_llm_requests
where price_status not in ('priced', 'not_billable')
group by all
order by request_count desc;
