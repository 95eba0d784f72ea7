-- The revisions of each prompt over the last 365 days, in the order in which they came into use, as they are shown.
with

last_day as (
    select max(usage_date) as assessment_date from {{ ref('fct_cost_ledger') }}
),

requests as (
    select
        all_requests.*,
        coalesce(all_requests.prompt_name, all_requests.feature) as any_prompt_name,
        {{ input_tokens_of('all_requests') }} as input_tokens,
        {{ cacheable_tokens_of('all_requests') }} as cacheable_tokens,
        last_day.assessment_date
    from {{ ref('fct_llm_requests') }} as all_requests
    cross join last_day
    where
        all_requests.usage_date > last_day.assessment_date - 365
        and all_requests.prompt_version is not null
        and all_requests.feature is not null
        and all_requests.is_billable
),

requests_judged as (
    select * from {{ ref('int_requests_judged') }}
),

revisions as (
    select
        max_by(requests.team, requests.started_at) as team,
        requests.feature,
        requests.any_prompt_name as prompt_name,
        requests.prompt_version,
        count(*) as request_count,
        coalesce(sum(requests_judged.outcome_count), 0) as outcome_count,
        coalesce(sum(requests_judged.successful_outcome_count), 0) as successful_outcome_count,
        cast(sum(requests.effective_cost_usd) as {{ money_type() }}) as effective_cost_usd,
        count(requests.effective_cost_usd) as priced_request_count,
        {{ ratio("sum(requests.input_tokens) filter (where requests.price_status <> 'unknown_usage')", "count(*) filter (where requests.price_status <> 'unknown_usage')") }} as input_tokens_per_request,
        {{ ratio("sum(requests.output_tokens) filter (where requests.price_status <> 'unknown_usage')", "count(*) filter (where requests.price_status <> 'unknown_usage')") }} as output_tokens_per_request,
        {{ ratio('coalesce(sum(requests.cache_read_tokens), 0)', 'sum(requests.cacheable_tokens)') }} as cache_hit_ratio,
        cast(sum(cast(requests.duration_seconds as decimal(18, 6))) as double) / nullif(count(requests.duration_seconds), 0) as mean_duration_seconds,
        quantile_cont(requests.duration_seconds, 0.95) as p95_duration_seconds,
        min(requests.usage_date) as first_date,
        max(requests.usage_date) as last_date,
        min(requests.started_at) as first_request_at,
        any_value(requests.assessment_date) as assessment_date
    from requests
    left join requests_judged
        on requests.source_name = requests_judged.source_name
        and requests.request_id = requests_judged.request_id
        and requests.usage_date = requests_judged.usage_date
    group by requests.feature, requests.any_prompt_name, requests.prompt_version
)

select
    team,
    feature,
    prompt_name,
    prompt_version,
    lag(prompt_version) over (partition by feature, prompt_name order by first_request_at, prompt_version) as previous_prompt_version,
    request_count,
    cast(outcome_count as bigint) as outcome_count,
    cast(successful_outcome_count as bigint) as successful_outcome_count,
    effective_cost_usd,
    {{ ratio('effective_cost_usd', 'nullif(priced_request_count, 0)') }} as cost_per_request_usd,
    {{ ratio('effective_cost_usd', 'nullif(successful_outcome_count, 0)') }} as cost_per_successful_outcome_usd,
    input_tokens_per_request,
    output_tokens_per_request,
    cache_hit_ratio,
    mean_duration_seconds,
    p95_duration_seconds,
    first_date,
    last_date,
    assessment_date
from revisions
