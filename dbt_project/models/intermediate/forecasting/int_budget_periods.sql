-- Each budget laid out over its periods: those that have begun since the ledger has, and those that a forecast reaches.
with

budgets as (
    select * from {{ ref('stg_config__budgets') }}
    where is_current
),

dates as (
    select * from {{ ref('dim_dates') }}
),

series_costs as (
    select * from {{ ref('int_series_costs_daily') }}
),

forecast_periods as (
    select * from {{ ref('stg_forecasting__periods') }}
    where period_name = 'to_date'
),

known_days as (
    select
        min(cost_date) as first_cost_date,
        max(cost_date) as last_cost_date
    from series_costs
),

known_series as (
    select distinct series_id from series_costs
),

forecast_starts as (
    select distinct series_id, period_start_date from forecast_periods
),

budget_days as (
    select
        budgets.*,
        {{ budget_series_id('budgets') }} as series_id,
        case budgets.period
            when 'month' then dates.month_start_date
            when 'quarter' then dates.quarter_start_date
            when 'year' then dates.year_start_date
            else budgets.valid_from_date
        end as natural_start_date,
        dates.date_day
    from budgets
    inner join dates
        on dates.date_day between budgets.valid_from_date and budgets.valid_to_date
),

laid_out as (
    select distinct
        budget_id,
        series_id,
        budget_name,
        period,
        customer_id,
        currency,
        thresholds,
        owner_email,
        channel,
        amount as budget_amount,
        amount_usd as budget_usd,
        is_hard_cap,
        -- A period that the budget's validity cuts short keeps its whole amount.
        greatest(natural_start_date, valid_from_date) as period_start_date,
        case
            when period in ('month', 'quarter', 'year')
                then least({{ period_end_date('period', 'natural_start_date') }}, valid_to_date)
            else valid_to_date
        end as period_end_date
    from budget_days
)

select
    -- ids
    laid_out.budget_id,
    laid_out.series_id,
    -- strings
    laid_out.budget_name,
    laid_out.period,
    laid_out.currency,
    laid_out.thresholds,
    laid_out.owner_email,
    laid_out.channel,
    -- numerics
    laid_out.budget_amount,
    laid_out.budget_usd,
    {{ dbt.datediff('laid_out.period_start_date', 'laid_out.period_end_date', 'day') }} + 1 as days_in_period,
    -- booleans
    laid_out.is_hard_cap,
    laid_out.customer_id is null as is_supported_scope,
    known_series.series_id is not null as is_known_scope,
    -- dates
    laid_out.period_start_date,
    laid_out.period_end_date,
    known_days.last_cost_date
from laid_out
cross join known_days
left join known_series
    on laid_out.series_id = known_series.series_id
left join forecast_starts
    on laid_out.series_id = forecast_starts.series_id
    and laid_out.period_start_date = forecast_starts.period_start_date
where
    laid_out.period_end_date >= known_days.first_cost_date
    and (laid_out.period_start_date <= known_days.last_cost_date or forecast_starts.period_start_date is not null)
