-- The last known name of each key and of its project, also after it was deleted.
with

keys as (
    select provider_name, account_id, api_key_id, api_key_name, is_deleted from {{ ref('stg_openai__api_keys') }}
    union all
    select provider_name, account_id, api_key_id, api_key_name, is_deleted from {{ ref('stg_anthropic__api_keys') }}
)

select * from keys
