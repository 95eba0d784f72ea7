-- Invariant 2: logged + residual - excess = metered, per day, project, key, model and token type, wherever the provider meters the account.
-- The excess is the list of findings: hiding one breaks the sum.
{%- set key_columns = 'usage_date, provider_name, account_id, project_id, api_key_id, model_id, token_type' %}
with

metered_days as (
    select distinct usage_date, provider_name, account_id from {{ ref('int_metered_usage_daily') }}
),

signed as (
    select {{ key_columns }}, token_count + usage_quantity as explained_quantity, 0 as metered_quantity
    from {{ ref('int_logged_usage_located') }}
    union all
    select {{ key_columns }}, token_count + usage_quantity, 0
    from {{ ref('int_usage_residuals') }}
    union all
    select {{ key_columns }}, -excess_quantity, 0
    from {{ ref('int_usage_excess') }}
    union all
    select {{ key_columns }}, 0, token_count + usage_quantity
    from {{ ref('int_metered_usage_daily') }}
),

summed as (
    select {{ key_columns }}, sum(explained_quantity) as explained_quantity, sum(metered_quantity) as metered_quantity
    from signed
    group by {{ key_columns }}
    having sum(explained_quantity) <> sum(metered_quantity)
)

select summed.*
from summed
inner join metered_days
    on summed.usage_date = metered_days.usage_date
    and summed.provider_name = metered_days.provider_name
    and summed.account_id = metered_days.account_id
