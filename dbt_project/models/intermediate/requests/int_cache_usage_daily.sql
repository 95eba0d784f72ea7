-- What requests read from, wrote to and might have found in prompt caches, by workload, price row and prefix. Everything is seen within a
-- day, so that a day is built from its own requests; what is not known at its end is null.
--
-- A write was of use if the next request of the same prefix read from the cache; if that one wrote again, or none came, the write expired
-- unread. The log's word goes before the provider's clock: a read is a read, however late. Of a request that reads and writes, the new part
-- belongs to its conversation, and so the next request of the session tells.
{%- set days = days_to_build() %}
{%- set inputs = ['uncached_input', 'cache_read', 'cache_write_5m', 'cache_write_1h'] %}
with

requests as (
    select
        *,
        coalesce(cache_read_tokens, 0) > 0 as is_read,
        coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_1h_tokens, 0) > 0 as is_written,
        case
            when prefix_hash is not null then 'hash ' || prefix_hash
            when prompt_name is not null then 'prompt ' || {{ text_key(['prompt_name', 'prompt_version']) }}
        end as prefix_key
    from {{ ref('int_llm_requests_priced') }}
    where
        {{ in_days('usage_date', days) }}
        and is_billable
        and uncached_input_tokens is not null
),

followed as (
    select
        *,
        lead(is_read) over next_of_prefix as is_prefix_read_next,
        lead(is_read) over next_of_session as is_session_read_next,
        epoch_us(started_at) - lag(epoch_us(started_at)) over next_of_prefix as microseconds_since_prefix,
        epoch_us(cast(usage_date as timestamp)) + 86400000000 - epoch_us(started_at) as microseconds_left
    from requests
    window
        next_of_prefix as (
            partition by usage_date, provider_name, account_id, model_id, prefix_key order by started_at, source_name, request_id
        ),
        next_of_session as (
            partition by usage_date, provider_name, account_id, model_id, session_id order by started_at, source_name, request_id
        )
),

judged as (
    select
        *,
        case when prefix_key is not null then microseconds_since_prefix end as gap,
        case
            when not is_written then false
            when is_read and session_id is not null then not is_session_read_next
            when prefix_key is not null then not is_prefix_read_next
            when session_id is not null then not is_session_read_next
        end as is_next_no_read,
        microseconds_left > case when coalesce(cache_write_1h_tokens, 0) > 0 then 3600000000 else 300000000 end as is_over_today
    from followed
),

-- With no next request, time decides: once its life is over, what was written is gone.
settled as (
    select
        *,
        case
            when not is_written or coalesce(prefix_key, session_id) is not null
                then coalesce(is_next_no_read, case when is_over_today then true end)
        end as is_unread
    from judged
)

select
    -- ids
    account_id,
    model_id,
    workload_id,
    price_id,
    -- strings
    provider_name,
    service_tier,
    prompt_name,
    prompt_version,
    prefix_key,
    -- numerics
    max(prefix_tokens) as prefix_tokens,
    count(*) as request_count,
    count(*) filter (where gap <= 300000000) as repeated_5m_count,
    count(*) filter (where gap <= 3600000000) as repeated_1h_count,
    count(*) filter (where gap is not null) as repeated_count,
    count(*) filter (where gap <= 300000000 and not is_read) as missed_5m_count,
{%- for token_type in inputs %}
    cast(sum(coalesce({{ token_column(token_type) }}, 0)) as bigint) as {{ token_column(token_type) }},
{%- endfor %}
    cast(sum(case when is_unread then coalesce(cache_write_5m_tokens, 0) when is_unread is not null then 0 end) as bigint) as expired_write_5m_tokens,
    cast(sum(case when is_unread then coalesce(cache_write_1h_tokens, 0) when is_unread is not null then 0 end) as bigint) as expired_write_1h_tokens,
    -- booleans
    list_cost_usd is not null as is_priced,
    -- dates
    usage_date
from settled
group by
    usage_date, provider_name, account_id, model_id, workload_id, price_id, service_tier, prompt_name, prompt_version, prefix_key,
    list_cost_usd is not null
