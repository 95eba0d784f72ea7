-- Every day from the year before the first data to the end of the year after the last forecast day.
with

bounds as (
    select
        date_trunc('year', first_date - interval 1 year) as first_day,
        date_trunc('year', last_date + interval 2 year) + interval 1 year - interval 1 day as last_day
    from {{ ref('int_priced_days') }}
),

days as (
    select cast({{ days_between('first_day', 'last_day') }} as date) as date_day
    from bounds
)

select
    date_day,
    cast(date_trunc('week', date_day) as date) as week_start_date,
    cast(date_trunc('month', date_day) as date) as month_start_date,
    cast(date_trunc('quarter', date_day) as date) as quarter_start_date,
    cast(date_trunc('year', date_day) as date) as year_start_date,
    cast(date_trunc('month', date_day) + interval 1 month - interval 1 day as date) as month_end_date,
    cast(extract(isodow from date_day) as integer) as iso_weekday_number,
    extract(isodow from date_day) >= 6 as is_weekend
from days
