select
    source_name,
    outcome_id,
    request_id,
    session_id,
    trace_id,
    outcome_name,
    score_source,
    file_name,
    file_line,
    quality_score,
    cast(value_usd as {{ money_type() }}) as value_usd,
    is_success,
    _day as outcome_date,
    occurred_at,
    _load_id
from {{ source('lake', 'outcomes') }}
