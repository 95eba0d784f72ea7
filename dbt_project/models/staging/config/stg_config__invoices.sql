with

invoices as (
    select * from {{ source('lake', 'config_invoices') }}
),

fx_rates as (
    select * from {{ ref('stg_config__fx_rates') }}
)

select
    invoices.invoice_id,
    invoices.provider_name,
    invoices.account_id,
    upper(invoices.currency) as currency,
    cast(invoices.total_amount as {{ money_type() }}) as invoiced_amount,
    cast(cast(invoices.total_amount as decimal(20, 9)) * fx_rates.usd_per_unit as {{ money_type() }}) as invoiced_cost_usd,
    invoices.period_start_date,
    invoices.period_end_date
from invoices
left join fx_rates
    on upper(invoices.currency) = fx_rates.currency
    and invoices.period_end_date between fx_rates.valid_from_date and fx_rates.valid_to_date
