-- Invariant 1: per provider, account and day the ledger holds what the providers charge, to the last decimal.
with

ledger as (
    select provider_name, account_id, usage_date, sum(billed_cost_usd) as ledger_cost_usd
    from {{ ref('fct_cost_ledger') }}
    group by all
),

charges as (
    select provider_name, billing_account_id as account_id, charge_period_start_date as usage_date, sum(billed_cost_usd) as charged_cost_usd
    from {{ ref('fct_provider_charges') }}
    group by all
)

select
    coalesce(ledger.provider_name, charges.provider_name) as provider_name,
    coalesce(ledger.account_id, charges.account_id) as account_id,
    coalesce(ledger.usage_date, charges.usage_date) as usage_date,
    ledger.ledger_cost_usd,
    charges.charged_cost_usd
from ledger
full outer join charges
    on ledger.provider_name = charges.provider_name
    and ledger.account_id is not distinct from charges.account_id
    and ledger.usage_date = charges.usage_date
where coalesce(ledger.ledger_cost_usd, 0) <> coalesce(charges.charged_cost_usd, 0)
