-- What a month costs in the waterfall is what it costs in the ledger, per team and feature, and so is what it is compared with.
with

drivers as (
    select * from {{ ref('mart_cost_change_drivers') }}
    where driver_order = 1
),

daily as (
    select
        coalesce(team, 'unattributed') as team,
        coalesce(feature, 'unattributed') as feature,
        effective_cost_usd,
        usage_date,
        cast({{ dbt.date_trunc('month', 'usage_date') }} as date) as usage_month_date
    from {{ ref('fct_cost_ledger') }}
    where effective_cost_usd is not null
),

months as (
    select distinct month_start_date, previous_first_date, previous_last_date from drivers
),

signed as (
    select month_start_date, team, feature, current_cost_usd, previous_cost_usd from drivers
    union all
    select months.month_start_date, daily.team, daily.feature, -daily.effective_cost_usd, 0
    from daily
    inner join months
        on daily.usage_month_date = months.month_start_date
    union all
    select months.month_start_date, daily.team, daily.feature, 0, -daily.effective_cost_usd
    from daily
    inner join months
        on daily.usage_date between months.previous_first_date and months.previous_last_date
)

select month_start_date, team, feature, sum(current_cost_usd) as current_difference_usd, sum(previous_cost_usd) as previous_difference_usd
from signed
group by month_start_date, team, feature
having sum(current_cost_usd) <> 0 or sum(previous_cost_usd) <> 0
