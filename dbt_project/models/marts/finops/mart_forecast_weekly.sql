-- What a week was expected to cost, as forecast before its Monday: by the youngest cutoff that saw none of its days.
with

forecast_days as (
    select
        *,
        cast(date_trunc('week', cost_date) as date) as week_start_date
    from {{ ref('stg_forecasting__days') }}
    where
        model_name = '{{ var("shipped_forecast_model") }}'
        and scenario in ('base', 'backtest')
),

before_the_week as (
    select
        *,
        -- What was made before the fact goes before what was made afterwards from the same days.
        dense_rank() over (
            partition by series_id, week_start_date order by cutoff_date desc, case scenario when 'base' then 0 else 1 end
        ) as age_rank
    from forecast_days
    where cutoff_date < week_start_date
)

select
    -- ids
    series_id,
    -- strings
    dimension_name,
    dimension_value,
    scenario,
    -- numerics
    cast(count(*) as bigint) as day_count,
    cast(sum(forecast_cost_usd) as {{ money_type() }}) as forecast_cost_usd,
    cast(sum(p05_cost_usd) as {{ money_type() }}) as lower_cost_usd,
    cast(sum(p95_cost_usd) as {{ money_type() }}) as upper_cost_usd,
    -- booleans
    scenario = 'base' as is_before_the_fact,
    -- dates
    cutoff_date,
    week_start_date
from before_the_week
where age_rank = 1
group by series_id, dimension_name, dimension_value, scenario, cutoff_date, week_start_date
having count(*) = 7
