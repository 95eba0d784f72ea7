-- Every logged row that repeats another one of the same request, with the row that is kept. Matched by the provider's
-- response id; then, where a row has none, by trace and span; then by the id within one source. A row with a response id is kept
-- before one without, then the lower preference of the source, then the row that knows its tokens: one order for all ways to match,
-- so that of rows that match each other in several ways one is always kept. Two logs of one request lie on the same or on
-- neighbouring days; the same id further apart is another request. Only keys that occur twice are ranked, so the cost follows the duplicates.
{%- set days = days_to_build() %}
with

logged as (
    select
        source_name,
        provider_name,
        request_id,
        response_id,
        trace_id,
        span_id,
        _load_id,
        file_line,
        usage_date,
        case when response_id is null then 1 else 0 end as is_weaker,
        case when coalesce(output_tokens, uncached_input_tokens) is null then 1 else 0 end as usage_unknown
    from {{ ref('stg_logs__requests') }}
    where {{ in_days('usage_date', days, around=1) }}
),

sources as (
    select * from {{ ref('stg_config__sources') }}
),

repeated_responses as (
    select provider_name, response_id from logged where response_id is not null group by 1, 2 having count(*) > 1
),

repeated_spans as (
    select trace_id, span_id from logged where trace_id is not null and span_id is not null group by 1, 2 having count(*) > 1
),

repeated_ids as (
    select source_name, request_id from logged group by 1, 2 having count(*) > 1
),

by_response as (
    select
        logged.*,
        'response_id' as match_method,
        {{ text_key(['logged.provider_name', 'logged.response_id']) }} as match_key
    from logged
    inner join repeated_responses
        on logged.provider_name = repeated_responses.provider_name and logged.response_id = repeated_responses.response_id
),

by_span as (
    select
        logged.*,
        'trace_span' as match_method,
        {{ text_key(['logged.trace_id', 'logged.span_id']) }} as match_key
    from logged
    inner join repeated_spans
        on logged.trace_id = repeated_spans.trace_id and logged.span_id = repeated_spans.span_id
),

by_id as (
    select
        logged.*,
        'request_id' as match_method,
        {{ text_key(['logged.source_name', 'logged.request_id']) }} as match_key
    from logged
    inner join repeated_ids
        on logged.source_name = repeated_ids.source_name and logged.request_id = repeated_ids.request_id
),

candidates as (
    select * from by_response
    union all
    select * from by_span
    union all
    select * from by_id
),

ordered as (
    select
        candidates.*,
        dense_rank() over (
            order by
                candidates.is_weaker, coalesce(sources.preference, 100), candidates.usage_unknown, candidates.source_name,
                candidates._load_id, candidates.file_line, candidates.request_id, candidates.span_id
        ) as order_rank
    from candidates
    left join sources
        on candidates.source_name = sources.source_name
),

ranked as (
    select
        *,
        min(order_rank) over (
            partition by match_method, match_key
            order by usage_date range between interval 1 day preceding and interval 1 day following
        ) as kept_rank
    from ordered
),

kept as (
    select distinct order_rank, source_name, request_id
    from ordered
),

dropped as (
    select
        ranked.*,
        kept.source_name as kept_source_name,
        kept.request_id as kept_request_id,
        row_number() over (
            partition by ranked.order_rank
            order by case ranked.match_method when 'response_id' then 1 when 'trace_span' then 2 else 3 end
        ) as method_rank
    from ranked
    inner join kept
        on ranked.kept_rank = kept.order_rank
    -- Two response ids in one span are two requests; only a row without one may be the echo of another.
    where ranked.order_rank > ranked.kept_rank and (ranked.match_method <> 'trace_span' or ranked.is_weaker = 1)
)

select
    source_name,
    request_id,
    span_id,
    _load_id,
    file_line,
    match_method,
    kept_source_name,
    kept_request_id,
    usage_date
from dropped
where method_rank = 1 and {{ in_days('usage_date', days) }}
