-- Which days of which two months are compared: whole months, and of a month that still runs only as many days of the month before.
with

daily as (
    select distinct usage_date from {{ ref('int_driver_costs_daily') }}
),

days as (
    select min(usage_date) as first_day, max(usage_date) as last_day from daily
),

months as (
    select distinct
        cast({{ dbt.date_trunc('month', 'daily.usage_date') }} as date) as seen_month_date,
        days.first_day,
        days.last_day
    from daily
    cross join days
),

-- A month without any use is compared as well, and so is the one after it.
compared as (
    select seen_month_date as month_start_date, first_day, last_day from months
    union
    select cast({{ dbt.dateadd('month', 1, 'seen_month_date') }} as date), first_day, last_day from months
),

bounded as (
    select
        month_start_date,
        cast({{ dbt.dateadd('month', -1, 'month_start_date') }} as date) as previous_first_date,
        cast({{ dbt.dateadd('day', -1, 'month_start_date') }} as date) as previous_month_end_date,
        cast({{ dbt.dateadd('day', -1, dbt.dateadd('month', 1, 'month_start_date')) }} as date) as month_end_date,
        first_day,
        last_day
    from compared
    where month_start_date <= last_day and cast({{ dbt.dateadd('day', -1, 'month_start_date') }} as date) >= first_day
)

select
    month_start_date as first_date,
    least(month_end_date, last_day) as last_date,
    previous_first_date,
    case
        when month_end_date <= last_day then previous_month_end_date
        else least(
            previous_month_end_date,
            cast({{ dbt.dateadd('day', dbt.datediff('month_start_date', 'last_day', 'day'), 'previous_first_date') }} as date)
        )
    end as previous_last_date,
    month_end_date <= last_day as is_month_complete,
    first_day <= previous_first_date as is_previous_month_complete,
    month_start_date
from bounded
