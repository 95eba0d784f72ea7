-- Requests that used or cost anything, rolled up to what the ledger needs. Those that the provider does not charge for are here with their
-- tokens, because the meter counts them, and do not count as requests. The price row is part of the grain, so tokens x price of a group is the
-- exact sum of its requests.
{%- set days = days_to_build() %}
with

requests as (
    select * from {{ ref('int_llm_requests_priced') }}
    where
        {{ in_days('usage_date', days) }}
        and (is_billable or coalesce({% for token_type in token_types() %}{{ token_column(token_type) }}{% if not loop.last %}, {% endif %}{% endfor %}) is not null)
)

select
    account_id,
    project_id,
    api_key_id,
    model_id,
    workload_id,
    price_id,
    provider_name,
    service_tier,
    price_status,
    count(*) filter (where is_billable) as request_count,
{%- for token_type in token_types() %}
    cast(sum({{ token_column(token_type) }}) as bigint) as {{ token_column(token_type) }},
{%- endfor %}
    cast(sum(web_search_requests) as bigint) as web_search_count,
    cast(sum(list_cost_usd) as {{ money_type() }}) as list_cost_usd,
    usage_date
from requests
group by
    usage_date, provider_name, account_id, project_id, api_key_id, model_id, workload_id, price_id, service_tier, price_status
