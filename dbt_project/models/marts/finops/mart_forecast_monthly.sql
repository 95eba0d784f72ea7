-- What each month will cost in every scenario: the days that are known, and the range of the month's total.
with

forecast_periods as (
    select * from {{ ref('stg_forecasting__periods') }}
    where scenario <> 'backtest' and period_name = 'month'
),

forecast_days as (
    select * from {{ ref('stg_forecasting__days') }}
    where scenario <> 'backtest'
),

latest as (
    select max(cutoff_date) as cutoff_date
    from forecast_days
    where scenario = 'base'
),

-- Points of days may be added up, their quantiles may not: those of the total come from the forecast's own paths.
month_points as (
    select
        forecast_days.series_id,
        forecast_days.model_name,
        forecast_days.scenario,
        forecast_periods.period_start_date,
        count(*) as forecast_day_count,
        sum(forecast_days.forecast_cost_usd) as remaining_cost_usd
    from forecast_days
    inner join latest
        on forecast_days.cutoff_date = latest.cutoff_date
    inner join forecast_periods
        on forecast_days.series_id = forecast_periods.series_id
        and forecast_days.model_name = forecast_periods.model_name
        and forecast_days.scenario = forecast_periods.scenario
        and forecast_days.cutoff_date = forecast_periods.cutoff_date
        and forecast_days.cost_date between forecast_periods.period_start_date and forecast_periods.period_end_date
    group by forecast_days.series_id, forecast_days.model_name, forecast_days.scenario, forecast_periods.period_start_date
)

select
    -- ids
    forecast_periods.series_id,
    -- strings
    forecast_periods.dimension_name,
    forecast_periods.dimension_value,
    forecast_periods.model_name,
    forecast_periods.scenario,
    -- numerics
    forecast_periods.actual_to_cutoff_usd,
    -- Of models that are only compared, days far ahead are not stored: half a month is no month.
    case
        when
            month_points.forecast_day_count
            = least(
                {{ dbt.datediff('forecast_periods.period_start_date', 'forecast_periods.period_end_date', 'day') }} + 1,
                {{ dbt.datediff('forecast_periods.cutoff_date', 'forecast_periods.period_end_date', 'day') }}
            )
            then cast(forecast_periods.actual_to_cutoff_usd + month_points.remaining_cost_usd as {{ money_type() }})
    end as forecast_cost_usd,
    {% for per_cent in [5, 10, 50, 90, 95] -%}
    forecast_periods.{{ total_column(per_cent) }},
    {% endfor -%}
    -- booleans
    forecast_periods.model_name = '{{ var("shipped_forecast_model") }}' as is_shipped_model,
    -- dates
    forecast_periods.cutoff_date,
    forecast_periods.period_start_date as cost_month
from forecast_periods
inner join latest
    on forecast_periods.cutoff_date = latest.cutoff_date
left join month_points
    on forecast_periods.series_id = month_points.series_id
    and forecast_periods.model_name = month_points.model_name
    and forecast_periods.scenario = month_points.scenario
    and forecast_periods.period_start_date = month_points.period_start_date
