-- Logged use in long form: one row per token type or meter of a day's workload, with its exact list cost. The request count stands on
-- one row of each group, so that it adds up; a group whose tokens are unknown keeps one row of type `unknown`.
{%- set days = days_to_build() %}
with

logged as (
    select * from {{ ref('int_logged_usage_daily') }}
    where {{ in_days('usage_date', days) }}
),

model_prices as (
    select * from {{ ref('dim_model_prices') }}
    where {{ in_days('usage_date', days) }}
),

priced as (
    select
        logged.*,
        row_number() over (order by
            logged.usage_date, logged.provider_name, logged.account_id, logged.project_id, logged.api_key_id, logged.model_id,
            logged.workload_id, logged.price_id, logged.service_tier, logged.price_status
        ) as group_number,
{%- for token_type in token_types() %}
        model_prices.{{ token_type }}_usd_per_mtok,
{%- endfor %}
        model_prices.web_search_usd_per_thousand
    from logged
    left join model_prices
        on logged.price_id = model_prices.price_id
        and logged.usage_date = model_prices.usage_date
),

long as (
    {% for token_type in token_types() -%}
    select
        group_number, usage_date, provider_name, account_id, project_id, api_key_id, model_id, service_tier, workload_id,
        request_count as group_request_count, {{ loop.index }} as type_order, '{{ token_type }}' as token_type,
        {{ token_column(token_type) }} as token_count, 0 as usage_quantity,
        {{ token_cost(token_column(token_type), token_type ~ '_usd_per_mtok') }} as full_list_cost_usd,
        price_status
    from priced
    where {{ token_column(token_type) }} > 0
    union all
    {% endfor -%}
    select
        group_number, usage_date, provider_name, account_id, project_id, api_key_id, model_id, service_tier, workload_id,
        request_count, 20, 'web_search', 0, web_search_count,
        {{ search_cost('web_search_count', 'web_search_usd_per_thousand') }}, price_status
    from priced
    where web_search_count > 0
    union all
    select
        group_number, usage_date, provider_name, account_id, project_id, api_key_id, model_id, service_tier, workload_id,
        request_count, 30, 'unknown', 0, 0, null, price_status
    from priced
    where price_status = 'unknown_usage'
),

counted as (
    select
        *,
        -- The provider does not charge for these: a known zero, not a missing price.
        case when price_status = 'not_billable' then 0 else full_list_cost_usd end as list_cost_usd,
        case when price_status = 'not_billable' then full_list_cost_usd end as waived_cost_usd,
        case when row_number() over (partition by group_number order by type_order) = 1 then group_request_count else 0 end as request_count
    from long
)

select
    provider_name,
    account_id,
    project_id,
    api_key_id,
    model_id,
    workload_id,
    service_tier,
    token_type,
    cast(sum(token_count) as bigint) as token_count,
    cast(sum(usage_quantity) as bigint) as usage_quantity,
    cast(sum(request_count) as bigint) as request_count,
    case when count(*) = count(list_cost_usd) then cast(sum(list_cost_usd) as {{ money_type() }}) end as list_cost_usd,
    cast(sum(waived_cost_usd) as {{ money_type() }}) as waived_list_cost_usd,
    usage_date
from counted
group by usage_date, provider_name, account_id, project_id, api_key_id, model_id, workload_id, service_tier, token_type
