-- Of each cutoff the latest load counts, with all of its scenarios: a forecast that was made again from restated days replaces the earlier one.
with

forecast_days as (
    select * from {{ source('lake', 'forecast_days') }}
),

latest_loads as (
    select
        cutoff_date,
        scenario = 'backtest' as is_backtest,
        max(_load_id) as load_id
    from forecast_days
    group by cutoff_date, scenario = 'backtest'
)

select
    forecast_days.series_id,
    forecast_days._load_id as load_id,
    forecast_days.dimension_name,
    forecast_days.dimension_value,
    forecast_days.model_name,
    forecast_days.scenario,
    cast(forecast_days.forecast_cost_usd as {{ money_type() }}) as forecast_cost_usd,
    cast(forecast_days.lower_cost_usd as {{ money_type() }}) as lower_cost_usd,
    cast(forecast_days.upper_cost_usd as {{ money_type() }}) as upper_cost_usd,
    cast(forecast_days.p05_cost_usd as {{ money_type() }}) as p05_cost_usd,
    cast(forecast_days.p50_cost_usd as {{ money_type() }}) as p50_cost_usd,
    cast(forecast_days.p95_cost_usd as {{ money_type() }}) as p95_cost_usd,
    forecast_days.cutoff_date,
    forecast_days.cost_date
from forecast_days
inner join latest_loads
    on forecast_days.cutoff_date = latest_loads.cutoff_date
    and (forecast_days.scenario = 'backtest') = latest_loads.is_backtest
    and forecast_days._load_id = latest_loads.load_id
