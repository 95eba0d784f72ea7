-- What the budgets below each budget add up to in its period, by the file that decides on the period. A child whose periods are longer or
-- shorter counts by the days that both have in common.
with

budget_periods as (
    select * from {{ ref('int_budget_periods') }}
),

lines as (
    select * from {{ ref('stg_config__budgets') }}
    where budget_kind = 'budget' and parent_budget_id is not null
),

dates as (
    select * from {{ ref('dim_dates') }}
),

child_days as (
    select
        budget_periods.budget_id,
        budget_periods.period_start_date,
        lines.budget_id as child_budget_id,
        lines.amount_usd,
        lines.period,
        lines.valid_from_date,
        lines.valid_to_date,
        case
            when lines.period = 'custom' then lines.valid_from_date
            else {{ period_start_date('lines.period', 'dates.month_start_date', 'lines.fiscal_year_start_month') }}
        end as natural_start_date
    from budget_periods
    inner join lines
        on budget_periods.budget_id = lines.parent_budget_id
        and budget_periods.load_id = lines.load_id
    inner join dates
        on dates.date_day between greatest(budget_periods.period_start_date, lines.valid_from_date)
        and least(budget_periods.period_end_date, lines.valid_to_date)
),

shares as (
    select
        budget_id,
        period_start_date,
        child_budget_id,
        amount_usd,
        {{ dbt.datediff(
            'greatest(natural_start_date, valid_from_date)',
            "case when period = 'custom' then valid_to_date else least(" ~ period_end_date('period', 'natural_start_date') ~ ", valid_to_date) end",
            'day'
        ) }} + 1 as days_in_child_period
    from child_days
)

select
    budget_id,
    count(distinct child_budget_id) as child_count,
    -- Parts of days are doubles: rounded to millionths of a dollar, whole periods are their amounts again.
    cast(round(sum(cast(amount_usd as double) / days_in_child_period), 6) as {{ money_type() }}) as children_usd,
    period_start_date
from shares
group by budget_id, period_start_date
