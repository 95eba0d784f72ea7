select
    channel,
    url_env,
    min_severity,
    comment
from {{ source('lake', 'config_alert_channels') }}
