-- Who was told of what, when, and did it arrive: every transition of every alert, with each message that told of it.
with

alert_events as (
    select * from {{ ref('stg_alerting__events') }}
),

transitions as (
    select
        alert_events.*,
        row_number() over (partition by alert_id order by event_number desc) as age_rank,
        min(occurred_at) over (partition by alert_id) as raised_at,
        max(person) over (partition by alert_id) as acknowledged_by
    from alert_events
    where message_id is null
),

message_events as (
    select
        alert_events.*,
        -- Ids of events of a message end with their number.
        row_number() over (partition by message_id order by event_id desc) as age_rank
    from alert_events
    where message_id is not null
),

messages as (
    select
        message_id,
        alert_id,
        event_number,
        channel,
        recipient,
        attempt_count,
        delivery_error,
        case event_name when 'delivered' then 'delivered' when 'dead' then 'dead' else 'pending' end as delivery_status,
        case when event_name = 'delivered' then occurred_at end as delivered_at
    from message_events
    where age_rank = 1
)

select
    -- ids
    coalesce(messages.message_id, transitions.event_id) as notification_id,
    transitions.alert_id,
    messages.message_id,
    transitions.budget_id,
    -- strings
    transitions.alert_kind,
    transitions.alert_subject,
    transitions.subject_name,
    transitions.event_name,
    transitions.alert_state,
    transitions.severity,
    transitions.reason,
    transitions.summary,
    transitions.owner_email,
    transitions.acknowledged_by,
    messages.channel,
    messages.recipient,
    coalesce(messages.delivery_status, 'nobody_told') as delivery_status,
    messages.delivery_error,
    -- numerics
    cast(transitions.event_number as bigint) as event_number,
    cast(transitions.episode_number as bigint) as episode_number,
    cast(messages.attempt_count as bigint) as attempt_count,
    -- booleans
    transitions.age_rank = 1 as is_latest,
    transitions.age_rank = 1 and transitions.alert_state <> 'resolved' as is_open,
    -- dates and times
    transitions.period_start_date,
    transitions.period_end_date,
    transitions.raised_at,
    transitions.occurred_at,
    messages.delivered_at
from transitions
left join messages
    on transitions.alert_id = messages.alert_id
    and transitions.event_number = messages.event_number
