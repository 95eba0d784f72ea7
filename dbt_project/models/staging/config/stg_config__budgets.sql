-- Every file of budgets: the newest one says what is in force, and each earlier one what was known while it was the newest.
with

lines as (
    select * from {{ source('lake', 'config_budgets') }}
),

fx_rates as (
    select * from {{ ref('stg_config__fx_rates') }}
),

first_rates as (
    select currency, min(valid_from_date) as first_rate_date
    from fx_rates
    group by currency
),

-- A file without a line has no row among the budgets, so the files come from the lake's index. Of several of one day the last counts.
file_days as (
    select
        cast(loaded_at as date) as loaded_date,
        max(load_id) as load_id
    from {{ source('lake', 'lake_index') }}
    where table_name = 'config_budgets'
    group by cast(loaded_at as date)
),

files as (
    select
        load_id,
        lead(loaded_date) over (order by loaded_date) is null as is_current,
        -- What came before the first file is judged by it: no other was known.
        case
            when lag(loaded_date) over (order by loaded_date) is null then date '0001-01-01'
            else loaded_date
        end as decides_from_date,
        coalesce(
            cast(lead(loaded_date) over (order by loaded_date) - interval 1 day as date), date '9999-12-31'
        ) as decides_to_date
    from file_days
)

select
    files.load_id,
    lines.budget_id,
    lines.parent_budget_id,
    lines.budget_name,
    coalesce(lines.budget_kind, 'budget') as budget_kind,
    lines.team,
    lines.feature,
    lines.environment,
    lines.provider_name,
    lines.model_id,
    lines.model_family,
    lines.customer_id,
    lines.customer_segment,
    lines.period,
    upper(lines.currency) as currency,
    lines.thresholds,
    lines.owner_email,
    lines.channel,
    coalesce(cast(lines.fiscal_year_start_month as integer), 1) as fiscal_year_start_month,
    cast(lines.amount as {{ money_type() }}) as amount,
    -- Null without a rate: a budget in an unknown currency must not look like one in dollars.
    cast(cast(lines.amount as decimal(20, 9)) * fx_rates.usd_per_unit as {{ money_type() }}) as amount_usd,
    cast(coalesce(lines.alert_probability, '0.85') as double) as alert_probability,
    lines.is_hard_cap,
    files.is_current,
    lines.valid_from_date,
    lines.valid_to_date,
    files.decides_from_date,
    files.decides_to_date
from lines
inner join files
    on lines._load_id = files.load_id
-- The rate on the budget's first day, or the oldest there is: a budget does not move with the market.
left join first_rates
    on upper(lines.currency) = first_rates.currency
left join fx_rates
    on upper(lines.currency) = fx_rates.currency
    and greatest(lines.valid_from_date, first_rates.first_rate_date) between fx_rates.valid_from_date and fx_rates.valid_to_date
