-- An event that was landed twice, by writers that both took themselves for the next one, is the first of the two.
with

recommendation_events as (
    select * from {{ source('lake', 'recommendation_events') }}
),

numbered as (
    select
        recommendation_events.*,
        row_number() over (partition by event_id order by _load_id) as landing_number
    from recommendation_events
)

select
    event_id,
    recommendation_id,
    _load_id as load_id,
    event_name,
    state,
    reason,
    person,
    {{ json_text('facts_json', "'kind'") }} as recommendation_kind,
    {{ json_text('facts_json', "'team'") }} as team,
    {{ json_text('facts_json', "'feature'") }} as feature,
    {{ json_text('facts_json', "'title'") }} as title,
    event_number,
    cast({{ json_text('facts_json', "'saving_usd'") }} as {{ money_type() }}) as saving_usd,
    event_date,
    occurred_at
from numbered
where landing_number = 1
