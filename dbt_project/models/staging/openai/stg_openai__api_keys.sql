-- The last known listing entry of each id, also of one that is listed no more: usage outlives its names.
with

listed as (
    select
        *,
        row_number() over (partition by source_name, account_id, api_key_id order by _loaded_at desc, _load_id desc) as recency,
        max(_loaded_at) over (partition by source_name, account_id) as last_listed_at
    from {{ source('lake', 'openai_api_keys') }}
)

select
    source_name,
    'openai' as provider_name,
    account_id,
    api_key_id,
    api_key_name,
    _loaded_at < last_listed_at as is_deleted,
    created_at,
    _loaded_at as last_seen_at
from listed
where recency = 1
