-- What will be spent each day, within what range, as forecast from the latest mature day on, in every scenario.
with

forecast_days as (
    select * from {{ ref('stg_forecasting__days') }}
    where scenario <> 'backtest'
),

forecast_series as (
    select * from {{ ref('stg_forecasting__series') }}
    where scenario = 'base'
),

nowcasts as (
    select * from {{ ref('stg_forecasting__nowcasts') }}
),

series_costs as (
    select * from {{ ref('int_series_costs_daily') }}
),

latest as (
    select max(cutoff_date) as cutoff_date
    from forecast_days
    where scenario = 'base'
)

select
    -- ids
    forecast_days.series_id,
    -- strings
    forecast_days.dimension_name,
    forecast_days.dimension_value,
    forecast_days.model_name,
    forecast_days.scenario,
    forecast_series.series_kind,
    forecast_series.confidence,
    -- numerics
    series_costs.effective_cost_usd as actual_cost_usd,
    nowcasts.nowcast_cost_usd,
    forecast_days.forecast_cost_usd,
    forecast_days.lower_cost_usd,
    forecast_days.upper_cost_usd,
    forecast_days.p05_cost_usd,
    forecast_days.p50_cost_usd,
    forecast_days.p95_cost_usd,
    -- booleans
    forecast_days.model_name = '{{ var("shipped_forecast_model") }}' as is_shipped_model,
    nowcasts.series_id is not null as is_nowcast,
    -- dates
    forecast_days.cutoff_date,
    forecast_days.cost_date
from forecast_days
inner join latest
    on forecast_days.cutoff_date = latest.cutoff_date
left join forecast_series
    on forecast_days.series_id = forecast_series.series_id
    and forecast_days.cutoff_date = forecast_series.cutoff_date
left join nowcasts
    on forecast_days.series_id = nowcasts.series_id
    and forecast_days.cutoff_date = nowcasts.cutoff_date
    and forecast_days.cost_date = nowcasts.cost_date
left join series_costs
    on forecast_days.series_id = series_costs.series_id
    and forecast_days.cost_date = series_costs.cost_date
