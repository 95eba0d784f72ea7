select
    customer_id,
    customer_name,
    customer_segment
from {{ source('lake', 'config_customers') }}
