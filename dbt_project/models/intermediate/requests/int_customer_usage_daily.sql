-- List cost of each customer's requests within a workload and tier: the key by which the workload's cost is shared among its customers.
{%- set days = days_to_build() %}
select
    workload_id,
    service_tier,
    customer_tag,
    count(*) as request_count,
    cast(sum(list_cost_usd) as {{ money_type() }}) as list_cost_usd,
    usage_date
from {{ ref('int_llm_requests_priced') }}
where is_billable and {{ in_days('usage_date', days) }}
group by usage_date, workload_id, service_tier, customer_tag
