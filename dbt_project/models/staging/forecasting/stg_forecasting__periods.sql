-- Of each cutoff the latest load counts, with all of its scenarios: a forecast that was made again from restated days replaces the earlier one.
with

forecast_periods as (
    select * from {{ source('lake', 'forecast_periods') }}
),

latest_loads as (
    select
        cutoff_date,
        scenario = 'backtest' as is_backtest,
        max(_load_id) as load_id
    from forecast_periods
    group by cutoff_date, scenario = 'backtest'
)

select
    forecast_periods.series_id,
    forecast_periods._load_id as load_id,
    forecast_periods.dimension_name,
    forecast_periods.dimension_value,
    forecast_periods.period_name,
    forecast_periods.model_name,
    forecast_periods.scenario,
    cast(forecast_periods.actual_to_cutoff_usd as {{ money_type() }}) as actual_to_cutoff_usd,
    {% for per_cent in total_quantiles() -%}
    cast(forecast_periods.{{ total_column(per_cent) }} as {{ money_type() }}) as {{ total_column(per_cent) }},
    {% endfor -%}
    forecast_periods.cutoff_date,
    forecast_periods.period_start_date,
    forecast_periods.period_end_date
from forecast_periods
inner join latest_loads
    on forecast_periods.cutoff_date = latest_loads.cutoff_date
    and (forecast_periods.scenario = 'backtest') = latest_loads.is_backtest
    and forecast_periods._load_id = latest_loads.load_id
