-- What each usage day was received and priced from, as one text each: when it changes, the day is built again, and only then.
-- A request and its second log may lie on both sides of midnight, so requests also depend on the neighbouring days.
with

load_days as (
    select * from {{ ref('stg_lake__load_days') }}
),

sources as (
    select {{ fingerprint_of(['source_name', 'provider_name', 'account_id', 'preference']) }} as fingerprint from {{ ref('stg_config__sources') }}
),

fx_rates as (
    select {{ fingerprint_of(['currency', 'usd_per_unit', 'valid_from_date']) }} as fingerprint from {{ ref('stg_config__fx_rates') }}
),

received as (
    select
        usage_date,
        table_name,
        {{ fingerprint_of(['source_name', 'account_id', 'data_load_id', 'row_count']) }} as fingerprint
    from load_days
    where
        usage_date > date '1970-01-01'
        and table_name in ('requests', 'openai_usage', 'anthropic_usage', 'openai_costs', 'anthropic_costs')
    group by usage_date, table_name
),

model_prices as (
    select * from {{ ref('dim_model_prices') }}
),

-- A day depends on the prices of the models that it used: one that is new today must not build history again.
used_models as (
    select usage_date, provider_name, model_name from {{ ref('stg_logs__requests') }}
    union
    select usage_date, provider_name, model_name from {{ ref('stg_openai__usage') }}
    union
    select usage_date, provider_name, model_name from {{ ref('stg_anthropic__usage') }}
),

prices as (
    select
        model_prices.usage_date,
        {{ fingerprint_of([
            'model_prices.price_id', 'model_prices.model_id', 'model_prices.service_tier', 'model_prices.min_input_tokens',
            'model_prices.max_input_tokens', 'model_prices.web_search_usd_per_thousand', 'model_prices.price_source'
        ] + prices_columns()) }} as fingerprint
    from model_prices
    inner join used_models
        on model_prices.usage_date = used_models.usage_date
        and model_prices.provider_name = used_models.provider_name
        and model_prices.model_name = used_models.model_name
    group by model_prices.usage_date
),

days as (
    select distinct usage_date from received
),

by_day as (
    select
        days.usage_date,
        max(case when received.table_name = 'requests' then received.fingerprint end) as requests,
        max(case when received.table_name = 'openai_usage' then received.fingerprint end) as openai_usage,
        max(case when received.table_name = 'anthropic_usage' then received.fingerprint end) as anthropic_usage,
        max(case when received.table_name = 'openai_costs' then received.fingerprint end) as openai_costs,
        max(case when received.table_name = 'anthropic_costs' then received.fingerprint end) as anthropic_costs,
        max(prices.fingerprint) as prices
    from days
    left join received
        on days.usage_date = received.usage_date
    left join prices
        on days.usage_date = prices.usage_date
    group by days.usage_date
),

neighbours as (
    select
        by_day.*,
        day_before.requests as requests_day_before,
        day_after.requests as requests_day_after
    from by_day
    left join by_day as day_before
        on by_day.usage_date - 1 = day_before.usage_date
    left join by_day as day_after
        on by_day.usage_date + 1 = day_after.usage_date
)

select
    neighbours.usage_date,
    {{ text_key(['requests', 'requests_day_before', 'requests_day_after', 'sources.fingerprint', 'prices']) }} as requests_fingerprint,
    {{ text_key([
        'requests', 'requests_day_before', 'requests_day_after', 'sources.fingerprint', 'prices', 'openai_usage', 'anthropic_usage'
    ]) }} as usage_fingerprint,
    {{ text_key([
        'requests', 'requests_day_before', 'requests_day_after', 'sources.fingerprint', 'prices', 'openai_usage', 'anthropic_usage',
        'openai_costs', 'anthropic_costs', 'fx_rates.fingerprint'
    ]) }} as charges_fingerprint
from neighbours
cross join sources
cross join fx_rates
