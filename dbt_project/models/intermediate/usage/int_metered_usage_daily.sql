-- The providers' own meters, in one shape and in long form: one row per token type or other meter. Several usage kinds and hours
-- of a day are summed. Kinds without a model keep their own name as the model.
{%- set days = days_to_build() %}
with

openai_usage as (
    select * from {{ ref('stg_openai__usage') }}
    where {{ in_days('usage_date', days) }}
),

anthropic_usage as (
    select * from {{ ref('stg_anthropic__usage') }}
    where {{ in_days('usage_date', days) }}
),

unioned as (
    select
        source_name, provider_name, account_id, project_id, api_key_id, coalesce(model_name, usage_kind) as model_name, service_tier,
        0 as min_input_tokens, usage_date, request_count,
        {% for token_type in token_types() %}{{ token_column(token_type) }}, {% endfor %}
        web_search_count, file_search_count, images_count, audio_seconds_count, characters_count, code_sessions_count, storage_bytes_count
    from openai_usage
    union all
    select
        source_name, provider_name, account_id, project_id, api_key_id, model_name, service_tier,
        case when context_window = '200k-1M' then 200001 else 0 end, usage_date, null,
        {% for token_type in token_types() %}{% if token_type in ('audio_input', 'audio_output', 'image_input', 'image_output') %}0{% else %}{{ token_column(token_type) }}{% endif %}, {% endfor %}
        web_search_count, null, null, null, null, null, null
    from anthropic_usage
),

long as (
    {% for token_type in token_types() -%}
    select
        source_name, provider_name, account_id, project_id, api_key_id, model_name, service_tier, min_input_tokens, usage_date,
        '{{ token_type }}' as token_type, {{ token_column(token_type) }} as token_count, 0 as usage_quantity,
        {% if token_type == 'uncached_input' %}request_count{% else %}0{% endif %} as request_count
    from unioned
    union all
    {% endfor -%}
    {% for meter in ['web_search', 'file_search', 'images', 'audio_seconds', 'characters', 'code_sessions', 'storage_bytes'] -%}
    select
        source_name, provider_name, account_id, project_id, api_key_id, model_name, service_tier, min_input_tokens, usage_date,
        '{{ meter }}', 0, {{ meter }}_count, 0
    from unioned
    {% if not loop.last %}union all{% endif %}
    {% endfor -%}
),

model_names as (
    select * from {{ ref('int_model_names') }}
),

summed as (
    select
        long.provider_name,
        long.account_id,
        long.project_id,
        long.api_key_id,
        long.model_name,
        coalesce(model_names.model_id, lower(long.model_name)) as model_id,
        long.service_tier,
        long.min_input_tokens,
        long.token_type,
        long.usage_date,
        cast(sum(long.token_count) as bigint) as token_count,
        cast(sum(long.usage_quantity) as bigint) as usage_quantity,
        cast(sum(long.request_count) as bigint) as request_count
    from long
    left join model_names
        on long.provider_name = model_names.provider_name
        and long.model_name = model_names.model_name
    group by all
),

model_prices as (
    select * from {{ ref('dim_model_prices') }}
    where {{ in_days('usage_date', days) }}
),

priced as (
    select
        summed.*,
        case summed.token_type
            {% for token_type in token_types() -%}
            when '{{ token_type }}' then {{ token_cost('summed.token_count', 'model_prices.' ~ token_type ~ '_usd_per_mtok') }}
            {% endfor -%}
            when 'web_search' then {{ search_cost('summed.usage_quantity', 'model_prices.web_search_usd_per_thousand') }}
        end as list_cost_usd
    from summed
    left join model_prices
        on summed.provider_name = model_prices.provider_name
        and summed.model_name = model_prices.model_name
        and summed.service_tier = model_prices.service_tier
        and summed.usage_date = model_prices.usage_date
        -- The meter says only whether a request was beyond the window: the band that holds its first token prices it.
        and summed.min_input_tokens >= model_prices.min_input_tokens
        and summed.min_input_tokens < coalesce(model_prices.max_input_tokens, 9223372036854775807)
    where summed.token_count > 0 or summed.usage_quantity > 0 or summed.request_count > 0
)

select
    provider_name,
    account_id,
    project_id,
    api_key_id,
    model_id,
    service_tier,
    token_type,
    cast(sum(token_count) as bigint) as token_count,
    cast(sum(usage_quantity) as bigint) as usage_quantity,
    cast(sum(request_count) as bigint) as request_count,
    -- A sum in which one part has no price is not known.
    case when count(*) = count(list_cost_usd) then cast(sum(list_cost_usd) as {{ money_type() }}) end as list_cost_usd,
    usage_date
from priced
group by usage_date, provider_name, account_id, project_id, api_key_id, model_id, service_tier, token_type
