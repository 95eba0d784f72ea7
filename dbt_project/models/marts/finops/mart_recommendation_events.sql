-- Who decided what and when, and what runs found: a check repeats the scope of the recommendation that it is about.
with

events as (
    select * from {{ ref('stg_recommendations__events') }}
)

select
    -- ids
    event_id,
    recommendation_id,
    -- strings
    event_name,
    state,
    reason,
    person,
    last_value(recommendation_kind ignore nulls) over history as recommendation_kind,
    last_value(team ignore nulls) over history as team,
    last_value(feature ignore nulls) over history as feature,
    last_value(title ignore nulls) over history as title,
    -- numerics
    cast(event_number as bigint) as event_number,
    case when event_name <> 'verified' then saving_usd end as expected_saving_usd_per_month,
    case when event_name = 'verified' then saving_usd end as verified_saving_usd,
    -- dates and times
    event_date,
    occurred_at
from events
window history as (partition by recommendation_id order by event_number rows unbounded preceding)
