-- What prompt caches save and cost, and what they might save. Only logged requests are here: a bill does not say who read what.
with

caches as (
    select * from {{ ref('int_cache_usage_daily') }}
),

prices as (
    select * from {{ ref('dim_model_prices') }}
),

owners as (
    select * from {{ ref('int_workload_owners') }}
),

cost_ratios as (
    select * from {{ ref('int_request_cost_ratios') }}
),

minimums as (
    select provider_name, model_id, min_cached_tokens
    from {{ ref('stg_prices__model_candidates') }}
    where feature is null
),

priced as (
    select
        caches.*,
        prices.uncached_input_usd_per_mtok as uncached_price,
        prices.cache_read_usd_per_mtok as read_price,
        -- Where nothing is asked for writing, what is written costs what it costs uncached.
        coalesce(prices.cache_write_5m_usd_per_mtok, prices.uncached_input_usd_per_mtok) as write_5m_price,
        prices.cache_write_1h_usd_per_mtok as write_1h_price,
        coalesce(minimums.min_cached_tokens, {{ usual_minimum_cached_tokens() }}) as min_cached_tokens
    from caches
    left join prices
        on caches.price_id = prices.price_id
        and caches.usage_date = prices.usage_date
        and caches.is_priced
    left join minimums
        on caches.provider_name = minimums.provider_name
        and caches.model_id = minimums.model_id
),

-- List dollars, exactly: tokens times prices. Requests whose cost is not known have no price row to count with.
costed as (
    select
        *,
        {{ token_cost('uncached_input_tokens', 'uncached_price') }}
        + {%- for part, price in (('cache_read', 'read_price'), ('cache_write_5m', 'write_5m_price'), ('cache_write_1h', 'write_1h_price')) %}
        case when {{ part }}_tokens = 0 then 0 else {{ token_cost(part ~ '_tokens', price) }} end{% if not loop.last %} + {% endif %}
        {%- endfor %} as list_input,
        {{ token_cost('(uncached_input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens)', 'uncached_price') }} as list_uncached,
        case when cache_read_tokens = 0 then 0 else {{ token_cost('cache_read_tokens', '(uncached_price - read_price)') }} end as list_read_saving,
        case when cache_write_5m_tokens = 0 then 0 else {{ token_cost('cache_write_5m_tokens', '(write_5m_price - uncached_price)') }} end
        + case when cache_write_1h_tokens = 0 then 0 else {{ token_cost('cache_write_1h_tokens', '(write_1h_price - uncached_price)') }} end
            as list_write_premium,
        case when expired_write_5m_tokens = 0 then 0 else {{ token_cost('expired_write_5m_tokens', '(write_5m_price - uncached_price)') }} end
        + case when expired_write_1h_tokens = 0 then 0 else {{ token_cost('expired_write_1h_tokens', '(write_1h_price - uncached_price)') }} end
            as list_expired,
        case
            when cache_write_5m_tokens + cache_write_1h_tokens = 0 then 0
            else {{ token_cost('(cache_write_5m_tokens + cache_write_1h_tokens)', '(uncached_price - read_price)') }}
        end as list_saving_if_read_once
    from priced
),

-- A prefix is cached for an account and a model, whoever sends it: what it does on a day is seen over all workloads.
prefixes as (
    select
        *,
        max(prefix_tokens) over prefix as known_prefix_tokens,
        sum(request_count) over prefix as prefix_request_count,
        sum(cache_read_tokens) over prefix as prefix_read_tokens,
        sum(cache_write_5m_tokens + cache_write_1h_tokens) over prefix as prefix_write_tokens,
        sum(repeated_5m_count) over prefix as prefix_5m_count,
        sum(repeated_1h_count) over prefix as prefix_1h_count
    from costed
    window prefix as (partition by usage_date, provider_name, account_id, model_id, service_tier, prefix_key)
),

-- What each token of the prefix would have saved on the day, had every first use written it and every later one in time read it.
planned as (
    select
        *,
        cast(prefix_5m_count as decimal(18, 0)) * (uncached_price - read_price)
        - cast(prefix_request_count - prefix_5m_count as decimal(18, 0)) * (write_5m_price - uncached_price) as plan_5m,
        cast(prefix_1h_count as decimal(18, 0)) * (uncached_price - read_price)
        - cast(prefix_request_count - prefix_1h_count as decimal(18, 0)) * (write_1h_price - uncached_price) as plan_1h
    from prefixes
),

reasoned as (
    select
        *,
        coalesce(plan_1h, 0) > plan_5m as is_hour_better,
        case
            when prefix_key is null or prefix_request_count < 2 then null
            when prefix_read_tokens > 0 and missed_5m_count = 0 then null
            when read_price is null then 'no_cache_price'
            when known_prefix_tokens is null then 'length_unknown'
            when known_prefix_tokens < min_cached_tokens then 'too_short'
            when prefix_read_tokens > 0 then 'missed_in_time'
            when greatest(plan_5m, coalesce(plan_1h, 0)) <= 0 then 'too_far_apart'
            when prefix_write_tokens > 0 then 'written_never_read'
            else 'never_cached'
        end as missed_reason
    from planned
),

