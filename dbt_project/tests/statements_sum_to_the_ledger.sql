-- Chargeback, daily spend and unit economics are the ledger grouped differently: per month and team they agree, and a statement is the sum of
-- its parts.
with

signed as (
    select 'chargeback' as mart, cost_month, team, effective_cost_usd, billed_cost_usd from {{ ref('mart_chargeback_monthly') }}
    union all
    select 'spend', cast(date_trunc('month', usage_date) as date), team, effective_cost_usd, billed_cost_usd from {{ ref('mart_spend_daily') }}
    union all
    select 'unit economics', cast(date_trunc('month', usage_date) as date), team, effective_cost_usd, null from {{ ref('mart_unit_economics_daily') }}
),

marts as (
    select mart, cost_month, team, coalesce(sum(effective_cost_usd), 0) as effective_cost_usd, sum(billed_cost_usd) as billed_cost_usd
    from signed
    group by all
),

ledger as (
    select
        cast(date_trunc('month', usage_date) as date) as cost_month,
        team,
        coalesce(sum(effective_cost_usd), 0) as effective_cost_usd,
        sum(billed_cost_usd) as billed_cost_usd
    from {{ ref('fct_cost_ledger') }}
    group by all
)

select marts.mart, marts.cost_month, marts.team, marts.effective_cost_usd as mart_cost_usd, ledger.effective_cost_usd as ledger_cost_usd
from marts
left join ledger
    on marts.cost_month = ledger.cost_month
    and marts.team = ledger.team
where
    marts.effective_cost_usd <> coalesce(ledger.effective_cost_usd, 0)
    or (marts.mart <> 'unit economics' and marts.billed_cost_usd is distinct from ledger.billed_cost_usd)
union all
select 'missing in chargeback', ledger.cost_month, ledger.team, null, ledger.effective_cost_usd
from ledger
where (ledger.cost_month, ledger.team) not in (select (cost_month, team) from {{ ref('mart_chargeback_monthly') }})
union all
select 'parts of chargeback', cost_month, team, effective_cost_usd, direct_cost_usd + shared_cost_usd + credits_and_adjustments_usd
from {{ ref('mart_chargeback_monthly') }}
where effective_cost_usd <> direct_cost_usd + shared_cost_usd + credits_and_adjustments_usd
