-- Which load stands for which day of which table, source and account.
select
    table_name,
    source_name,
    account_id,
    load_id,
    data_load_id,
    row_count,
    day as usage_date,
    loaded_at
from {{ source('lake', 'lake_index') }}
