-- Requests that cost something and brought less than they cost, each under the first kind that fits: what has failed is not also a
-- repeat, and what was wholly wasted is not wasted once more for its length. Everything is seen within a day.
{%- set days = days_to_build() %}
{%- set outputs = ['output', 'audio_output', 'image_output'] %}
{%- set inputs = ['uncached_input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'audio_input', 'image_input'] %}
with

requests as (
    select
        *,
        {% for token_type in inputs %}coalesce({{ token_column(token_type) }}, 0){% if not loop.last %} + {% endif %}{% endfor %} as input_tokens
    from {{ ref('int_llm_requests_priced') }}
    where
        {{ in_days('usage_date', days) }}
        and is_billable
        and (list_cost_usd is null or list_cost_usd > 0)
),

model_prices as (
    select * from {{ ref('dim_model_prices') }}
    where {{ in_days('usage_date', days) }}
),

-- How many successful requests of the day had the same input before this one, and what is usual for its workload and session.
placed as (
    select
        *,
        case when is_success and prompt_hash is not null then row_number() over same_prompt end as prompt_number,
        case when is_success and trace_id is not null then row_number() over same_call end as call_number,
        case when session_id is not null then row_number() over session end as session_number,
        case when session_id is not null then first_value(input_tokens) over session end as first_session_tokens,
        count(*) over (partition by usage_date, workload_id) as workload_request_count,
        median(input_tokens) over (partition by usage_date, workload_id) as usual_tokens
    from requests
    window
        same_prompt as (
            partition by usage_date, provider_name, account_id, model_id, prompt_hash, input_tokens, is_success
            order by started_at, source_name, request_id
        ),
        same_call as (
            partition by usage_date, workload_id, trace_id, input_tokens, is_success order by started_at, source_name, request_id
        ),
        session as (partition by usage_date, workload_id, session_id order by started_at, source_name, request_id)
),

-- A request is far above the usual when it is {{ oversized_factor() }} times the first one of its session and the median of its workload.
measured as (
    select
        *,
        case
            when session_number > 1 and workload_request_count >= {{ usual_request_count() }} then greatest(first_session_tokens, usual_tokens)
            when session_number > 1 then first_session_tokens
            when workload_request_count >= {{ usual_request_count() }} then usual_tokens
        end as usual_input_tokens
    from placed
),

priced as (
    select
        measured.*,
        own_prices.min_input_tokens > 0 as is_surcharged,
        {%- for token_type in token_types() %}
        base_prices.{{ token_type }}_usd_per_mtok as base_{{ token_type }}_price,
        {%- endfor %}
        {%- for token_type in inputs + outputs %}
        own_prices.{{ token_type }}_usd_per_mtok as own_{{ token_type }}_price,
        {%- endfor %}
        base_prices.web_search_usd_per_thousand as base_web_search_price
    from measured
    left join model_prices as own_prices
        on measured.price_id = own_prices.price_id
        and measured.usage_date = own_prices.usage_date
    -- What it would have cost in the first band of context, were it shorter.
    left join model_prices as base_prices
        on own_prices.min_input_tokens > 0
        and base_prices.min_input_tokens = 0
        and measured.provider_name = base_prices.provider_name
        and measured.model_name = base_prices.model_name
        and measured.service_tier = base_prices.service_tier
        and measured.usage_date = base_prices.usage_date
),

costed as (
    select
        *,
        case when is_surcharged then list_cost_usd - (
            {%- for token_type in token_types() %}
            case when coalesce({{ token_column(token_type) }}, 0) = 0 then 0
                else {{ token_cost(token_column(token_type), 'base_' ~ token_type ~ '_price') }} end +
            {%- endfor %}
            case when coalesce(web_search_requests, 0) = 0 then 0
                else {{ search_cost('web_search_requests', 'base_web_search_price') }} end
        ) end as surcharge_usd,
        {% for token_type in inputs %}
        case when coalesce({{ token_column(token_type) }}, 0) = 0 then 0
            else {{ token_cost(token_column(token_type), 'own_' ~ token_type ~ '_price') }} end
        {%- if not loop.last %} + {% endif %}{% endfor %} as input_cost_usd,
        {% for token_type in outputs %}
        case when coalesce({{ token_column(token_type) }}, 0) = 0 then 0
            else {{ token_cost(token_column(token_type), 'own_' ~ token_type ~ '_price') }} end
        {%- if not loop.last %} + {% endif %}{% endfor %} as output_cost_usd
    from priced
),

judged as (
    select
        *,
        case
            when not is_success and (status_code = 499 or lower(error_type) in {{ aborted_words() }}) and coalesce(is_streaming, true)
                then 'aborted_stream'
            when not is_success then 'billed_failure'
            when attempt_number > 1 and (prompt_number > 1 or call_number > 1) then 'billed_retry'
            when prompt_number > 1 then 'duplicate_prompt'
            when finish_reason = 'length' then 'output_cut'
            when surcharge_usd > 0 or input_tokens > {{ oversized_factor() }} * usual_input_tokens then 'oversized_context'
        end as waste_kind
    from costed
),

caused as (
    select
        *,
        case
            when waste_kind <> 'oversized_context' then waste_kind
            when surcharge_usd > 0 then 'surcharge'
            when session_number > 1 then 'grown_session'
            else 'above_usual'
        end as waste_cause
    from judged
    where waste_kind is not null
),

valued as (
    select
        *,
        case
            when waste_cause = 'surcharge' then surcharge_usd
            when waste_cause in ('grown_session', 'above_usual') then cast(
                cast(input_cost_usd as double) * (1 - {{ oversized_factor() }} * usual_input_tokens / input_tokens) as {{ request_money_type() }}
            )
            else list_cost_usd
        end as wasted_usd
    from caused
)

select
    -- ids
    source_name,
    request_id,
    model_id,
    workload_id,
    price_id,
    -- strings
    provider_name,
    service_tier,
    waste_kind,
    waste_cause,
    -- numerics
    input_tokens,
    cast(round(usual_input_tokens) as bigint) as usual_input_tokens,
    list_cost_usd,
    cast(wasted_usd as {{ request_money_type() }}) as wasted_list_cost_usd,
    -- Once a call is made its input is paid for: of an answer that broke off, what the answer cost can be saved.
    cast(
        case
            when list_cost_usd is null then null
            when waste_kind in ('aborted_stream', 'output_cut') then least(output_cost_usd, list_cost_usd)
            else wasted_usd
        end
        as {{ request_money_type() }}
    ) as recoverable_list_cost_usd,
    -- booleans
    waste_kind = 'output_cut'
    or waste_cause in ('grown_session', 'above_usual')
    -- An embedding is the same whenever it is made; a second answer may have been wanted.
    or (waste_kind = 'duplicate_prompt' and operation_name <> 'embeddings') as is_estimate,
    -- dates
    usage_date
from valued
