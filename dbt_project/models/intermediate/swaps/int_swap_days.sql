-- The traffic of each day priced on the model that it ran on and on every model that it may run on, both at today's prices and at what the
-- provider's bills come to per list dollar.
{%- set groups = ['team', 'feature', 'provider_name', 'model_id', 'service_tier'] %}
{%- set text_types = ['uncached_input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'output'] %}
{%- set other_types = ['audio_input', 'audio_output', 'image_input', 'image_output'] %}
with

windows as (
    select * from {{ ref('int_swap_windows') }}
),

models as (
    select * from {{ ref('int_swap_models') }}
),

rules as (
    select * from {{ ref('stg_prices__model_candidates') }}
),

ratios as (
    select * from {{ ref('int_token_ratios') }}
),

prices as (
    select candidate_prices.*
    from {{ ref('stg_prices__candidate_prices') }} as candidate_prices
    inner join models
        on candidate_prices.provider_name = models.provider_name
        and candidate_prices.model_id = models.model_id
        and models.assessment_date between candidate_prices.valid_from_date and candidate_prices.valid_to_date
),

tiers as (
    select
        provider_name,
        model_id,
        service_tier,
        -- Whether writing to the cache costs more than sending the same tokens uncached.
        bool_or(coalesce(cache_write_5m_usd_per_mtok > uncached_input_usd_per_mtok, false)) as has_write_premium
    from prices
    group by provider_name, model_id, service_tier
),

traffic as (
    select
        traffic.*,
        windows.day_count,
        sum(traffic.cache_read_tokens) over by_group > 0 as reads_from_cache,
        sum(traffic.effective_cost_usd) over by_group as group_effective_cost_usd,
        sum(traffic.list_cost_usd) over by_group as group_list_cost_usd,
        sum(traffic.effective_cost_usd) over by_provider as provider_effective_cost_usd,
        sum(traffic.list_cost_usd) over by_provider as provider_list_cost_usd
    from {{ ref('int_swap_traffic') }} as traffic
    inner join windows
        on {% for column in groups %}traffic.{{ column }} = windows.{{ column }} and {% endfor %}
        traffic.usage_date between windows.first_date and windows.last_date
    window
        by_group as (partition by {% for column in groups %}traffic.{{ column }}{{ ', ' if not loop.last }}{% endfor %}),
        by_provider as (partition by traffic.provider_name)
),

provider_discounts as (
    select
        provider_name,
        {{ ratio('max(provider_effective_cost_usd)', 'max(provider_list_cost_usd)') }} as effective_per_list_ratio
    from traffic
    group by provider_name
),

-- The model itself is one of them: what it costs at today's prices.
candidates as (
    select
        windows.team,
        windows.feature,
        windows.provider_name,
        windows.model_id,
        windows.service_tier,
        ratios.candidate_provider_name,
        ratios.candidate_model_id,
        ratios.token_ratio,
        -- A model that lacks the tier charges its standard price.
        case when tiers.service_tier is null then 'standard' else windows.service_tier end as candidate_service_tier,
        windows.provider_name = ratios.candidate_provider_name and windows.model_id = ratios.candidate_model_id as is_itself,
        coalesce(tiers.has_write_premium, standard_tiers.has_write_premium, false) as has_write_premium,
        coalesce(own_tiers.has_write_premium, false) as has_own_write_premium,
        candidate_models.context_window_tokens,
        candidate_models.min_cached_tokens
    from windows
    inner join ratios
        on windows.provider_name = ratios.provider_name
        and windows.model_id = ratios.model_id
    inner join models as candidate_models
        on ratios.candidate_provider_name = candidate_models.provider_name
        and ratios.candidate_model_id = candidate_models.model_id
    inner join rules as general_rules
        on ratios.candidate_provider_name = general_rules.provider_name
        and ratios.candidate_model_id = general_rules.model_id
        and general_rules.feature is null
    left join rules as feature_rules
        on ratios.candidate_provider_name = feature_rules.provider_name
        and ratios.candidate_model_id = feature_rules.model_id
        and windows.feature = feature_rules.feature
    left join tiers
        on ratios.candidate_provider_name = tiers.provider_name
        and ratios.candidate_model_id = tiers.model_id
        and windows.service_tier = tiers.service_tier
    left join tiers as standard_tiers
        on ratios.candidate_provider_name = standard_tiers.provider_name
        and ratios.candidate_model_id = standard_tiers.model_id
        and standard_tiers.service_tier = 'standard'
    left join tiers as own_tiers
        on windows.provider_name = own_tiers.provider_name
        and windows.model_id = own_tiers.model_id
        and windows.service_tier = own_tiers.service_tier
    where
        coalesce(feature_rules.is_allowed, general_rules.is_allowed)
        or (windows.provider_name = ratios.candidate_provider_name and windows.model_id = ratios.candidate_model_id)
),

priced as (
    select
        {% for column in groups %}traffic.{{ column }}, {% endfor %}
        candidates.candidate_provider_name,
        candidates.candidate_model_id,
        candidates.candidate_service_tier,
        candidates.is_itself,
        traffic.usage_date,
        traffic.input_from_tokens,
        traffic.context_from_tokens,
        traffic.cached_from_tokens,
        traffic.request_count,
        coalesce(
            traffic.context_from_tokens > floor(candidates.context_window_tokens / candidates.token_ratio), false
        ) and not candidates.is_itself as is_out_of_context,
        case
            when candidates.candidate_provider_name = traffic.provider_name
                then {{ ratio('traffic.group_effective_cost_usd', 'traffic.group_list_cost_usd') }}
            else coalesce(provider_discounts.effective_per_list_ratio, 1)
        end as effective_per_list_ratio,
        -- Null where the model has no price for something that is used: it cannot do this work.
        cast(
            {%- for token_type in text_types %}
            case when traffic.{{ token_column(token_type) }} = 0 then 0 else
                {%- set plain = 'prices.uncached_input_usd_per_mtok' %}
                {%- if token_type == 'uncached_input' %}
                {#- A cache that charges for writing must be written before it is read: at most all that is sent uncached today. #}
                {%- set price = "case when traffic.reads_from_cache and candidates.has_write_premium and not candidates.has_own_write_premium"
                    ~ " and traffic.cached_from_tokens >= coalesce(ceil(candidates.min_cached_tokens / candidates.token_ratio), 0)"
                    ~ " then prices.cache_write_5m_usd_per_mtok else " ~ plain ~ " end" %}
                {%- elif token_type == 'output' %}
                {%- set price = 'prices.output_usd_per_mtok' %}
                {%- else %}
                {%- set own = 'prices.' ~ token_type ~ '_usd_per_mtok' %}
                {%- if token_type == 'cache_write_1h' %}
                {#- A cache that knows one duration writes at its one price. #}
                {%- set own = 'coalesce(' ~ own ~ ', prices.cache_write_5m_usd_per_mtok)' %}
                {%- endif %}
                {%- set price = "case when candidates.is_itself or traffic.cached_from_tokens >= coalesce(ceil(candidates.min_cached_tokens / candidates.token_ratio), 0)"
                    ~ " then " ~ own ~ " else " ~ plain ~ " end" %}
                {%- endif %}
                {{ token_cost('traffic.' ~ token_column(token_type), '(' ~ price ~ ')') }}
            end{{ ' +' if not loop.last }}
            {%- endfor %}
            as decimal(28, 12)
        ) * candidates.token_ratio
        {%- for token_type in other_types %}
        + case when traffic.{{ token_column(token_type) }} = 0 then 0 else
            {{ token_cost('traffic.' ~ token_column(token_type), 'prices.' ~ token_type ~ '_usd_per_mtok') }} end
        {%- endfor %}
        + case when traffic.web_search_requests = 0 then 0 else
            {{ search_cost('traffic.web_search_requests', 'prices.web_search_usd_per_thousand') }} end as list_cost_usd
    from traffic
    inner join candidates
        on {% for column in groups %}traffic.{{ column }} = candidates.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
    inner join prices
        on candidates.candidate_provider_name = prices.provider_name
        and candidates.candidate_model_id = prices.model_id
        and candidates.candidate_service_tier = prices.service_tier
        and traffic.input_from_tokens >= ceil(prices.min_input_tokens / candidates.token_ratio)
        and (prices.max_input_tokens is null or traffic.input_from_tokens < ceil(prices.max_input_tokens / candidates.token_ratio))
    left join provider_discounts
        on candidates.candidate_provider_name = provider_discounts.provider_name
),

costed as (
    select
        *,
        cast(cast(list_cost_usd as decimal(28, 12)) * cast(effective_per_list_ratio as decimal(10, 6)) as {{ money_type() }}) as effective_cost_usd
    from priced
),

compared as (
    select
        others.*,
        itself.effective_cost_usd as current_cost_usd,
        -- What does not fit stays where it is.
        case when others.is_out_of_context then itself.effective_cost_usd else others.effective_cost_usd end as candidate_cost_usd,
        case when others.is_out_of_context then 0 else others.effective_cost_usd end as moved_cost_usd
    from costed as others
    inner join costed as itself
        on {% for column in groups + ['usage_date', 'input_from_tokens', 'context_from_tokens', 'cached_from_tokens'] -%}
        others.{{ column }} = itself.{{ column }} and {% endfor %}
        itself.is_itself
    where not others.is_itself
)

select
    {% for column in groups %}{{ column }}, {% endfor %}
    candidate_provider_name,
    candidate_model_id,
    candidate_service_tier,
    cast(sum(request_count) as bigint) as request_count,
    cast(sum(case when is_out_of_context then request_count else 0 end) as bigint) as out_of_context_request_count,
    case when count(*) = count(current_cost_usd) then cast(sum(current_cost_usd) as {{ money_type() }}) end as current_cost_usd,
    case when count(*) = count(candidate_cost_usd) then cast(sum(candidate_cost_usd) as {{ money_type() }}) end as candidate_cost_usd,
    case when count(*) = count(candidate_cost_usd) then cast(sum(moved_cost_usd) as {{ money_type() }}) end as moved_cost_usd,
    usage_date
from compared
group by {{ groups | join(', ') }}, candidate_provider_name, candidate_model_id, candidate_service_tier, usage_date
