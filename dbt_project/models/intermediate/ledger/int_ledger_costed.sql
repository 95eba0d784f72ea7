-- The ledger before shared cost is split: use with what was billed for it and what it effectively costs, the credits, taxes and
-- adjustments that fall on it, and the billed lines that match no use.
{%- set days = days_to_build('int_ledger_fingerprints') %}
with

units as (
    select * from {{ ref('int_ledger_units') }}
    where {{ in_days('usage_date', days) }}
),

allocations as (
    select * from {{ ref('int_charge_allocations') }}
    where {{ in_days('usage_date', days) }}
),

charges as (
    select * from {{ ref('int_provider_charges') }}
    where {{ in_days('usage_date', days) }}
),

billing_days as (
    select * from {{ ref('int_billing_days') }}
),

calibrations as (
    select * from {{ ref('int_calibrations') }}
),

billed_units as (
    select unit_id, charge_category, sum(billed_cost_usd) as billed_cost_usd
    from allocations
    where unit_id is not null
    group by unit_id, charge_category
),

usage_rows as (
    select
        units.usage_date, units.provider_name, units.account_id, units.project_id, units.api_key_id, units.model_id, units.token_type,
        units.service_tier, 'Usage' as charge_category, units.workload_id, units.evidence,
        units.request_count, units.token_count, units.usage_quantity, units.list_cost_usd, billed_units.billed_cost_usd
    from units
    left join billed_units
        on units.unit_id = billed_units.unit_id
        and billed_units.charge_category = 'Usage'
),

-- They cost or bring money but use nothing: their tokens are counted on the usage row.
other_rows as (
    select
        units.usage_date, units.provider_name, units.account_id, units.project_id, units.api_key_id, units.model_id, units.token_type,
        units.service_tier, billed_units.charge_category, units.workload_id, units.evidence,
        0 as request_count, 0 as token_count, 0 as usage_quantity, cast(0 as {{ money_type() }}) as list_cost_usd, billed_units.billed_cost_usd
    from units
    inner join billed_units
        on units.unit_id = billed_units.unit_id
    where billed_units.charge_category <> 'Usage'
),

unmatched_rows as (
    select
        charges.usage_date, charges.provider_name, charges.account_id, charges.project_id, charges.api_key_id, charges.model_id,
        charges.token_type, charges.service_tier, charges.charge_category,
        {{ text_key(['charges.provider_name', 'charges.account_id', 'charges.project_id', 'charges.api_key_id', 'charges.model_id'] + ['null'] * 5) }}
            as workload_id,
        'billed' as evidence,
        cast(null as bigint) as request_count, cast(null as bigint) as token_count, cast(null as bigint) as usage_quantity,
        cast(null as {{ money_type() }}) as list_cost_usd,
        sum(allocations.billed_cost_usd) as billed_cost_usd
    from allocations
    inner join charges
        on allocations.charge_id = charges.charge_id
    where allocations.unit_id is null
    group by all
),

combined as (
    select * from usage_rows
    union all
    select * from other_rows
    union all
    select * from unmatched_rows
),

unioned as (
    select
        *,
        charge_category = 'Usage' and evidence <> 'billed' and {{ is_outside_the_bill('provider_name', 'service_tier') }} as is_outside_the_bill
    from combined
),

matured as (
    select
        unioned.*,
        billing_days.invoice_id,
        coalesce(billing_days.is_settled, false) and not unioned.is_outside_the_bill as is_settled,
        -- What is never in the bill does not follow its calibration either.
        case when unioned.is_outside_the_bill then 'list_price' else calibrations.calibration_basis end as calibration_basis,
        case when unioned.is_outside_the_bill then 1 else coalesce(calibrations.calibration_ratio, 1) end as calibration_ratio
    from unioned
    left join billing_days
        on unioned.provider_name = billing_days.provider_name
        and unioned.account_id = billing_days.account_id
        and unioned.usage_date = billing_days.usage_date
    left join calibrations
        on unioned.provider_name = calibrations.provider_name
        and unioned.account_id = calibrations.account_id
        and unioned.model_id = calibrations.model_id
        and unioned.usage_date = calibrations.usage_date
)

select
    provider_name,
    account_id,
    project_id,
    api_key_id,
    model_id,
    token_type,
    service_tier,
    charge_category,
    workload_id,
    evidence,
    case
        when is_settled and invoice_id is not null then 'invoiced'
        when is_settled then 'billed'
        else 'estimated'
    end as maturity,
    calibration_basis,
    cast(request_count as bigint) as request_count,
    cast(token_count as bigint) as token_count,
    cast(usage_quantity as bigint) as usage_quantity,
    cast(list_cost_usd as {{ money_type() }}) as list_cost_usd,
    -- On a settled day, priced use that no line pays for was not charged. Before that, or without a price, its cost is not known.
    cast(case
        when is_settled and list_cost_usd is not null then coalesce(billed_cost_usd, 0)
        else billed_cost_usd
    end as {{ money_type() }}) as billed_cost_usd,
    cast(case
        when is_settled and list_cost_usd is not null then coalesce(billed_cost_usd, 0)
        when is_settled then billed_cost_usd
        when charge_category = 'Usage' and evidence <> 'billed' and list_cost_usd is not null
            then cast(list_cost_usd as decimal(28, 12)) * cast(calibration_ratio as decimal(10, 6))
        else billed_cost_usd
    end as {{ money_type() }}) as effective_cost_usd,
    usage_date
from matured
