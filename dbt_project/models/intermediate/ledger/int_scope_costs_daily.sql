-- The ledger by what budgets, forecasts and planned changes can be for: many times smaller than the ledger itself.
{%- set days = days_to_build('int_ledger_fingerprints') %}
select
    coalesce(team, 'unattributed') as team,
    coalesce(feature, 'unattributed') as feature,
    coalesce(environment, 'unattributed') as environment,
    provider_name,
    model_id,
    cast(sum(request_count) as bigint) as request_count,
    cast(sum(token_count) as bigint) as token_count,
    cast(sum(effective_cost_usd) as {{ money_type() }}) as effective_cost_usd,
    usage_date
from {{ ref('fct_cost_ledger') }}
where {{ in_days('usage_date', days) }}
group by all
