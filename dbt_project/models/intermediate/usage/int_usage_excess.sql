-- Logged use above what the provider metered, per day, project, key, model and token type: a finding, never a negative row. Only where the
-- provider meters the account on that day at all.
{%- set days = days_to_build() %}
{%- set key_columns = ['usage_date', 'provider_name', 'account_id', 'project_id', 'api_key_id', 'model_id', 'token_type'] %}
with

logged as (
    select
        {{ key_columns | join(', ') }},
        sum(token_count + usage_quantity) as logged_quantity,
        sum(list_cost_usd) as list_cost_usd
    from {{ ref('int_logged_usage_located') }}
    where {{ in_days('usage_date', days) }}
    group by all
),

metered as (
    select {{ key_columns | join(', ') }}, sum(token_count + usage_quantity) as metered_quantity
    from {{ ref('int_metered_usage_daily') }}
    where {{ in_days('usage_date', days) }}
    group by all
),

metered_days as (
    select distinct usage_date, provider_name, account_id from metered
)

select
    logged.provider_name,
    logged.account_id,
    logged.project_id,
    logged.api_key_id,
    logged.model_id,
    logged.token_type,
    cast(logged.logged_quantity as bigint) as logged_quantity,
    cast(coalesce(metered.metered_quantity, 0) as bigint) as metered_quantity,
    cast(logged.logged_quantity - coalesce(metered.metered_quantity, 0) as bigint) as excess_quantity,
    cast(cast(round(
        cast(logged.list_cost_usd as double)
        * (logged.logged_quantity - coalesce(metered.metered_quantity, 0)) / logged.logged_quantity, 12
    ) as decimal(38, 12)) as {{ money_type() }}) as excess_list_cost_usd,
    logged.usage_date
from logged
inner join metered_days
    on logged.usage_date = metered_days.usage_date
    and logged.provider_name = metered_days.provider_name
    and logged.account_id = metered_days.account_id
left join metered
    on {% for column in key_columns %}logged.{{ column }} is not distinct from metered.{{ column }}{% if not loop.last %} and {% endif %}{% endfor %}
where logged.logged_quantity > coalesce(metered.metered_quantity, 0)
