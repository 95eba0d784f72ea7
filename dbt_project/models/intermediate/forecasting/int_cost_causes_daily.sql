{#- What may explain a change, and where it is found. A feature explains nothing about itself. -#}
{%- set causes = {
    'model': "coalesce(model_id, 'unknown')",
    'feature': "feature",
    'api_key': "coalesce(api_key_id, 'unknown')"
} %}
-- The cost of the last months of each series by what may explain its changes.
with

ledger as (
    select * from {{ ref('fct_cost_ledger') }}
),

requests as (
    select * from {{ ref('fct_llm_requests') }}
),

models as (
    select * from {{ ref('dim_models') }}
),

last_day as (
    select max(usage_date) as usage_date from ledger
),

ledger_costs as (
    select
        ledger.usage_date,
        ledger.provider_name,
        coalesce(ledger.team, 'unattributed') as team,
        coalesce(ledger.feature, 'unattributed') as feature,
        coalesce(ledger.environment, 'unattributed') as environment,
        ledger.model_id,
        ledger.api_key_id,
        coalesce(models.model_family, 'unknown') as model_family,
        sum(ledger.effective_cost_usd) as effective_cost_usd,
        sum(ledger.request_count) as request_count
    from ledger
    cross join last_day
    left join models
        on ledger.provider_name = models.provider_name
        and ledger.model_id = models.model_id
    where ledger.usage_date > cast({{ dbt.dateadd('day', -cause_days(), 'last_day.usage_date') }} as date)
    group by all
),

-- Versions of prompts are known of logged requests only.
prompt_costs as (
    select
        requests.usage_date,
        requests.provider_name,
        coalesce(requests.team, 'unattributed') as team,
        coalesce(requests.feature, 'unattributed') as feature,
        coalesce(requests.environment, 'unattributed') as environment,
        coalesce(models.model_family, 'unknown') as model_family,
        concat_ws(' ', requests.prompt_name, requests.prompt_version) as prompt_version,
        sum(requests.effective_cost_usd) as effective_cost_usd,
        count(*) as request_count
    from requests
    cross join last_day
    left join models
        on requests.provider_name = models.provider_name
        and requests.model_id = models.model_id
    where
        requests.prompt_version is not null
        and requests.usage_date > cast({{ dbt.dateadd('day', -cause_days(), 'last_day.usage_date') }} as date)
    group by all
),

unioned as (
    {#- The ledger knows no customers, so their segments have no causes. -#}
    {%- for dimension, value in series_dimensions().items() if dimension != 'customer_segment' %}
    {%- for cause, expression in causes.items() if not (cause == 'feature' and 'feature' in dimension) %}
    select '{{ dimension }}' as dimension_name, {{ value }} as dimension_value, '{{ cause }}' as cause_name, {{ expression }} as cause_value,
        usage_date, sum(effective_cost_usd) as effective_cost_usd, sum(request_count) as request_count
    from ledger_costs
    group by all
    union all
    {%- endfor %}
    select '{{ dimension }}' as dimension_name, {{ value }} as dimension_value, 'prompt_version' as cause_name, prompt_version as cause_value,
        usage_date, sum(effective_cost_usd) as effective_cost_usd, sum(request_count) as request_count
    from prompt_costs
    group by all
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
)

select
    case dimension_name when 'total' then 'total' else dimension_name || '=' || dimension_value end as series_id,
    dimension_name,
    dimension_value,
    cause_name,
    cause_value,
    cast(effective_cost_usd as {{ money_type() }}) as effective_cost_usd,
    cast(request_count as bigint) as request_count,
    usage_date
from unioned
where effective_cost_usd is not null
