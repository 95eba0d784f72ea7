-- An event that was landed twice, by a process that ended before it could note that it had, is one event.
with

alert_events as (
    select * from {{ source('lake', 'alert_events') }}
),

numbered as (
    select
        alert_events.*,
        row_number() over (partition by event_id order by _load_id) as landing_number
    from alert_events
)

select
    event_id,
    alert_id,
    message_id,
    case when alert_kind like 'budget%' or alert_kind = 'credit_runs_out' then subject end as budget_id,
    _load_id as load_id,
    event_name,
    alert_kind,
    subject as alert_subject,
    alert_state,
    severity,
    reason,
    summary,
    person,
    channel,
    recipient,
    error as delivery_error,
    {{ json_text('facts_json', "'name'") }} as subject_name,
    {{ json_text('facts_json', "'owner_email'") }} as owner_email,
    event_number,
    episode as episode_number,
    attempt_count,
    cast({{ json_text('facts_json', "'period_start_date'") }} as date) as period_start_date,
    cast({{ json_text('facts_json', "'period_end_date'") }} as date) as period_end_date,
    occurred_at
from numbered
where landing_number = 1
