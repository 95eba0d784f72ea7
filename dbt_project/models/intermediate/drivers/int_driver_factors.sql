-- The cost of a token type of a model in a tier as a product of eight factors, before and after. Where one of them is not defined because
-- there was nothing to measure it on, it has not moved: it is what it was in the other month.
{%- set owner = 'month_start_date, team, feature' %}
with

compared as (
    select
        *,
        -- Input is shared among its ways through the cache; other token types are amounts of their own.
        case when token_type in ('uncached_input', 'cache_read', 'cache_write_5m', 'cache_write_1h') then 'input' else token_type end as direction
    from {{ ref('int_driver_costs_compared') }}
    where is_token_cost
),

totalled as (
    select
        compared.*,
        {% for side in ['previous', 'current'] -%}
        sum({{ side }}_request_count) over by_owner as {{ side }}_owner_requests,
        sum({{ side }}_token_count) over by_owner as {{ side }}_owner_tokens,
        sum({{ side }}_token_count) over by_direction as {{ side }}_direction_tokens,
        sum({{ side }}_token_count) over by_type as {{ side }}_type_tokens,
        sum({{ side }}_token_count) over by_model as {{ side }}_model_tokens,
        -- What others paid for the same is what a model that was not used yet would have cost.
        cast(sum({{ side }}_short_list_cost_usd) over by_price as double)
            / nullif(cast(sum({{ side }}_token_count) over by_price as double), 0) as {{ side }}_market_price,
        cast(sum({{ side }}_effective_cost_usd) over by_provider as double)
            / nullif(cast(sum({{ side }}_list_cost_usd) over by_provider as double), 0) as {{ side }}_market_discount{{ ',' if not loop.last }}
        {% endfor %}
    from compared
    window
        by_owner as (partition by {{ owner }}),
        by_direction as (partition by {{ owner }}, direction),
        by_type as (partition by {{ owner }}, token_type),
        by_model as (partition by {{ owner }}, token_type, provider_name, model_id),
        by_price as (partition by month_start_date, provider_name, model_id, service_tier, token_type),
        by_provider as (partition by month_start_date, provider_name)
),

counted as (
    select
        totalled.*,
        -- Use that is metered without a count of requests is measured in tokens, in both months.
        (previous_owner_tokens > 0 and previous_owner_requests = 0) or (current_owner_tokens > 0 and current_owner_requests = 0)
            as is_counted_in_tokens,
        -- A few stray requests do not say how a feature worked before it was launched, or after it ended.
        previous_owner_requests between 1 and 19 and 20 * previous_owner_requests <= current_owner_requests as is_launch,
        current_owner_requests between 1 and 19 and 20 * current_owner_requests <= previous_owner_requests as is_ending
    from totalled
),

measured as (
    select
        counted.*,
        {% for side in ['previous', 'current'] -%}
        case
            when {{ side }}_owner_tokens = 0 then cast(0 as double)
            when is_counted_in_tokens then cast({{ side }}_owner_tokens as double)
            else cast({{ side }}_owner_requests as double)
        end as {{ side }}_volume,
        cast({{ side }}_direction_tokens as double) / nullif(
            case when is_counted_in_tokens then cast({{ side }}_owner_tokens as double) else cast({{ side }}_owner_requests as double) end, 0
        ) as {{ side }}_tokens_per_request,
        cast({{ side }}_type_tokens as double) / nullif(cast({{ side }}_direction_tokens as double), 0) as {{ side }}_cache_share,
        cast({{ side }}_model_tokens as double) / nullif(cast({{ side }}_type_tokens as double), 0) as {{ side }}_model_mix,
        cast({{ side }}_token_count as double) / nullif(cast({{ side }}_model_tokens as double), 0) as {{ side }}_service_tier,
        coalesce(
            cast({{ side }}_short_list_cost_usd as double) / nullif(cast({{ side }}_token_count as double), 0), {{ side }}_market_price
        ) as {{ side }}_list_price,
        cast({{ side }}_list_cost_usd as double) / nullif(cast({{ side }}_short_list_cost_usd as double), 0) as {{ side }}_long_context,
        coalesce(
            cast({{ side }}_effective_cost_usd as double) / nullif(cast({{ side }}_list_cost_usd as double), 0), {{ side }}_market_discount
        ) as {{ side }}_discount{{ ',' if not loop.last }}
        {% endfor %}
    from counted
)

select
    team,
    feature,
    provider_name,
    model_id,
    service_tier,
    token_type,
    {% for factor in cost_factors() -%}
    {% if factor == 'volume' -%}
    previous_volume,
    current_volume,
    {% else -%}
    case when is_launch then coalesce(current_{{ factor }}, previous_{{ factor }}) else coalesce(previous_{{ factor }}, current_{{ factor }}) end
        as previous_{{ factor }},
    case when is_ending then coalesce(previous_{{ factor }}, current_{{ factor }}) else coalesce(current_{{ factor }}, previous_{{ factor }}) end
        as current_{{ factor }},
    {% endif -%}
    {% endfor -%}
    previous_request_count,
    previous_token_count,
    current_request_count,
    current_token_count,
    previous_list_cost_usd,
    current_list_cost_usd,
    previous_effective_cost_usd,
    current_effective_cost_usd,
    is_counted_in_tokens,
    month_start_date
from measured
