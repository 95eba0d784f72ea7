-- Of each cutoff the latest load counts, with all of its scenarios: a forecast that was made again from restated days replaces the earlier one.
with

forecast_drivers as (
    select * from {{ source('lake', 'forecast_drivers') }}
),

latest_loads as (
    select
        cutoff_date,
        scenario = 'backtest' as is_backtest,
        max(_load_id) as load_id
    from forecast_drivers
    group by cutoff_date, scenario = 'backtest'
)

select
    forecast_drivers.series_id,
    forecast_drivers._load_id as load_id,
    forecast_drivers.dimension_name,
    forecast_drivers.dimension_value,
    forecast_drivers.scenario,
    cast(forecast_drivers.forecast_requests as double) as forecast_requests,
    cast(forecast_drivers.tokens_per_request as double) as tokens_per_request,
    cast(forecast_drivers.usd_per_mtok as double) as usd_per_mtok,
    cast(forecast_drivers.forecast_cost_usd as {{ money_type() }}) as forecast_cost_usd,
    forecast_drivers.cutoff_date,
    forecast_drivers.period_start_date
from forecast_drivers
inner join latest_loads
    on forecast_drivers.cutoff_date = latest_loads.cutoff_date
    and (forecast_drivers.scenario = 'backtest') = latest_loads.is_backtest
    and forecast_drivers._load_id = latest_loads.load_id
