select
    provider_name,
    model_name,
    model_id,
    model_family,
    service_tier,
    price_source,
    price_source_url,
    min_input_tokens,
    max_input_tokens,
{%- for token_type in token_types() %}
    cast({{ token_type }}_usd_per_mtok as decimal(18, 9)) as {{ token_type }}_usd_per_mtok,
{%- endfor %}
    cast(web_search_usd_per_thousand as decimal(18, 9)) as web_search_usd_per_thousand,
    valid_from_date,
    valid_to_date,
    price_checked_date
from {{ source('lake', 'model_prices') }}
