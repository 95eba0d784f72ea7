-- Each gap between billed and logged is explained to the last decimal, and the day's totals are those of the ledger.
with

ledger as (
    select usage_date, provider_name, account_id, sum(billed_cost_usd) as billed_cost_usd, sum(effective_cost_usd) as effective_cost_usd
    from {{ ref('fct_cost_ledger') }}
    group by all
),

reconciliation as (
    select * from {{ ref('mart_reconciliation') }}
)

select
    ledger.usage_date, ledger.provider_name, ledger.account_id,
    ledger.billed_cost_usd, reconciliation.billed_cost_usd as reconciled_cost_usd, reconciliation.gap_usd
from ledger
full outer join reconciliation
    on ledger.usage_date = reconciliation.usage_date
    and ledger.provider_name = reconciliation.provider_name
    and ledger.account_id is not distinct from reconciliation.account_id
where
    ledger.usage_date is null
    or reconciliation.usage_date is null
    or coalesce(ledger.billed_cost_usd, 0) <> reconciliation.billed_cost_usd
    or coalesce(ledger.effective_cost_usd, 0) <> reconciliation.effective_cost_usd
    or reconciliation.gap_usd <> reconciliation.billed_cost_usd - reconciliation.logged_list_cost_usd
    or reconciliation.gap_usd <>
        reconciliation.not_logged_usd + reconciliation.not_metered_usd + reconciliation.unpriced_usd + reconciliation.tier_difference_usd
        + reconciliation.price_difference_usd + reconciliation.late_usd + reconciliation.credit_usd + reconciliation.rounding_usd
