select
    feature,
    feature_name,
    team,
    aliases
from {{ source('lake', 'config_features') }}
