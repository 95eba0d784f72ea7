select
    source_name,
    source_type,
    provider_name,
    account_id,
    preference,
    settles_after_hours
from {{ source('lake', 'config_sources') }}
