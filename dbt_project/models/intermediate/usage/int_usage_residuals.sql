-- Metered use that no log explains: dark spend. Metered minus logged per day, project, key, model and token type, never below
-- zero, and priced in the tiers in which the meter is ahead of the logs.
{%- set days = days_to_build() %}
{%- set key_columns = ['usage_date', 'provider_name', 'account_id', 'project_id', 'api_key_id', 'model_id', 'token_type'] %}
with

metered as (
    select * from {{ ref('int_metered_usage_daily') }}
    where {{ in_days('usage_date', days) }}
),

logged as (
    select
        {{ key_columns | join(', ') }}, service_tier,
        sum(token_count) as token_count,
        sum(usage_quantity) as usage_quantity,
        sum(request_count) as request_count
    from {{ ref('int_logged_usage_located') }}
    where {{ in_days('usage_date', days) }}
    group by all
),

by_tier as (
    select
        {% for column in key_columns %}metered.{{ column }}, {% endfor %}
        metered.service_tier,
        metered.token_count,
        metered.usage_quantity,
        metered.request_count,
        metered.list_cost_usd,
        metered.token_count + metered.usage_quantity as metered_quantity,
        greatest(
            metered.token_count + metered.usage_quantity - coalesce(logged.token_count + logged.usage_quantity, 0), 0
        ) as tier_excess
    from metered
    left join logged
        on {% for column in key_columns %}metered.{{ column }} is not distinct from logged.{{ column }} and {% endfor %}
        metered.service_tier = logged.service_tier
),

logged_keys as (
    select
        {{ key_columns | join(', ') }},
        sum(token_count + usage_quantity) as logged_quantity,
        sum(request_count) as logged_request_count
    from logged
    group by all
),

residuals as (
    select
        by_tier.*,
        sum(by_tier.metered_quantity) over by_key - coalesce(logged_keys.logged_quantity, 0) as residual_quantity,
        sum(by_tier.request_count) over by_key - coalesce(logged_keys.logged_request_count, 0) as residual_request_count
    from by_tier
    left join logged_keys
        on {% for column in key_columns %}by_tier.{{ column }} is not distinct from logged_keys.{{ column }}{% if not loop.last %} and {% endif %}{% endfor %}
    window by_key as (partition by {% for column in key_columns %}by_tier.{{ column }}{% if not loop.last %}, {% endif %}{% endfor %})
),

spread as (
    select
        *,
        {{ allocate_exactly('residual_quantity', 'tier_excess', key_columns | join(', '), 'service_tier', scale=0, type='bigint') }} as quantity,
        {{ allocate_exactly('greatest(residual_request_count, 0)', 'tier_excess', key_columns | join(', '), 'service_tier', scale=0, type='bigint') }}
            as spread_request_count
    from residuals
    where residual_quantity > 0 and tier_excess > 0
)

select
    provider_name,
    account_id,
    project_id,
    api_key_id,
    model_id,
    {{ text_key(['provider_name', 'account_id', 'project_id', 'api_key_id', 'model_id'] + ['null'] * 5) }} as workload_id,
    service_tier,
    token_type,
    case when token_count > 0 then quantity else 0 end as token_count,
    case when token_count > 0 then 0 else quantity end as usage_quantity,
    -- Null where the provider meters no requests: not known is not zero.
    spread_request_count as request_count,
    case
        when quantity = metered_quantity then list_cost_usd
        else cast(cast(round(cast(list_cost_usd as double) * quantity / metered_quantity, 12) as decimal(38, 12)) as {{ money_type() }})
    end as list_cost_usd,
    usage_date
from spread
where quantity > 0
