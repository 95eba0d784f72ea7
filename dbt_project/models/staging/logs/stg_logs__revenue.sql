-- A revenue line received again under the same id replaces the earlier one: the latest load wins.
with

ranked as (
    select
        *,
        row_number() over (partition by source_name, revenue_id order by _loaded_at desc, _load_id desc, file_line desc) as recency
    from {{ source('lake', 'revenue') }}
),

fx_rates as (
    select * from {{ ref('stg_config__fx_rates') }}
)

select
    ranked.source_name,
    ranked.revenue_id,
    ranked.customer_id,
    ranked.feature,
    upper(ranked.currency) as currency,
    cast(ranked.revenue_amount as {{ money_type() }}) as revenue_amount,
    cast(cast(ranked.revenue_amount as decimal(20, 9)) * fx_rates.usd_per_unit as {{ money_type() }}) as revenue_usd,
    ranked.period_start_date,
    ranked.period_end_date,
    ranked._load_id
from ranked
left join fx_rates
    on upper(ranked.currency) = fx_rates.currency
    and ranked.period_end_date between fx_rates.valid_from_date and fx_rates.valid_to_date
where ranked.recency = 1
