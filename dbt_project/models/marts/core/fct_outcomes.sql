-- One business outcome with the request, session or trace that it belongs to and the feature that produced it. An outcome that is received
-- twice under one id counts once: the latest load wins.
with

outcomes as (
    select
        *,
        row_number() over (partition by source_name, outcome_id order by _load_id desc, file_line desc) as recency
    from {{ ref('stg_logs__outcomes') }}
),

requests as (
    select request_id, response_id, session_id, trace_id, workload_id, model_id, customer_tag, prompt_name, prompt_version,
        experiment_id, variant, usage_date, started_at
    from {{ ref('int_llm_requests_priced') }}
),

-- An outcome belongs to the last request of its session or trace; requests of many outcomes are looked up in one pass for each key.
by_request as (
    select
        outcomes.source_name, outcomes.outcome_id, requests.*,
        row_number() over (partition by outcomes.source_name, outcomes.outcome_id order by requests.started_at desc, requests.request_id asc) as recency,
        1 as match_order
    from outcomes
    inner join requests on outcomes.request_id = requests.request_id
    where outcomes.recency = 1
),

by_response as (
    select
        outcomes.source_name, outcomes.outcome_id, requests.*,
        row_number() over (partition by outcomes.source_name, outcomes.outcome_id order by requests.started_at desc, requests.request_id asc) as recency,
        2 as match_order
    from outcomes
    inner join requests on outcomes.request_id = requests.response_id
    where outcomes.recency = 1
),

by_trace as (
    select
        outcomes.source_name, outcomes.outcome_id, requests.*,
        row_number() over (partition by outcomes.source_name, outcomes.outcome_id order by requests.started_at desc, requests.request_id asc) as recency,
        3 as match_order
    from outcomes
    inner join requests on outcomes.trace_id = requests.trace_id
    where outcomes.recency = 1
),

by_session as (
    select
        outcomes.source_name, outcomes.outcome_id, requests.*,
        row_number() over (partition by outcomes.source_name, outcomes.outcome_id order by requests.started_at desc, requests.request_id asc) as recency,
        4 as match_order
    from outcomes
    inner join requests on outcomes.session_id = requests.session_id
    where outcomes.recency = 1
),

matches as (
    select * from by_request where recency = 1
    union all
    select * from by_response where recency = 1
    union all
    select * from by_trace where recency = 1
    union all
    select * from by_session where recency = 1
),

first_matches as (
    select *
    from matches
    qualify row_number() over (partition by source_name, outcome_id order by match_order) = 1
),

owners as (
    select * from {{ ref('int_workload_owners') }}
)

select
    -- ids
    outcomes.outcome_id,
    outcomes.source_name,
    coalesce(first_matches.request_id, outcomes.request_id) as request_id,
    coalesce(outcomes.session_id, first_matches.session_id) as session_id,
    coalesce(outcomes.trace_id, first_matches.trace_id) as trace_id,
    first_matches.workload_id,
    first_matches.model_id,
    coalesce(first_matches.customer_tag, owners.rule_customer_id) as customer_id,
    first_matches.experiment_id,
    outcomes._load_id as load_id,
    -- strings
    outcomes.outcome_name,
    coalesce(owners.team, 'unattributed') as team,
    coalesce(owners.feature, 'unattributed') as feature,
    coalesce(owners.environment, 'unattributed') as environment,
    first_matches.prompt_name,
    first_matches.prompt_version,
    first_matches.variant,
    case first_matches.match_order
        when 1 then 'request' when 2 then 'response' when 3 then 'trace' when 4 then 'session' else 'unmatched'
    end as matched_by,
    -- numerics
    outcomes.quality_score,
    outcomes.value_usd,
    -- booleans
    outcomes.is_success,
    -- dates and times
    outcomes.outcome_date,
    outcomes.occurred_at
from outcomes
left join first_matches
    on outcomes.source_name = first_matches.source_name
    and outcomes.outcome_id = first_matches.outcome_id
left join owners
    on first_matches.workload_id = owners.workload_id
    and first_matches.usage_date between owners.valid_from_date and owners.valid_to_date
where outcomes.recency = 1
