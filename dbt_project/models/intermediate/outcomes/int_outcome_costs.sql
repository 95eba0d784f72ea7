-- What was spent on the way to each outcome: retries, failures, tool calls and sub-agents included (ADR 19).
with

outcomes as (
    select
        *,
        case when is_success is not null then {{ text_key(['request_source_name', 'request_id', 'request_date']) }} end as charge_key
    from {{ ref('fct_outcomes') }}
    where matched_by <> 'unmatched'
),

requests_charged as (
    select * from {{ ref('int_requests_charged') }}
),

deciding as (
    select request_key, feature
    from requests_charged
    where request_key = charge_key
),

charges as (
    select
        requests_charged.charge_key,
        count(*) as charged_request_count,
        count(*) filter (where not requests_charged.is_success) as failed_request_count,
        count(*) filter (where requests_charged.feature is distinct from deciding.feature) as other_feature_request_count,
        count(*) - count(requests_charged.effective_cost_usd) as unpriced_request_count,
        -- Refused attempts cost nothing; beside what has no price that is no total.
        cast(case
            when sum(requests_charged.effective_cost_usd) > 0 or count(*) = count(requests_charged.effective_cost_usd)
                then sum(requests_charged.effective_cost_usd)
        end as {{ money_type() }}) as effective_cost_usd,
        min(requests_charged.started_at) as first_request_at
    from requests_charged
    inner join deciding on requests_charged.charge_key = deciding.request_key
    group by requests_charged.charge_key
),

shared as (
    select
        outcomes.*,
        charges.charged_request_count,
        charges.failed_request_count,
        charges.other_feature_request_count,
        charges.unpriced_request_count,
        charges.first_request_at,
        count(*) over (partition by outcomes.charge_key) as sharing_outcome_count,
        {{ allocate_exactly('charges.effective_cost_usd', 'cast(1 as bigint)', 'outcomes.charge_key', 'outcomes.source_name, outcomes.outcome_id') }}
            as effective_cost_usd
    from outcomes
    left join charges on outcomes.charge_key = charges.charge_key
)

select
    -- ids
    source_name,
    outcome_id,
    charge_key,
    request_id,
    session_id,
    trace_id,
    coalesce(session_id, trace_id, {{ text_key(['request_source_name', 'request_id']) }}) as cluster_id,
    workload_id,
    model_id,
    customer_id,
    experiment_id,
    -- strings
    request_source_name,
    outcome_name,
    matched_by,
    team,
    feature,
    environment,
    provider_name,
    prompt_name,
    prompt_version,
    variant,
    score_source,
    -- numerics
    coalesce(charged_request_count, 0) as charged_request_count,
    coalesce(failed_request_count, 0) as failed_request_count,
    coalesce(other_feature_request_count, 0) as other_feature_request_count,
    coalesce(unpriced_request_count, 0) as unpriced_request_count,
    case when charge_key is not null then sharing_outcome_count else 0 end as sharing_outcome_count,
    case when charge_key is not null then effective_cost_usd end as effective_cost_usd,
    quality_score,
    value_usd,
    -- booleans
    is_success,
    charge_key is not null and unpriced_request_count = 0 as is_cost_complete,
    -- dates and times
    outcome_date,
    request_date,
    occurred_at,
    request_started_at,
    first_request_at
from shared
