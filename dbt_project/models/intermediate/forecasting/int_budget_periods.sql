-- Each budget laid out over its periods: those that have begun since the ledger has, and those that a forecast reaches. A period that has
-- ended keeps the budget of the file that was the newest when it ended; a running or coming one follows the newest of all.
{%- set kept = scope_columns() + [
    'budget_id', 'parent_budget_id', 'budget_name', 'budget_kind', 'period', 'currency', 'thresholds', 'owner_email', 'channel',
    'alert_probability', 'is_hard_cap'
] %}
with

budgets as (
    select
        *,
        {{ budget_series_id('budgets') }} as series_id
    from {{ ref('stg_config__budgets') }} as budgets
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

-- A period that a file decides on ends on a day on which it does, so days before need not be looked at.
budget_days as (
    select
        budgets.*,
        case
            when budgets.period = 'custom' then budgets.valid_from_date
            else {{ period_start_date('budgets.period', 'dates.month_start_date', 'budgets.fiscal_year_start_month') }}
        end as natural_start_date
    from budgets
    inner join dates
        on dates.date_day between greatest(budgets.valid_from_date, budgets.decides_from_date)
        and least(budgets.valid_to_date, budgets.decides_to_date)
),

laid_out as (
    select distinct
        {{ kept | join(', ') }},
        load_id,
        series_id,
        amount as budget_amount,
        amount_usd as budget_usd,
        decides_from_date,
        decides_to_date,
        -- A period that the budget's validity cuts short keeps its whole amount.
        greatest(natural_start_date, valid_from_date) as period_start_date,
        case
            when period in ('month', 'quarter', 'year')
                then least({{ period_end_date('period', 'natural_start_date') }}, valid_to_date)
            else valid_to_date
        end as period_end_date
    from budget_days
),

-- Where a newer file gave a budget another length, both may begin on one day: then the newer one counts.
decided as (
    select
        *,
        row_number() over (partition by budget_id, period_start_date order by load_id desc) as newest_rank
    from laid_out
    where period_end_date between decides_from_date and decides_to_date
)

select
    -- ids
    decided.budget_id,
    decided.series_id,
    decided.parent_budget_id,
    decided.load_id,
    -- strings
    decided.budget_name,
    decided.budget_kind,
    {% for column in scope_columns() -%}
    decided.{{ column }},
    {% endfor -%}
    decided.period,
    decided.currency,
    decided.thresholds,
    decided.owner_email,
    decided.channel,
    -- numerics
    decided.budget_amount,
    decided.budget_usd,
    decided.alert_probability,
    {{ dbt.datediff('decided.period_start_date', 'decided.period_end_date', 'day') }} + 1 as days_in_period,
    -- booleans
    decided.is_hard_cap,
    known_series.series_id is not null as is_known_scope,
    -- dates
    decided.period_start_date,
    decided.period_end_date,
    known_days.last_cost_date
from decided
cross join known_days
left join known_series
    on decided.series_id = known_series.series_id
left join forecast_starts
    on decided.series_id = forecast_starts.series_id
    and decided.period_start_date = forecast_starts.period_start_date
where
    decided.newest_rank = 1
    and decided.period_end_date >= known_days.first_cost_date
    and (decided.period_start_date <= known_days.last_cost_date or forecast_starts.period_start_date is not null)
