select
    feature,
    feature_name,
    team,
    aliases,
    latency_tolerance_hours
from {{ source('lake', 'config_features') }}
