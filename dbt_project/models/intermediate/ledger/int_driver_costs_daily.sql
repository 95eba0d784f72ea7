-- The ledger by what can change a cost: who, model, tier and token type. Tokens with a list price can be taken apart into amount, price
-- and discount; what has none (searches, seats, credits, unmatched lines, models without a price) only costs.
{%- set days = days_to_build('int_ledger_fingerprints') %}
with

ledger as (
    select
        *,
        coalesce(
            charge_category = 'Usage' and evidence <> 'billed' and token_count > 0 and list_cost_usd > 0 and effective_cost_usd is not null, false
        ) as is_token_cost
    from {{ ref('fct_cost_ledger') }}
    where {{ in_days('usage_date', days) }}
),

-- The price before any surcharge on long contexts.
short_prices as (
    select
        usage_date,
        provider_name,
        model_id,
        service_tier,
        {% for token_type in token_types() -%}
        max({{ token_type }}_usd_per_mtok) as {{ token_type }}_usd_per_mtok{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('dim_model_prices') }}
    where min_input_tokens = 0 and {{ in_days('usage_date', days) }}
    group by usage_date, provider_name, model_id, service_tier
),

priced as (
    select
        ledger.*,
        coalesce(
            case ledger.token_type
                {% for token_type in token_types() -%}
                when '{{ token_type }}' then {{ token_cost('ledger.token_count', 'short_prices.' ~ token_type ~ '_usd_per_mtok') }}
                {% endfor %}
            end,
            ledger.list_cost_usd
        ) as short_list_cost_usd
    from ledger
    left join short_prices
        on ledger.usage_date = short_prices.usage_date
        and ledger.provider_name = short_prices.provider_name
        and ledger.model_id = short_prices.model_id
        and ledger.service_tier = short_prices.service_tier
),

cut as (
    select
        coalesce(team, 'unattributed') as team,
        coalesce(feature, 'unattributed') as feature,
        {% for column in ['provider_name', 'model_id', 'service_tier', 'token_type'] -%}
        case when is_token_cost then {{ column }} end as {{ column }},
        {% endfor -%}
        case when is_token_cost then coalesce(request_count, 0) end as request_count,
        {% for column in ['token_count', 'short_list_cost_usd', 'list_cost_usd'] -%}
        case when is_token_cost then {{ column }} end as {{ column }},
        {% endfor -%}
        effective_cost_usd,
        is_token_cost,
        usage_date
    from priced
)

select
    team,
    feature,
    provider_name,
    model_id,
    service_tier,
    token_type,
    cast(sum(request_count) as bigint) as request_count,
    cast(sum(token_count) as bigint) as token_count,
    cast(sum(short_list_cost_usd) as {{ money_type() }}) as short_list_cost_usd,
    cast(sum(list_cost_usd) as {{ money_type() }}) as list_cost_usd,
    cast(sum(effective_cost_usd) as {{ money_type() }}) as effective_cost_usd,
    is_token_cost,
    usage_date
from cut
group by usage_date, team, feature, provider_name, model_id, service_tier, token_type, is_token_cost
