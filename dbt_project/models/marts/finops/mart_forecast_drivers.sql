-- Why it will cost that much: requests x tokens per request x price per token of each month ahead.
with

forecast_drivers as (
    select * from {{ ref('stg_forecasting__drivers') }}
    where scenario <> 'backtest'
),

latest as (
    select max(cutoff_date) as cutoff_date
    from forecast_drivers
    where scenario = 'base'
)

select
    -- ids
    forecast_drivers.series_id,
    -- strings
    forecast_drivers.dimension_name,
    forecast_drivers.dimension_value,
    forecast_drivers.scenario,
    -- numerics
    cast(round(forecast_drivers.forecast_requests) as bigint) as forecast_request_count,
    forecast_drivers.tokens_per_request,
    cast(forecast_drivers.usd_per_mtok as {{ money_type() }}) as effective_usd_per_mtok,
    forecast_drivers.forecast_cost_usd,
    -- dates
    forecast_drivers.cutoff_date,
    forecast_drivers.period_start_date as cost_month
from forecast_drivers
inner join latest
    on forecast_drivers.cutoff_date = latest.cutoff_date
