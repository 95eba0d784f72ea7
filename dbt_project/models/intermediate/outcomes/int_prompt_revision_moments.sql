-- What revisions of prompts are compared from, for each revision and model over the last 365 days. Units are sessions: requests of one
-- session resemble each other. Costs are at list price, so that a discount that began between two revisions is not taken for their doing;
-- `list_per_effective` turns them into what they effectively cost.
{%- set groups = ['feature', 'prompt_name', 'prompt_version', 'provider_name', 'model_id'] %}
with

last_day as (
    select max(usage_date) as assessment_date from {{ ref('fct_cost_ledger') }}
),

requests as (
    select
        all_requests.*,
        {{ cluster_of('all_requests') }} as cluster_id,
        {{ input_tokens_of('all_requests') }} as input_tokens,
        {{ cacheable_tokens_of('all_requests') }} as cacheable_tokens
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

clusters as (
    select
        requests.feature,
        coalesce(requests.prompt_name, requests.feature) as prompt_name,
        requests.prompt_version,
        requests.provider_name,
        requests.model_id,
        requests.cluster_id,
        sum(requests.list_cost_usd) as list_cost_usd,
        sum(requests.effective_cost_usd) as cost_usd,
        count(requests.list_cost_usd) as priced_count,
        -- Successes count beside the costs of the same sessions; those of sessions without any known cost do not.
        case when count(requests.list_cost_usd) > 0 then coalesce(sum(requests_judged.successful_outcome_count), 0) end as success_count,
        coalesce(sum(requests_judged.successful_outcome_count), 0) as successful_outcome_count,
        coalesce(sum(requests_judged.outcome_count), 0) as outcome_count,
        count(*) as request_count,
        sum(requests.input_tokens) filter (where requests.price_status <> 'unknown_usage') as input_tokens,
        sum(requests.output_tokens) filter (where requests.price_status <> 'unknown_usage') as output_tokens,
        count(*) filter (where requests.price_status <> 'unknown_usage') as used_count,
        sum(coalesce(requests.cache_read_tokens, 0)) as cache_read_tokens,
        sum(requests.cacheable_tokens) as cacheable_tokens,
        sum(cast(requests.duration_seconds as decimal(18, 6))) as duration_seconds,
        count(requests.duration_seconds) as timed_count
    from requests
    left join requests_judged
        on requests.source_name = requests_judged.source_name
        and requests.request_id = requests_judged.request_id
        and requests.usage_date = requests_judged.usage_date
    group by all
),

moments as (
    {{ moments_of_units('clusters', groups, [
        ('list_per_effective', 'list_cost_usd', 'cost_usd', 12),
        ('list_cost_per_request', 'list_cost_usd', 'nullif(priced_count, 0)', 12),
        ('list_cost_per_success', 'list_cost_usd', 'success_count', 12),
        ('success', 'successful_outcome_count', 'nullif(outcome_count, 0)', 9),
        ('outcomes_per_request', 'outcome_count', 'request_count', 9),
        ('input_tokens', 'input_tokens', 'nullif(used_count, 0)', 3),
        ('output_tokens', 'output_tokens', 'nullif(used_count, 0)', 3),
        ('cache_hit', 'cache_read_tokens', 'nullif(cacheable_tokens, 0)', 3),
        ('duration', 'duration_seconds', 'nullif(timed_count, 0)', 6),
    ]) }}
)

select
    moments.*,
    last_day.assessment_date
from moments
cross join last_day
