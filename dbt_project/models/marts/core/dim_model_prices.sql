-- Prices expanded to days, so that requests find theirs by an equality join.
with

model_prices as (
    select * from {{ ref('stg_prices__model_prices') }}
),

priced_days as (
    select * from {{ ref('int_priced_days') }}
),

spans as (
    select
        model_prices.*,
        greatest(model_prices.valid_from_date, priced_days.first_date) as first_date,
        least(model_prices.valid_to_date, priced_days.last_date) as last_date
    from model_prices
    cross join priced_days
),

expanded as (
    select
        -- ids
        {{ text_key(['provider_name', 'model_name', 'service_tier', 'min_input_tokens', 'valid_from_date']) }} as price_id,
        -- strings
        provider_name,
        model_name,
        model_id,
        model_family,
        service_tier,
        price_source,
        price_source_url,
        -- numerics
        min_input_tokens,
        max_input_tokens,
{%- for token_type in token_types() %}
        {{ token_type }}_usd_per_mtok,
{%- endfor %}
        web_search_usd_per_thousand,
        -- dates
        cast({{ days_between('first_date', 'last_date') }} as date) as usage_date,
        valid_from_date,
        valid_to_date,
        price_checked_date
    from spans
    where first_date <= last_date
)

select * from expanded
