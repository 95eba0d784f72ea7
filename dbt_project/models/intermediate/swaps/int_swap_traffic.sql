-- Recent requests that could run on another model, summed as far as no price can tell them apart: by day, and by the limits between which
-- their size lies (int_swap_cuts), so that each candidate's long-context price, window and shortest cached prefix still apply to each one.
with

last_day as (
    select max(usage_date) as usage_date from {{ ref('int_scope_costs_daily') }}
),

requests as (
    select
        fct_llm_requests.*,
        {% for token_type in token_types() -%}
        coalesce(fct_llm_requests.{{ token_column(token_type) }}, 0) as {{ token_type }}_count,
        {% endfor -%}
        last_day.usage_date as assessment_date
    from {{ ref('fct_llm_requests') }}
    cross join last_day
    where
        fct_llm_requests.price_status = 'priced'
        and fct_llm_requests.list_cost_usd > 0
        and fct_llm_requests.effective_cost_usd is not null
        and fct_llm_requests.feature is not null
        and fct_llm_requests.usage_date <= last_day.usage_date
        and fct_llm_requests.usage_date > cast({{ dbt.dateadd('day', -90, 'last_day.usage_date') }} as date)
),

cuts as (
    select * from {{ ref('int_swap_cuts') }}
),

measured as (
    select
        *,
        uncached_input_count + cache_read_count + cache_write_5m_count + cache_write_1h_count + audio_input_count + image_input_count
            as input_tokens,
        cache_read_count + cache_write_5m_count + cache_write_1h_count as cached_tokens
    from requests
),

sized as (
    select
        measured.*,
        input_cuts.from_tokens as input_from_tokens,
        context_cuts.from_tokens as context_from_tokens,
        cached_cuts.from_tokens as cached_from_tokens
    from measured
    {% for measure, tokens in [
        ('input', 'measured.input_tokens'), ('context', 'measured.input_tokens + measured.output_count + measured.audio_output_count'),
        ('cached', 'measured.cached_tokens')
    ] -%}
    inner join cuts as {{ measure }}_cuts
        on measured.provider_name = {{ measure }}_cuts.provider_name
        and measured.model_id = {{ measure }}_cuts.model_id
        and {{ measure }}_cuts.measure = '{{ measure }}'
        and {{ tokens }} >= {{ measure }}_cuts.from_tokens
        and {{ tokens }} < {{ measure }}_cuts.to_tokens
    {% endfor %}
)

select
    coalesce(team, 'unattributed') as team,
    feature,
    provider_name,
    model_id,
    service_tier,
    input_from_tokens,
    context_from_tokens,
    cached_from_tokens,
    count(*) as request_count,
    {% for token_type in token_types() -%}
    cast(sum({{ token_type }}_count) as bigint) as {{ token_column(token_type) }},
    {% endfor -%}
    cast(sum(coalesce(web_search_requests, 0)) as bigint) as web_search_requests,
    cast(sum(list_cost_usd) as {{ money_type() }}) as list_cost_usd,
    cast(sum(effective_cost_usd) as {{ money_type() }}) as effective_cost_usd,
    usage_date,
    assessment_date
from sized
group by
    usage_date, assessment_date, team, feature, provider_name, model_id, service_tier, input_from_tokens, context_from_tokens, cached_from_tokens
