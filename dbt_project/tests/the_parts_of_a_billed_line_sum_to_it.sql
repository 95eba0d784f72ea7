-- Each billed line is spread exactly, or stays whole; one without a rate for its currency is spread nowhere.
with

parts as (
    select charge_id, sum(billed_cost_usd) as parts_cost_usd
    from {{ ref('int_charge_allocations') }}
    group by charge_id
),

charges as (
    select charge_id, billed_cost_usd from {{ ref('int_provider_charges') }}
)

select charges.charge_id, charges.billed_cost_usd, parts.parts_cost_usd
from charges
full outer join parts
    on charges.charge_id = parts.charge_id
where charges.billed_cost_usd is distinct from parts.parts_cost_usd
