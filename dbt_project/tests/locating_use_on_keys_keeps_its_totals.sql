-- Filling in the provider's key moves use between keys and neither makes nor loses any of it.
{%- set columns = 'usage_date, provider_name, workload_id, service_tier, token_type' %}
with

signed as (
    select {{ columns }}, token_count, usage_quantity, request_count, coalesce(list_cost_usd, 0) as list_cost_usd
    from {{ ref('int_logged_token_usage') }}
    union all
    select {{ columns }}, -token_count, -usage_quantity, -request_count, -coalesce(list_cost_usd, 0)
    from {{ ref('int_logged_usage_located') }}
)

select {{ columns }}, sum(token_count) as token_count, sum(request_count) as request_count, sum(list_cost_usd) as list_cost_usd
from signed
group by {{ columns }}
having sum(token_count) <> 0 or sum(usage_quantity) <> 0 or sum(request_count) <> 0 or sum(list_cost_usd) <> 0
