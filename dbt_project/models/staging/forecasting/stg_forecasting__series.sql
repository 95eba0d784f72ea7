-- Of each cutoff the latest load counts, with all of its scenarios: a forecast that was made again from restated days replaces the earlier one.
with

forecast_series as (
    select * from {{ source('lake', 'forecast_series') }}
),

latest_loads as (
    select
        cutoff_date,
        scenario = 'backtest' as is_backtest,
        max(_load_id) as load_id
    from forecast_series
    group by cutoff_date, scenario = 'backtest'
)

select
    forecast_series.series_id,
    forecast_series._load_id as load_id,
    forecast_series.dimension_name,
    forecast_series.dimension_value,
    forecast_series.scenario,
    forecast_series.series_kind,
    forecast_series.confidence,
    forecast_series.weights_json,
    forecast_series.selection_reason,
    forecast_series.history_days,
    cast(forecast_series.mase_scale_usd as {{ money_type() }}) as mase_scale_usd,
    forecast_series.cutoff_date,
    forecast_series.first_cost_date
from forecast_series
inner join latest_loads
    on forecast_series.cutoff_date = latest_loads.cutoff_date
    and (forecast_series.scenario = 'backtest') = latest_loads.is_backtest
    and forecast_series._load_id = latest_loads.load_id
