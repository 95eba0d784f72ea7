-- Billed and list cost of the priced use of each day and model: the evidence from which unbilled days are estimated. Credits, taxes
-- and adjustments are left out, for they do not follow use, and so is what is charged for outside of the bill.
{%- set days = days_to_build() %}
with

units as (
    select * from {{ ref('int_ledger_units') }}
    where
        list_cost_usd is not null
        and not {{ is_outside_the_bill('provider_name', 'service_tier') }}
        and {{ in_days('usage_date', days) }}
),

parts as (
    select unit_id, sum(billed_cost_usd) as billed_cost_usd
    from {{ ref('int_charge_allocations') }}
    where charge_category = 'Usage' and {{ in_days('usage_date', days) }}
    group by unit_id
)

select
    units.provider_name,
    units.account_id,
    units.model_id,
    cast(sum(units.list_cost_usd) as {{ money_type() }}) as list_cost_usd,
    cast(coalesce(sum(parts.billed_cost_usd), 0) as {{ money_type() }}) as billed_cost_usd,
    units.usage_date
from units
left join parts
    on units.unit_id = parts.unit_id
group by units.usage_date, units.provider_name, units.account_id, units.model_id
