-- Every billed line of every provider, in dollars, and what it names. A dimension that a line's type carries but leaves empty is
-- first taken literally (usage without a project), then as "any".
with

openai_costs as (
    select * from {{ ref('stg_openai__costs') }}
),

anthropic_costs as (
    select * from {{ ref('stg_anthropic__costs') }}
),

unioned as (
    select
        source_name, provider_name, account_id, project_id, api_key_id, model_name, possible_model_name, token_type, service_tier,
        charge_category, charge_description, billing_currency, billed_amount_text, consumed_unit, consumed_quantity, billed_amount, usage_date, _load_id,
        -- A credit names what it names: without a project it is for the account.
        charge_category = 'Usage' or project_id is not null as names_project,
        charge_category = 'Usage' or api_key_id is not null as names_api_key,
        model_name is not null as names_model,
        token_type is not null as names_token_type,
        service_tier is not null as names_service_tier
    from openai_costs
    union all
    select
        source_name, provider_name, account_id, project_id, null, model_name, null, token_type, service_tier,
        charge_category, charge_description, billing_currency, billed_amount_text, null, null, billed_amount, usage_date, _load_id,
        charge_category = 'Usage' or project_id <> 'default',
        false,
        model_name is not null,
        token_type is not null,
        service_tier is not null
    from anthropic_costs
),

numbered as (
    select
        *,
        -- A provider may bill two equal lines on one day; they stay two.
        row_number() over (
            partition by
                source_name, account_id, usage_date, project_id, api_key_id, charge_description, model_name, token_type, service_tier,
                billing_currency, billed_amount
        ) as occurrence
    from unioned
),

model_names as (
    select * from {{ ref('int_model_names') }}
),

fx_rates as (
    select * from {{ ref('stg_config__fx_rates') }}
)

select
    {{ text_key([
        'numbered.source_name', 'numbered.account_id', 'numbered.usage_date', 'numbered.project_id', 'numbered.api_key_id',
        'numbered.charge_description', 'numbered.model_name', 'numbered.token_type', 'numbered.service_tier', 'numbered.billing_currency',
        'numbered.billed_amount', 'numbered.occurrence'
    ]) }} as charge_id,
    numbered.source_name,
    numbered.provider_name,
    numbered.account_id,
    numbered.project_id,
    numbered.api_key_id,
    coalesce(model_names.model_id, lower(numbered.model_name)) as model_id,
    numbered._load_id,
    coalesce(numbered.model_name, model_names.model_name) as model_name,
    numbered.token_type,
    numbered.service_tier,
    numbered.charge_category,
    numbered.charge_description,
    numbered.billing_currency,
    numbered.billed_amount_text,
    numbered.consumed_unit,
    numbered.consumed_quantity,
    numbered.billed_amount,
    fx_rates.usd_per_unit as fx_usd_per_unit,
    -- Without a rate the dollars are not known; the doctor and a test say so, and the line stays in its own currency.
    case
        when numbered.billing_currency = 'USD' then numbered.billed_amount
        else cast(cast(numbered.billed_amount as decimal(20, 9)) * fx_rates.usd_per_unit as {{ money_type() }})
    end as billed_cost_usd,
    numbered.names_project,
    numbered.names_api_key,
    -- `tts-1, characters` pays for that model, though its direction is unknown, and not for all use of the key.
    numbered.names_model or model_names.model_name is not null as names_model,
    numbered.names_token_type,
    numbered.names_service_tier,
    numbered.usage_date
from numbered
left join model_names
    on numbered.provider_name = model_names.provider_name
    and coalesce(numbered.model_name, numbered.possible_model_name) = model_names.model_name
left join fx_rates
    on numbered.billing_currency = fx_rates.currency
    and numbered.usage_date between fx_rates.valid_from_date and fx_rates.valid_to_date
