-- How fast each budget burns: what is spent so far, and where the forecast takes it.
with

budget_periods as (
    select * from {{ ref('int_budget_periods') }}
),

dates as (
    select * from {{ ref('dim_dates') }}
),

series_costs as (
    select * from {{ ref('int_series_costs_daily') }}
),

forecast_periods as (
    select * from {{ ref('stg_forecasting__periods') }}
    where scenario = 'base' and period_name = 'to_date' and model_name = '{{ var("shipped_forecast_model") }}'
),

latest as (
    select max(cutoff_date) as cutoff_date from forecast_periods
),

budget_days as (
    select
        budget_periods.*,
        dates.date_day as burn_date,
        {{ dbt.datediff('budget_periods.period_start_date', 'dates.date_day', 'day') }} + 1 as day_number,
        dates.date_day > budget_periods.last_cost_date as is_forecast,
        case
            when budget_periods.is_known_scope then coalesce(series_costs.effective_cost_usd, 0)
        end as effective_cost_usd
    from budget_periods
    inner join dates
        on dates.date_day between budget_periods.period_start_date and budget_periods.period_end_date
    left join series_costs
        on budget_periods.series_id = series_costs.series_id
        and dates.date_day = series_costs.cost_date
),

cumulated as (
    select
        budget_days.*,
        -- From the last known day on, this stays at what is spent.
        sum(effective_cost_usd) over (
            partition by budget_id, period_start_date order by burn_date rows unbounded preceding
        ) as spent_usd
    from budget_days
),

with_forecast as (
    select
        cumulated.*,
        {% for per_cent in [10, 50, 90] -%}
        -- What is already spent cannot be forecast away; the days between the cutoff and today are estimates.
        case
            when not cumulated.is_forecast or forecast_periods.{{ total_column(per_cent) }} is null then null
            else greatest(forecast_periods.{{ total_column(per_cent) }}, cumulated.spent_usd)
        end as forecast_p{{ per_cent }}_usd{{ ',' if not loop.last }}
        {% endfor %}
    from cumulated
    cross join latest
    left join forecast_periods
        on cumulated.series_id = forecast_periods.series_id
        and cumulated.period_start_date = forecast_periods.period_start_date
        and cumulated.burn_date = forecast_periods.period_end_date
        and latest.cutoff_date = forecast_periods.cutoff_date
)

select
    -- ids
    budget_id,
    series_id,
    -- strings
    budget_name,
    -- numerics
    budget_usd,
    case when not is_forecast then cast(effective_cost_usd as {{ money_type() }}) end as effective_cost_usd,
    case when not is_forecast then cast(spent_usd as {{ money_type() }}) end as spent_usd,
    cast(cast(budget_usd as double) * day_number / days_in_period as {{ money_type() }}) as ideal_spent_usd,
    case when not is_forecast then cast(budget_usd - spent_usd as {{ money_type() }}) end as remaining_usd,
    cast(forecast_p10_usd as {{ money_type() }}) as forecast_p10_usd,
    cast(forecast_p50_usd as {{ money_type() }}) as forecast_p50_usd,
    cast(forecast_p90_usd as {{ money_type() }}) as forecast_p90_usd,
    -- booleans
    is_hard_cap,
    is_forecast,
    -- dates
    period_start_date,
    period_end_date,
    burn_date
from with_forecast
