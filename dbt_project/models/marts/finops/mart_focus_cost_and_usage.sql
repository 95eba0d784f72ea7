-- The ledger as a FOCUS 1.2 Cost and Usage data set: one row per ledger row. Estimated days are included and marked `x_Maturity`; rows whose
-- cost is not known are left out, because FOCUS has no null cost (`doctor` lists them).
with

ledger as (
    select * from {{ ref('fct_cost_ledger') }}
    where effective_cost_usd is not null
),

model_prices as (
    select * from {{ ref('dim_model_prices') }}
    where min_input_tokens = 0
),

projects as (
    select * from {{ ref('dim_projects') }}
),

prices as (
    {% for token_type in token_types() -%}
    select distinct provider_name, model_id, service_tier, usage_date, '{{ token_type }}' as token_type, {{ token_type }}_usd_per_mtok as list_unit_price
    from model_prices
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

one_price as (
    select provider_name, model_id, service_tier, usage_date, token_type, min(list_unit_price) as list_unit_price
    from prices
    group by all
    having count(*) = 1
),

shaped as (
    select
        ledger.*,
        projects.project_name,
        ledger.charge_category = 'Usage' and ledger.evidence <> 'billed' and ledger.token_count > 0
            and one_price.list_unit_price is not null as has_sku,
        one_price.list_unit_price
    from ledger
    left join projects
        on ledger.provider_name = projects.provider_name
        and ledger.account_id = projects.account_id
        and ledger.project_id = projects.project_id
    left join one_price
        on ledger.provider_name = one_price.provider_name
        and ledger.model_id = one_price.model_id
        and ledger.service_tier = one_price.service_tier
        and ledger.usage_date = one_price.usage_date
        and ledger.token_type = one_price.token_type
)

select
    coalesce(billed_cost_usd, 0) as "BilledCost",
    coalesce(account_id, 'unknown') as "BillingAccountId",
    account_id as "BillingAccountName",
    'USD' as "BillingCurrency",
    cast(date_trunc('month', usage_date) as timestamp) as "BillingPeriodStart",
    cast(date_trunc('month', usage_date) + interval 1 month as timestamp) as "BillingPeriodEnd",
    charge_category as "ChargeCategory",
    cast(null as varchar) as "ChargeClass",
    concat(coalesce(model_id, 'unknown'), ' ', coalesce(token_type, 'charge'), ' (', evidence, ')') as "ChargeDescription",
    'Usage-Based' as "ChargeFrequency",
    cast(usage_date as timestamp) as "ChargePeriodStart",
    cast(usage_date + 1 as timestamp) as "ChargePeriodEnd",
    case when charge_category = 'Usage' then
        cast(case when token_count > 0 then token_count when usage_quantity > 0 then usage_quantity else 1 end as decimal(38, 9)) end as "ConsumedQuantity",
    case when charge_category = 'Usage' then case when token_count > 0 then 'Tokens' when usage_quantity > 0 then 'Units' else 'Charges' end end
        as "ConsumedUnit",
    effective_cost_usd as "ContractedCost",
    effective_cost_usd as "EffectiveCost",
    provider_name as "InvoiceIssuerName",
    coalesce(list_cost_usd, effective_cost_usd) as "ListCost",
    case when has_sku then list_unit_price end as "ListUnitPrice",
    case when has_sku then 'Standard' end as "PricingCategory",
    case when has_sku then cast(token_count as decimal(38, 9)) * 0.000001 end as "PricingQuantity",
    case when has_sku then '1000000 Tokens' end as "PricingUnit",
    provider_name as "ProviderName",
    provider_name as "PublisherName",
    'AI and Machine Learning' as "ServiceCategory",
    concat(provider_name, ' API') as "ServiceName",
    'Generative AI' as "ServiceSubcategory",
    case when has_sku then concat(model_id, '/', token_type, '/', service_tier) end as "SkuId",
    case when has_sku then concat(model_id, '/', token_type, '/', service_tier, '/', cast(list_unit_price as varchar)) end as "SkuPriceId",
    case when has_sku then token_type end as "SkuMeter",
    project_id as "SubAccountId",
    project_name as "SubAccountName",
    api_key_id as "x_CredentialId",
    model_id as "x_ModelId",
    token_type as "x_TokenType",
    service_tier as "x_ServiceTier",
    team as "x_Team",
    feature as "x_Feature",
    environment as "x_Environment",
    allocation_method as "x_AllocationMethod",
    evidence as "x_Evidence",
    maturity as "x_Maturity",
    ledger_id as "x_LedgerId"
from shaped
