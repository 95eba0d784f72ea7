-- One billed line of one day, in the words of FOCUS and as it was billed.
select
    -- ids
    charge_id,
    source_name,
    account_id as billing_account_id,
    project_id as sub_account_id,
    api_key_id as credential_id,
    model_id,
    _load_id as load_id,
    -- strings
    provider_name,
    charge_category,
    charge_description,
    model_name,
    token_type,
    service_tier,
    billing_currency,
    billed_amount_text,
    consumed_unit,
    case when billed_cost_usd is null then 'no_fx_rate' else 'ok' end as charge_status,
    -- numerics
    consumed_quantity,
    billed_amount as billed_cost,
    fx_usd_per_unit,
    billed_cost_usd,
    -- dates
    usage_date as charge_period_start_date,
    usage_date + 1 as charge_period_end_date,
    cast(date_trunc('month', usage_date) as date) as billing_period_start_date
from {{ ref('int_provider_charges') }}
