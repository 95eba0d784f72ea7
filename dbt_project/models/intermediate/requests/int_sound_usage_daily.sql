-- Use that nothing is wrong with but perhaps its tier: requests that are not wasted otherwise, rolled up to what a price needs.
{%- set days = days_to_build() %}
with

requests as (
    select * from {{ ref('int_llm_requests_priced') }}
    where {{ in_days('usage_date', days) }} and is_billable and list_cost_usd > 0
),

wasted as (
    select * from {{ ref('int_wasted_requests') }}
    where {{ in_days('usage_date', days) }}
)

select
    requests.workload_id,
    requests.model_id,
    requests.price_id,
    requests.provider_name,
    requests.service_tier,
    count(*) as request_count,
{%- for token_type in token_types() %}
    cast(coalesce(sum(requests.{{ token_column(token_type) }}), 0) as bigint) as {{ token_column(token_type) }},
{%- endfor %}
    cast(coalesce(sum(requests.web_search_requests), 0) as bigint) as web_search_count,
    cast(sum(requests.list_cost_usd) as {{ money_type() }}) as list_cost_usd,
    requests.usage_date
from requests
where not exists (
    select 1 from wasted
    where
        wasted.usage_date = requests.usage_date
        and wasted.source_name = requests.source_name
        and wasted.request_id = requests.request_id
)
group by
    requests.usage_date, requests.workload_id, requests.model_id, requests.price_id, requests.provider_name, requests.service_tier
