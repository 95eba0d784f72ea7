select
    split_id,
    from_team,
    from_feature,
    split_method,
    to_team,
    to_feature,
    cast(weight as decimal(18, 9)) as weight,
    valid_from_date,
    valid_to_date
from {{ source('lake', 'config_cost_splits') }}
