-- One business outcome with the request that decided it and the feature that produced it. An outcome that is received twice under one id
-- counts once: the latest load wins. Requests and outcomes may arrive in any order: everything is matched anew whenever this is built.
with

outcomes as (
    select * from {{ ref('stg_logs__outcomes') }}
    qualify row_number() over (partition by source_name, outcome_id order by _load_id desc, file_line desc) = 1
),

requests as (
    select source_name as request_source_name, request_id as found_request_id, response_id, session_id as request_session_id, trace_id as request_trace_id,
        workload_id, provider_name, model_id, customer_tag, prompt_name, prompt_version, experiment_id, variant, is_success as is_request_success,
        usage_date, started_at
    from {{ ref('int_llm_requests_priced') }}
),

-- An outcome may name the log line of a request that was dropped for another log of the same request.
duplicates as (
    select distinct request_id as dropped_request_id, kept_source_name, kept_request_id
    from {{ ref('int_request_duplicates') }}
    where source_name <> kept_source_name or request_id <> kept_request_id
),

-- Many outcomes are looked up in one pass for each key.
matches as (
    select outcomes.source_name, outcomes.outcome_id, outcomes.occurred_at, 1 as match_order, requests.*
    from outcomes
    inner join requests on outcomes.request_id = requests.found_request_id
    union all
    select outcomes.source_name, outcomes.outcome_id, outcomes.occurred_at, 2 as match_order, requests.*
    from outcomes
    inner join duplicates on outcomes.request_id = duplicates.dropped_request_id
    inner join requests
        on duplicates.kept_source_name = requests.request_source_name and duplicates.kept_request_id = requests.found_request_id
    union all
    select outcomes.source_name, outcomes.outcome_id, outcomes.occurred_at, 3 as match_order, requests.*
    from outcomes
    inner join requests on outcomes.request_id = requests.response_id
    union all
    select outcomes.source_name, outcomes.outcome_id, outcomes.occurred_at, 4 as match_order, requests.*
    from outcomes
    inner join requests on outcomes.trace_id = requests.request_trace_id
    union all
    select outcomes.source_name, outcomes.outcome_id, outcomes.occurred_at, 5 as match_order, requests.*
    from outcomes
    inner join requests on outcomes.session_id = requests.request_session_id
),

-- The narrowest link counts. Of its requests the last one before the outcome decided it: a successful one if there is one, since a failed
-- attempt brought nothing. Where all of them come later (clocks differ), it is the first.
deciding as (
    select *
    from matches
    qualify row_number() over (
        partition by source_name, outcome_id
        order by
            match_order asc,
            case when started_at <= occurred_at then 0 else 1 end asc,
            case when is_request_success then 0 else 1 end asc,
            case when started_at <= occurred_at then started_at end desc,
            started_at asc,
            request_source_name asc,
            found_request_id asc
    ) = 1
),

owners as (
    select * from {{ ref('int_workload_owners') }}
)

select
    -- ids
    outcomes.outcome_id,
    outcomes.source_name,
    coalesce(deciding.found_request_id, outcomes.request_id) as request_id,
    coalesce(outcomes.session_id, deciding.request_session_id) as session_id,
    coalesce(outcomes.trace_id, deciding.request_trace_id) as trace_id,
    deciding.workload_id,
    deciding.model_id,
    coalesce(deciding.customer_tag, owners.rule_customer_id) as customer_id,
    deciding.experiment_id,
    outcomes._load_id as load_id,
    -- strings
    deciding.request_source_name,
    deciding.provider_name,
    outcomes.outcome_name,
    coalesce(owners.team, 'unattributed') as team,
    coalesce(owners.feature, 'unattributed') as feature,
    coalesce(owners.environment, 'unattributed') as environment,
    deciding.prompt_name,
    deciding.prompt_version,
    deciding.variant,
    case deciding.match_order
        when 1 then 'request' when 2 then 'request' when 3 then 'response' when 4 then 'trace' when 5 then 'session' else 'unmatched'
    end as matched_by,
    outcomes.score_source,
    -- numerics
    outcomes.quality_score,
    outcomes.value_usd,
    -- booleans
    outcomes.is_success,
    -- dates and times
    outcomes.outcome_date,
    deciding.usage_date as request_date,
    outcomes.occurred_at,
    deciding.started_at as request_started_at
from outcomes
left join deciding
    on outcomes.source_name = deciding.source_name
    and outcomes.outcome_id = deciding.outcome_id
left join owners
    on deciding.workload_id = owners.workload_id
    and deciding.usage_date between owners.valid_from_date and owners.valid_to_date