missed as (
    select
        *,
        case
            when missed_reason = 'missed_in_time' then known_prefix_tokens * missed_5m_count
            when missed_reason in ('written_never_read', 'never_cached')
                then known_prefix_tokens * case when is_hour_better then repeated_1h_count else repeated_5m_count end
            when missed_reason in ('length_unknown', 'no_cache_price') then null
            else 0
        end as missed_tokens,
        -- Dollars per million tokens that are read: net of the writes that a plan needs, spread over its reads.
        case
            when missed_reason = 'missed_in_time' then uncached_price - read_price
            when missed_reason in ('written_never_read', 'never_cached') then cast(
                cast(greatest(plan_5m, coalesce(plan_1h, 0)) as double)
                / case when is_hour_better then prefix_1h_count else prefix_5m_count end as decimal(18, 9)
            )
        end as saving_usd_per_mtok
    from reasoned
),

effective as (
    select
        missed.*,
        owners.team,
        owners.feature,
        owners.environment,
        {{ effective_of('missed.list_read_saving', 'cost_ratios.effective_per_list_ratio') }} as read_saving_usd,
        {{ effective_of('missed.list_write_premium', 'cost_ratios.effective_per_list_ratio') }} as write_premium_usd,
        {{ effective_of('missed.list_expired', 'cost_ratios.effective_per_list_ratio') }} as expired_write_cost_usd,
        case
            when missed.missed_tokens = 0 then cast(0 as {{ money_type() }})
            else {{ effective_of(token_cost('missed.missed_tokens', 'missed.saving_usd_per_mtok'), 'cost_ratios.effective_per_list_ratio') }}
        end as missed_saving_usd
    from missed
    left join owners
        on missed.workload_id = owners.workload_id
        and missed.usage_date between owners.valid_from_date and owners.valid_to_date
    left join cost_ratios
        on missed.workload_id = cost_ratios.workload_id
        and missed.service_tier = cost_ratios.service_tier
        and missed.usage_date = cost_ratios.usage_date
),

by_reason as (
    select
        usage_date, team, feature, environment, provider_name, model_id, prompt_name, prompt_version, missed_reason,
        sum(request_count) as request_count,
        sum(case when is_priced then 0 else request_count end) as unpriced_request_count,
        sum(uncached_input_tokens) as uncached_input_tokens,
        sum(cache_read_tokens) as cache_read_tokens,
        sum(cache_write_5m_tokens) as cache_write_5m_tokens,
        sum(cache_write_1h_tokens) as cache_write_1h_tokens,
        sum(expired_write_5m_tokens + expired_write_1h_tokens) as expired_write_tokens,
        sum(missed_tokens) as missed_tokens,
        sum(list_input) as list_input,
        sum(list_uncached) as list_uncached,
        sum(list_read_saving) as list_read_saving,
        sum(list_write_premium) as list_write_premium,
        sum(list_saving_if_read_once) as list_saving_if_read_once,
        sum(read_saving_usd) as read_saving_usd,
        sum(write_premium_usd) as write_premium_usd,
        sum(expired_write_cost_usd) as expired_write_cost_usd,
        sum(missed_saving_usd) as missed_saving_usd
    from effective
    group by all
),

-- The reason that most of the missed tokens have; where none are missed, one that says why.
ranked as (
    select
        *,
        row_number() over (
            partition by usage_date, team, feature, environment, provider_name, model_id, prompt_name, prompt_version
            order by missed_reason is null asc, coalesce(missed_tokens, -1) desc, request_count desc, missed_reason asc
        ) as reason_rank
    from by_reason
)

select
    -- ids
    model_id,
    -- strings
    team,
    feature,
    environment,
    provider_name,
    prompt_name,
    prompt_version,
    max(case when reason_rank = 1 then missed_reason end) as missed_reason,
    -- numerics
    cast(sum(request_count) as bigint) as request_count,
    cast(sum(unpriced_request_count) as bigint) as unpriced_request_count,
    cast(sum(uncached_input_tokens) as bigint) as uncached_input_tokens,
    cast(sum(cache_read_tokens) as bigint) as cache_read_tokens,
    cast(sum(cache_write_5m_tokens) as bigint) as cache_write_5m_tokens,
    cast(sum(cache_write_1h_tokens) as bigint) as cache_write_1h_tokens,
    cast(sum(expired_write_tokens) as bigint) as expired_write_tokens,
    cast(sum(missed_tokens) as bigint) as missed_tokens,
    {{ ratio('sum(cache_read_tokens)', 'sum(uncached_input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens)') }}
        as cache_hit_ratio,
    {{ ratio('sum(list_write_premium)', 'sum(list_saving_if_read_once)') }} as break_even_reuse,
    {{ ratio('sum(cache_read_tokens)', 'sum(cache_write_5m_tokens + cache_write_1h_tokens)') }} as observed_reuse,
    cast(sum(list_input) as {{ money_type() }}) as input_list_cost_usd,
    cast(sum(list_uncached) as {{ money_type() }}) as uncached_input_list_cost_usd,
    cast(sum(list_read_saving - list_write_premium) as {{ money_type() }}) as net_saving_list_usd,
    cast(sum(read_saving_usd) as {{ money_type() }}) as read_saving_usd,
    cast(sum(write_premium_usd) as {{ money_type() }}) as write_premium_usd,
    cast(sum(expired_write_cost_usd) as {{ money_type() }}) as expired_write_cost_usd,
    cast(sum(read_saving_usd) - sum(write_premium_usd) as {{ money_type() }}) as net_saving_usd,
    cast(sum(missed_saving_usd) as {{ money_type() }}) as missed_saving_usd,
    -- dates
    usage_date
from ranked
group by usage_date, team, feature, environment, provider_name, model_id, prompt_name, prompt_version
