with

budgets as (
    select * from {{ source('lake', 'config_budgets') }}
),

fx_rates as (
    select * from {{ ref('stg_config__fx_rates') }}
)

select
    budgets.budget_id,
    budgets.budget_name,
    budgets.team,
    budgets.feature,
    budgets.environment,
    budgets.provider_name,
    budgets.model_id,
    budgets.customer_id,
    budgets.period,
    upper(budgets.currency) as currency,
    budgets.thresholds,
    budgets.owner_email,
    budgets.channel,
    cast(budgets.amount as {{ money_type() }}) as amount,
    -- Null without a rate: a budget in an unknown currency must not look like one in dollars.
    cast(cast(budgets.amount as decimal(20, 9)) * fx_rates.usd_per_unit as {{ money_type() }}) as amount_usd,
    budgets.is_hard_cap,
    budgets.valid_from_date,
    budgets.valid_to_date
from budgets
-- The rate on the budget's first day: a budget does not move with the market.
left join fx_rates
    on upper(budgets.currency) = fx_rates.currency
    and greatest(budgets.valid_from_date, date '2000-01-01') between fx_rates.valid_from_date and fx_rates.valid_to_date
