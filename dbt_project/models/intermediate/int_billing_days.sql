-- How far the bill of each provider account and day can be trusted. A day is settled once a load that covers it was made long enough
-- after its end; before that its lines may still change, and its use is estimated.
with

load_days as (
    select * from {{ ref('stg_lake__load_days') }}
    where table_name in ('openai_costs', 'anthropic_costs')
),

sources as (
    select * from {{ ref('stg_config__sources') }}
),

invoices as (
    select * from {{ ref('stg_config__invoices') }}
),

-- A line in a currency without a rate: what the day cost in dollars is not known, however old the bill is.
unrated_days as (
    select distinct provider_name, account_id, usage_date
    from {{ ref('int_provider_charges') }}
    where billed_cost_usd is null
)

select
    sources.provider_name,
    load_days.account_id,
    max(invoices.invoice_id) as invoice_id,
    max(load_days.load_id) as load_id,
    bool_or(
        load_days.loaded_at >= cast(load_days.usage_date as timestamp) + interval 1 day + sources.settles_after_hours * interval 1 hour
        and unrated_days.usage_date is null
    ) as is_settled,
    load_days.usage_date,
    max(load_days.loaded_at) as loaded_at
from load_days
inner join sources
    on load_days.source_name = sources.source_name
left join invoices
    on sources.provider_name = invoices.provider_name
    and load_days.account_id = invoices.account_id
    and load_days.usage_date between invoices.period_start_date and invoices.period_end_date
left join unrated_days
    on sources.provider_name = unrated_days.provider_name
    and load_days.account_id = unrated_days.account_id
    and load_days.usage_date = unrated_days.usage_date
group by sources.provider_name, load_days.account_id, load_days.usage_date
