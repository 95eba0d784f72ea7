-- Each request that was spent on the way to an outcome, and the outcome's deciding request that it is charged to (ADR 19). A request is
-- charged once: outcomes that one request decided share what led to it.
with

outcomes as (
    -- A score without a verdict measures work; only what succeeded or failed is an attempt that work is charged to.
    select
        {{ text_key(['request_source_name', 'request_id', 'request_date']) }} as request_key,
        case when matched_by = 'session' then session_id end as linked_session_id
    from {{ ref('fct_outcomes') }}
    where matched_by <> 'unmatched' and is_success is not null
),

deciding as (
    select request_key, max(linked_session_id) as linked_session_id
    from outcomes
    group by request_key
),

requests as (
    select
        {{ text_key(['source_name', 'request_id', 'usage_date']) }} as request_key,
        source_name, request_id, trace_id, session_id, workload_id, feature, is_success, effective_cost_usd, usage_date, started_at
    from {{ ref('fct_llm_requests') }}
),

-- Only what shares a session or a trace with an outcome is looked at from here on.
reached_sessions as (
    select distinct linked_session_id as session_id from deciding where linked_session_id is not null
    union
    select distinct requests.session_id
    from requests
    inner join deciding on requests.request_key = deciding.request_key
    where requests.trace_id is null and requests.session_id is not null
),

reached_traces as (
    select distinct trace_id
    from requests
    where
        trace_id is not null
        and (
            request_key in (select deciding.request_key from deciding)
            or session_id in (select reached_sessions.session_id from reached_sessions)
        )
),

reached as (
    select
        requests.*,
        deciding.request_key is not null as is_deciding,
        deciding.linked_session_id,
        lag(requests.is_success) over attempts as previous_is_success,
        lag(requests.started_at) over attempts as previous_started_at
    from requests
    left join deciding on requests.request_key = deciding.request_key
    where
        deciding.request_key is not null
        or requests.trace_id in (select reached_traces.trace_id from reached_traces)
        or (requests.trace_id is null and requests.session_id in (select reached_sessions.session_id from reached_sessions))
    window attempts as (
        partition by requests.trace_id, requests.session_id, requests.workload_id
        order by requests.started_at, requests.source_name, requests.request_id
    )
),

-- A unit of work is a trace. Without traces it is a request with the failed attempts right before it: the same workload in the same session,
-- at most ten minutes apart.
attempts as (
    select
        *,
        sum(
            case when not previous_is_success and started_at <= previous_started_at + interval 10 minute then 0 else 1 end
        ) over (
            partition by trace_id, session_id, workload_id
            order by started_at, source_name, request_id
            rows unbounded preceding
        ) as attempt_group
    from reached
),

in_units as (
    select
        *,
        case
            when trace_id is not null then {{ text_key(["'trace'", 'trace_id']) }}
            when session_id is not null then {{ text_key(["'session'", 'session_id', 'workload_id', 'attempt_group']) }}
            else request_key
        end as unit_key
    from attempts
),

-- Within a unit each request is on the way to the next outcome; what follows the last outcome belongs to it as well.
placed as (
    select
        *,
        coalesce(
            first_value(case when is_deciding then request_key end ignore nulls) over (
                partition by unit_key order by started_at, source_name, request_id
                rows between current row and unbounded following
            ),
            last_value(case when is_deciding then request_key end ignore nulls) over (
                partition by unit_key order by started_at, source_name, request_id
                rows between unbounded preceding and current row
            )
        ) as unit_charge_key
    from in_units
),

units as (
    select
        unit_key,
        min_by(session_id, started_at) filter (where session_id is not null) as session_id,
        bool_or(is_deciding) as has_outcome,
        min(started_at) as started_at
    from placed
    group by unit_key
),

-- A unit without an outcome of its own is on the way to the next outcome that its session was given.
session_steps as (
    select unit_key, session_id, cast(null as varchar) as charge_key, started_at, 0 as step_order
    from units
    where not has_outcome and session_id is not null
    union all
    select placed.unit_key, placed.linked_session_id, min_by(placed.request_key, placed.started_at), units.started_at, 1
    from placed
    inner join units on placed.unit_key = units.unit_key
    where placed.linked_session_id is not null
    group by placed.unit_key, placed.linked_session_id, units.started_at
),

session_charges as (
    select
        unit_key,
        step_order,
        first_value(charge_key ignore nulls) over (
            partition by session_id order by started_at, step_order, unit_key
            rows between current row and unbounded following
        ) as charge_key
    from session_steps
)

select
    -- ids
    placed.request_key,
    placed.source_name,
    placed.request_id,
    coalesce(placed.unit_charge_key, session_charges.charge_key) as charge_key,
    placed.unit_key,
    -- strings
    placed.feature,
    -- numerics
    placed.effective_cost_usd,
    -- booleans
    placed.is_success,
    -- dates and times
    placed.usage_date,
    placed.started_at
from placed
left join session_charges
    on placed.unit_key = session_charges.unit_key
    and session_charges.step_order = 0
where coalesce(placed.unit_charge_key, session_charges.charge_key) is not null
