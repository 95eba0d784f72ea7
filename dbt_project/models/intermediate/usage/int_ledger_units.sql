-- All use that can be paid for: what was logged, and what only the meter saw.
{%- set days = days_to_build() %}
{%- set columns %}
    provider_name, account_id, project_id, api_key_id, model_id, workload_id, service_tier, token_type,
    token_count, usage_quantity, request_count, list_cost_usd, usage_date
{%- endset %}
with

logged as (
    select {{ columns }} from {{ ref('int_logged_usage_located') }}
    where {{ in_days('usage_date', days) }}
),

residuals as (
    select {{ columns }} from {{ ref('int_usage_residuals') }}
    where {{ in_days('usage_date', days) }}
),

unioned as (
    select *, 'logged' as evidence from logged
    union all
    select *, 'metered' as evidence from residuals
)

select
    {{ text_key([
        'usage_date', 'provider_name', 'account_id', 'project_id', 'api_key_id', 'model_id', 'token_type', 'service_tier', 'workload_id',
        'evidence'
    ]) }} as unit_id,
    *
from unioned
