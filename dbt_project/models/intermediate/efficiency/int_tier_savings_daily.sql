-- What sound use would have cost less at list price in a tier that its feature can wait for: the same tokens at the tier's prices of that day.
{%- set tiers = tier_wait_hours() %}
with

sound_usage as (
    select * from {{ ref('int_sound_usage_daily') }}
),

owners as (
    select * from {{ ref('int_workload_owners') }}
),

features as (
    select * from {{ ref('stg_config__features') }}
    where latency_tolerance_hours is not null
),

own_prices as (
    select * from {{ ref('dim_model_prices') }}
),

candidate_prices as (
    select * from {{ ref('stg_prices__candidate_prices') }}
    where service_tier in ({% for tier in tiers %}'{{ tier }}'{% if not loop.last %}, {% endif %}{% endfor %})
),

tolerant as (
    select
        sound_usage.*,
        features.latency_tolerance_hours,
        own_prices.min_input_tokens
    from sound_usage
    inner join owners
        on sound_usage.workload_id = owners.workload_id
        and sound_usage.usage_date between owners.valid_from_date and owners.valid_to_date
    inner join features
        on owners.feature = features.feature
    inner join own_prices
        on sound_usage.price_id = own_prices.price_id
        and sound_usage.usage_date = own_prices.usage_date
),

repriced as (
    select
        tolerant.*,
        candidate_prices.service_tier as cheaper_tier,
        {%- for token_type in token_types() %}
        case when tolerant.{{ token_column(token_type) }} = 0 then 0
            else {{ token_cost('tolerant.' ~ token_column(token_type), 'candidate_prices.' ~ token_type ~ '_usd_per_mtok') }} end +
        {%- endfor %}
        case when tolerant.web_search_count = 0 then 0
            else {{ search_cost('tolerant.web_search_count', 'candidate_prices.web_search_usd_per_thousand') }} end as cheaper_list_cost_usd
    from tolerant
    inner join candidate_prices
        on tolerant.provider_name = candidate_prices.provider_name
        and tolerant.model_id = candidate_prices.model_id
        and tolerant.usage_date between candidate_prices.valid_from_date and candidate_prices.valid_to_date
        and tolerant.min_input_tokens >= candidate_prices.min_input_tokens
        and tolerant.min_input_tokens < coalesce(candidate_prices.max_input_tokens, 9223372036854775807)
        and tolerant.service_tier <> candidate_prices.service_tier
    where
        {% for tier, hours in tiers.items() -%}
        (candidate_prices.service_tier = '{{ tier }}' and tolerant.latency_tolerance_hours >= {{ hours }}){% if not loop.last %} or {% endif %}
        {%- endfor %}
),

-- The cheapest of them; of two that cost the same batch, whose day is promised, while flex may be refused when it is busy.
ranked as (
    select
        *,
        row_number() over (
            partition by usage_date, workload_id, price_id, service_tier
            order by cheaper_list_cost_usd, cheaper_tier
        ) as price_rank
    from repriced
    where cheaper_list_cost_usd < list_cost_usd
)

select
    workload_id,
    model_id,
    price_id,
    provider_name,
    service_tier,
    cheaper_tier,
    request_count,
    list_cost_usd,
    cast(cheaper_list_cost_usd as {{ money_type() }}) as cheaper_list_cost_usd,
    cast(list_cost_usd - cheaper_list_cost_usd as {{ money_type() }}) as wasted_list_cost_usd,
    usage_date
from ranked
where price_rank = 1
