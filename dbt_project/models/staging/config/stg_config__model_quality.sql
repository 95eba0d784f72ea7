select
    feature,
    provider_name,
    model_id,
    source as score_source,
    note,
    cast(quality_score as decimal(18, 9)) as quality_score,
    checked_date
from {{ source('lake', 'config_model_quality') }}
