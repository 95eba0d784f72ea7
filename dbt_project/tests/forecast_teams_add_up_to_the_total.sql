-- Coherence: on every forecast day the teams' points are the total's, to the last decimal, in every model.
with

forecast_days as (
    select * from {{ ref('mart_forecast_daily') }}
),

sums as (
    select
        model_name,
        cost_date,
        sum(case when dimension_name = 'total' then forecast_cost_usd end) as total_cost_usd,
        sum(case when dimension_name = 'team' then forecast_cost_usd end) as team_cost_usd
    from forecast_days
    group by model_name, cost_date
)

select * from sums
where total_cost_usd <> team_cost_usd or total_cost_usd is null or team_cost_usd is null
