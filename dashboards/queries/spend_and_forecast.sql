-- One row per month and scope (the company, or a team): what was spent, and what is still to come with its range.
-- A month that runs has both; its expected total is the spend up to the forecast's cutoff and the forecast after it.
with

spent as (
    select
        cast(date_trunc('month', usage_date) as date) as cost_month,
        team,
        usage_date,
        effective_cost_usd
    from finops.mart_spend_daily
),

spent_by_scope as (
    select 'total' as scope, cast(null as varchar) as team, cost_month, sum(effective_cost_usd) as spent_usd
    from spent
    group by cost_month
    union all
    select 'team', team, cost_month, sum(effective_cost_usd)
    from spent
    group by team, cost_month
),

forecast as (
    select
        dimension_name as scope,
        case when dimension_name = 'team' then dimension_value end as team,
        cost_month,
        forecast_cost_usd,
        total_p10_usd,
        total_p90_usd
    from finops.mart_forecast_monthly
    where is_shipped_model and scenario = 'base' and dimension_name in ('total', 'team')
),

joined as (
    select
        coalesce(spent_by_scope.scope, forecast.scope) as scope,
        coalesce(spent_by_scope.team, forecast.team) as team,
        spent_by_scope.spent_usd,
        -- The forecast of the running month holds what had been spent by its cutoff.
        case
            when forecast.forecast_cost_usd > coalesce(spent_by_scope.spent_usd, 0)
                then forecast.forecast_cost_usd - coalesce(spent_by_scope.spent_usd, 0)
        end as still_to_come_usd,
        coalesce(forecast.forecast_cost_usd, spent_by_scope.spent_usd) as expected_usd,
        forecast.total_p10_usd as expected_low_usd,
        forecast.total_p90_usd as expected_high_usd,
        coalesce(spent_by_scope.cost_month, forecast.cost_month) as cost_month
    from spent_by_scope
    full join forecast
        on spent_by_scope.scope = forecast.scope
        and spent_by_scope.team is not distinct from forecast.team
        and spent_by_scope.cost_month = forecast.cost_month
)

select * from joined
