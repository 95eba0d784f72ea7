select
    rule_id,
    provider_name_pattern,
    account_id_pattern,
    project_id_pattern,
    api_key_id_pattern,
    model_id_pattern,
    service_name_pattern,
    tag_patterns_json,
    team,
    feature,
    environment,
    customer_id,
    comment,
    priority,
    valid_from_date,
    valid_to_date
from {{ source('lake', 'config_attribution_rules') }}
