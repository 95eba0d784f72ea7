-- Disjoint token buckets of each usage result. The vendor's input_tokens includes cached and cache-write tokens, and the
-- cached figure includes cached audio and images; the vendor's total is kept beside the buckets.
with

usage_results as (
    select * from {{ source('lake', 'openai_usage') }}
),

disjoint as (
    select
        source_name,
        'openai' as provider_name,
        account_id,
        project_id,
        api_key_id,
        usage_kind,
        case when usage_kind = 'web_search_calls' then coalesce(model_name, 'web_search') else model_name end as model_name,
        {{ service_tier('service_tier', 'coalesce(is_batch, false)') }} as service_tier,
        -- Older rows lack the uncached figure.
        coalesce(
            input_uncached_tokens,
            input_tokens - coalesce(input_cached_tokens, 0) - coalesce(input_cache_write_tokens, 0)
        ) - coalesce(input_audio_tokens, 0) - coalesce(input_image_tokens, 0) as uncached_input_tokens,
        coalesce(input_cached_tokens, 0) as cache_read_tokens,
        coalesce(input_cache_write_tokens, 0) as cache_write_5m_tokens,
        0 as cache_write_1h_tokens,
        coalesce(output_tokens, 0) - coalesce(output_audio_tokens, 0) - coalesce(output_image_tokens, 0) as output_tokens,
        coalesce(input_audio_tokens, 0) as audio_input_tokens,
        coalesce(output_audio_tokens, 0) as audio_output_tokens,
        coalesce(input_image_tokens, 0) as image_input_tokens,
        coalesce(output_image_tokens, 0) as image_output_tokens,
        coalesce(input_tokens, 0) + coalesce(output_tokens, 0) as reported_total_tokens,
        num_model_requests as request_count,
        case when usage_kind = 'web_search_calls' then num_requests end as web_search_count,
        case when usage_kind = 'file_search_calls' then num_requests end as file_search_count,
        images as images_count,
        seconds as audio_seconds_count,
        characters as characters_count,
        num_sessions as code_sessions_count,
        usage_bytes as storage_bytes_count,
        cast(bucket_start_at as date) as usage_date,
        bucket_start_at,
        _load_id
    from usage_results
)

select * from disjoint
