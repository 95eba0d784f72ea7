select
    provider_name,
    model_id,
    service_tier,
    price_source,
    min_input_tokens,
    max_input_tokens,
{%- for token_type in token_types() %}
    cast({{ token_type }}_usd_per_mtok as decimal(18, 9)) as {{ token_type }}_usd_per_mtok,
{%- endfor %}
    cast(web_search_usd_per_thousand as decimal(18, 9)) as web_search_usd_per_thousand,
    valid_from_date,
    valid_to_date
from {{ source('lake', 'candidate_prices') }}
