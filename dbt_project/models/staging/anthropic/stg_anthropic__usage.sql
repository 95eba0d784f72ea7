-- The report's buckets are disjoint already. A null workspace is the default workspace, which has no id.
select
    source_name,
    'anthropic' as provider_name,
    account_id,
    coalesce(workspace_id, 'default') as project_id,
    api_key_id,
    model_name,
    {{ service_tier('service_tier') }} as service_tier,
    context_window,
    uncached_input_tokens,
    cache_read_input_tokens as cache_read_tokens,
    cache_creation_5m_input_tokens as cache_write_5m_tokens,
    cache_creation_1h_input_tokens as cache_write_1h_tokens,
    output_tokens,
    web_search_requests as web_search_count,
    cast(bucket_start_at as date) as usage_date,
    bucket_start_at,
    _load_id
from {{ source('lake', 'anthropic_usage') }}
