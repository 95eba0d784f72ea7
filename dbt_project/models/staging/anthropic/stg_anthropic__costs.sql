-- Cents become dollars here and nowhere else. A null workspace is the default workspace, which has no id.
with

cost_lines as (
    select * from {{ source('lake', 'anthropic_costs') }}
)

select
    source_name,
    'anthropic' as provider_name,
    account_id,
    coalesce(workspace_id, 'default') as project_id,
    model_name,
    case
        when token_type = 'uncached_input_tokens' then 'uncached_input'
        when token_type = 'output_tokens' then 'output'
        when token_type = 'cache_read_input_tokens' then 'cache_read'
        when token_type = 'cache_creation.ephemeral_5m_input_tokens' then 'cache_write_5m'
        when token_type = 'cache_creation.ephemeral_1h_input_tokens' then 'cache_write_1h'
        when cost_type = 'web_search' then 'web_search'
        when cost_type = 'code_execution' then 'code_sessions'
    end as token_type,
    case when cost_type = 'tokens' then {{ service_tier('service_tier') }} end as service_tier,
    case
        when cast(amount_cents as decimal(38, 16)) < 0 then 'Credit'
        else 'Usage'
    end as charge_category,
    cost_type,
    context_window,
    description as charge_description,
    upper(amount_currency) as billing_currency,
    amount_cents as billed_amount_text,
    cast(cast(amount_cents as decimal(36, 16)) * 0.01 as {{ money_type() }}) as billed_amount,
    usage_date,
    _load_id
from cost_lines
