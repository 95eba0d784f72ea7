-- Each request once, with its list cost at the price of its own day. Owners are not here: they hang on the workload.
{%- set days = days_to_build() %}
with

logged as (
    select * from {{ ref('stg_logs__requests') }}
    where {{ in_days('usage_date', days) }}
),

duplicates as (
    select * from {{ ref('int_request_duplicates') }}
    where {{ in_days('usage_date', days) }}
),

model_names as (
    select * from {{ ref('int_model_names') }}
),

model_prices as (
    select * from {{ ref('dim_model_prices') }}
    where {{ in_days('usage_date', days) }}
),

-- Logs rarely know the account; of a provider that is pulled for one account only, it is that one.
only_accounts as (
    select provider_name, min(account_id) as only_account_id
    from {{ ref('stg_config__sources') }}
    where provider_name is not null and account_id is not null
    group by provider_name
    having count(distinct account_id) = 1
),

-- Few combinations occur on a day, so the price row is found for each of them and not for each request.
once as (
    select
        logged.*,
        coalesce(logged.account_id_logged, only_accounts.only_account_id) as account_id,
        {% for token_type in token_types() %}coalesce(logged.{{ token_column(token_type) }}, 0){% if not loop.last %} + {% endif %}{% endfor %}
            - coalesce(logged.output_tokens, 0) - coalesce(logged.audio_output_tokens, 0) - coalesce(logged.image_output_tokens, 0) as all_input_tokens,
        coalesce({% for token_type in token_types() %}logged.{{ token_column(token_type) }}{% if not loop.last %}, {% endif %}{% endfor %}) is null
            as is_usage_unknown
    from logged
    left join only_accounts
        on logged.provider_name = only_accounts.provider_name
    where not exists (
        select 1 from duplicates
        where
            duplicates.usage_date = logged.usage_date
            and duplicates._load_id = logged._load_id
            and duplicates.file_line = logged.file_line
            -- A line of an OTLP export holds many spans.
            and duplicates.request_id = logged.request_id
            and duplicates.span_id is not distinct from logged.span_id
    )
),

named as (
    select
        once.*,
        coalesce(model_names.model_id, lower(once.model_name)) as model_id,
        -- A request that failed before it used a token is not charged for, unless the log says that it was.
        coalesce(once.is_billable_logged, once.is_success or once.all_input_tokens + coalesce(once.output_tokens, 0) > 0) as is_billable
    from once
    left join model_names
        on once.provider_name = model_names.provider_name
        and once.model_name = model_names.model_name
),

priced as (
    select
        named.*,
        model_prices.price_id,
        model_prices.price_source,
        model_prices.price_id is not null as has_price_row,
{%- for token_type in token_types() %}
        model_prices.{{ token_type }}_usd_per_mtok,
{%- endfor %}
        model_prices.web_search_usd_per_thousand
    from named
    left join model_prices
        on named.provider_name = model_prices.provider_name
        and named.model_name = model_prices.model_name
        and named.service_tier = model_prices.service_tier
        and named.usage_date = model_prices.usage_date
        and named.all_input_tokens >= model_prices.min_input_tokens
        and named.all_input_tokens < coalesce(model_prices.max_input_tokens, 9223372036854775807)
),

costed as (
    select
        priced.*,
        -- Null as soon as one token type that was used has no price: a partial sum would look like a cheap request.
        cast(
            {%- for token_type in token_types() %}
            case when coalesce({{ token_column(token_type) }}, 0) = 0 then 0
                else {{ token_cost(token_column(token_type), token_type ~ '_usd_per_mtok') }} end +
            {%- endfor %}
            case when coalesce(web_search_requests, 0) = 0 then 0
                else {{ search_cost('web_search_requests', 'web_search_usd_per_thousand') }} end
            as {{ request_money_type() }}
        ) as used_cost_usd
    from priced
)

select
    -- ids
    source_name,
    request_id,
    response_id,
    trace_id,
    span_id,
    session_id,
    account_id,
    project_id,
    api_key_id,
    model_id,
    {{ workload_key('costed') }} as workload_id,
    price_id,
    _load_id,
    -- strings
    provider_name,
    model_name,
    operation_name,
    service_tier,
    service_name,
    error_type,
    team_tag,
    feature_tag,
    environment_tag,
    customer_tag,
    tags_json,
    prompt_name,
    prompt_version,
    experiment_id,
    variant,
    finish_reason,
    prompt_hash,
    prefix_hash,
    case
        when not is_billable then 'not_billable'
        when is_usage_unknown then 'unknown_usage'
        when not has_price_row or price_source = 'unknown_model' then 'unknown_model'
        when price_source = 'no_price_for_tier' then 'no_price_for_tier'
        when used_cost_usd is null then 'no_price_for_token_type'
        else 'priced'
    end as price_status,
    -- numerics
    file_line,
    status_code,
{%- for token_type in token_types() %}
    {{ token_column(token_type) }},
{%- endfor %}
    of_which_reasoning_tokens,
    web_search_requests,
    reported_total_tokens,
    prefix_tokens,
    attempt_number,
    duration_seconds,
    cast(case when not is_billable then 0 when not is_usage_unknown then used_cost_usd end as {{ request_money_type() }}) as list_cost_usd,
    reported_cost_usd,
    -- booleans
    is_success,
    is_billable,
    is_streaming,
    -- dates and times
    usage_date,
    started_at
from costed
