-- Coherence: on every forecast day and in every scenario the points of each dimension are the total's, to the last decimal.
with

forecast_days as (
    select * from {{ ref('mart_forecast_daily') }}
    where is_shipped_model
),

dimensions as (
    select distinct dimension_name
    from forecast_days
    where dimension_name not in ('total', 'budget')
),

totals as (
    select scenario, cost_date, forecast_cost_usd
    from forecast_days
    where dimension_name = 'total'
),

parts as (
    select dimension_name, scenario, cost_date, sum(forecast_cost_usd) as forecast_cost_usd
    from forecast_days
    group by dimension_name, scenario, cost_date
)

select totals.*, dimensions.dimension_name, parts.forecast_cost_usd as parts_cost_usd
from totals
cross join dimensions
left join parts
    on dimensions.dimension_name = parts.dimension_name
    and totals.scenario = parts.scenario
    and totals.cost_date = parts.cost_date
where parts.forecast_cost_usd is null or parts.forecast_cost_usd <> totals.forecast_cost_usd
