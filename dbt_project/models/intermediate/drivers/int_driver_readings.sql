-- What each driver was before and after, in a unit that a reader knows. A mix of models is no single number.
with

factors as (
    select * from {{ ref('int_driver_factors') }}
),

sums as (
    select
        month_start_date,
        team,
        feature,
        bool_or(is_counted_in_tokens) as is_counted_in_tokens,
        {% for side in ['previous', 'current'] -%}
        cast(sum({{ side }}_request_count) as double) as {{ side }}_requests,
        cast(sum({{ side }}_token_count) as double) as {{ side }}_tokens,
        cast(sum(case when token_type = 'cache_read' then {{ side }}_token_count else 0 end) as double) as {{ side }}_cache_read_tokens,
        cast(sum(
            case when token_type in ('uncached_input', 'cache_read', 'cache_write_5m', 'cache_write_1h') then {{ side }}_token_count else 0 end
        ) as double) as {{ side }}_input_tokens,
        cast(sum(case when service_tier = 'standard' then 0 else {{ side }}_token_count end) as double) as {{ side }}_tiered_tokens,
        cast(sum({{ side }}_list_cost_usd) as double) as {{ side }}_list_cost,
        cast(sum({{ side }}_effective_cost_usd) as double) as {{ side }}_effective_cost,
        {% endfor -%}
        cast(sum(cast(current_token_count * current_list_price as decimal(38, 15))) as double) as current_at_current_prices,
        -- The tokens of now at the prices of before; decimals, so that no order of summing changes the result.
        cast(sum(cast(current_token_count * previous_list_price as decimal(38, 15))) as double) as current_at_previous_prices
    from factors
    group by month_start_date, team, feature
)

{% for driver, unit, reading in [
    ('volume', "case when is_counted_in_tokens then 'tokens' else 'requests' end",
        'case when is_counted_in_tokens then @_tokens else @_requests end'),
    ('tokens_per_request', "'tokens per request'", 'case when not is_counted_in_tokens then @_tokens / nullif(@_requests, 0) end'),
    ('cache_share', "'cache reads per input token'", '@_cache_read_tokens / nullif(@_input_tokens, 0)'),
    ('service_tier', "'tokens outside the standard tier per token'", '@_tiered_tokens / nullif(@_tokens, 0)'),
    ('discount', "'effective per list dollar'", '@_effective_cost / nullif(@_list_cost, 0)')
] -%}
select
    team, feature, '{{ driver }}' as driver_name, {{ unit }} as driver_unit,
    {{ reading | replace('@', 'previous') }} as previous_driver_value, {{ reading | replace('@', 'current') }} as current_driver_value, month_start_date
from sums
union all
{% endfor -%}
select
    team, feature, 'list_price', 'list price index of the tokens of now',
    case when previous_tokens > 0 and current_tokens > 0 then 1 end,
    case when previous_tokens > 0 then current_at_current_prices / nullif(current_at_previous_prices, 0) end, month_start_date
from sums
