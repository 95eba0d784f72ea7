-- KPIs of cost and outcomes per day and scope. A scope is the total, or one value of one dimension.
{%- set scopes = {
    'total': "'total'", 'team': 'team', 'feature': 'feature', 'environment': 'environment', 'provider': 'provider_name',
    'model': "concat(provider_name, '/', coalesce(model_id, 'unknown'))"
} %}
{%- set outcome_scopes = {
    'total': "'total'", 'team': 'team', 'feature': 'feature', 'environment': 'environment'
} %}
with

ledger as (
    select * from {{ ref('fct_cost_ledger') }}
),

outcomes as (
    select * from {{ ref('fct_outcomes') }}
),

ledger_scopes as (
    {% for dimension, value in scopes.items() -%}
    select
        usage_date as kpi_date,
        '{{ dimension }}' as dimension_name,
        {{ value }} as dimension_value,
        sum(effective_cost_usd) as cost_usd,
        sum(request_count) as request_count,
        sum(token_count) as token_count,
        sum(token_count) filter (where list_cost_usd is not null) as priced_token_count,
        sum(effective_cost_usd) filter (where allocation_method <> 'unattributed') as attributed_cost_usd,
        sum(effective_cost_usd) filter (where team <> 'unattributed') as team_cost_usd,
        sum(effective_cost_usd) filter (where feature <> 'unattributed') as feature_cost_usd,
        sum(effective_cost_usd) filter (where environment <> 'unattributed') as environment_cost_usd,
        sum(effective_cost_usd) filter (where maturity <> 'estimated' and evidence <> 'billed') as matched_cost_usd,
        sum(token_count) filter (where token_type = 'cache_read') as cache_read_tokens,
        sum(token_count) filter (where token_type in ('cache_read', 'cache_write_5m', 'cache_write_1h', 'uncached_input')) as input_tokens,
        bool_and(maturity <> 'estimated') as is_mature
    from ledger
    group by usage_date, {{ value }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

outcome_scopes as (
    {% for dimension, value in outcome_scopes.items() -%}
    select
        outcome_date as kpi_date,
        '{{ dimension }}' as dimension_name,
        {{ value }} as dimension_value,
        count(*) filter (where is_success) as successful_outcome_count
    from outcomes
    group by outcome_date, {{ value }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

scoped as (
    select
        ledger_scopes.*,
        nullif(outcome_scopes.successful_outcome_count, 0) as successful_outcome_count,
        ledger_scopes.dimension_name in ({% for dimension in outcome_scopes %}'{{ dimension }}'{% if not loop.last %}, {% endif %}{% endfor %})
            as has_outcomes
    from ledger_scopes
    left join outcome_scopes
        on ledger_scopes.kpi_date = outcome_scopes.kpi_date
        and ledger_scopes.dimension_name = outcome_scopes.dimension_name
        and ledger_scopes.dimension_value = outcome_scopes.dimension_value
),

kpis as (
    {%- set definitions = [
        ('cost_per_request', 'cost_usd', 'nullif(request_count, 0)', 'usd_per_request', 'true'),
        ('cost_per_successful_outcome', 'cost_usd', 'successful_outcome_count', 'usd_per_outcome', 'has_outcomes'),
        ('cache_hit_ratio', 'coalesce(cache_read_tokens, 0)', 'nullif(input_tokens, 0)', 'ratio', 'true'),
        ('attribution_coverage', 'coalesce(attributed_cost_usd, 0)', 'nullif(cost_usd, 0)', 'ratio', "dimension_name in ('total', 'provider', 'model')"),
    ] %}
    {% for kpi_name, numerator, denominator, unit, condition in definitions -%}
    select
        kpi_date, '{{ kpi_name }}' as kpi_name, dimension_name, dimension_value,
        cast({{ numerator }} as {{ money_type() }}) as numerator,
        cast({{ denominator }} as {{ money_type() }}) as denominator,
        '{{ unit }}' as unit,
        token_count, priced_token_count, cost_usd, attributed_cost_usd, matched_cost_usd, is_mature
    from scoped
    where {{ condition }}
    union all
    {% endfor -%}
    -- Coverage of each dimension: the share of cost that has an owner in it.
    {% for dimension in ['team', 'feature', 'environment'] -%}
    select
        kpi_date, 'attribution_coverage', '{{ dimension }}', '*',
        cast(coalesce({{ dimension }}_cost_usd, 0) as {{ money_type() }}),
        cast(nullif(cost_usd, 0) as {{ money_type() }}),
        'ratio',
        token_count, priced_token_count, cost_usd, attributed_cost_usd, matched_cost_usd, is_mature
    from scoped
    where dimension_name = 'total'
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    kpi_name,
    dimension_name,
    dimension_value,
    unit,
    {{ ratio('numerator', 'denominator') }} as kpi_value,
    numerator,
    denominator,
    {{ ratio('coalesce(priced_token_count, 0)', 'token_count') }} as priced_ratio,
    {{ ratio('coalesce(attributed_cost_usd, 0)', 'cost_usd') }} as attributed_ratio,
    {{ ratio('coalesce(matched_cost_usd, 0)', 'cost_usd') }} as matched_ratio,
    is_mature,
    kpi_date
from kpis
