-- Days that left the 90 % interval of the latest forecast that was made without them.
with

forecast_days as (
    select * from {{ ref('stg_forecasting__days') }}
    where model_name = '{{ var("shipped_forecast_model") }}' and scenario in ('base', 'backtest')
),

series_costs as (
    select * from {{ ref('int_series_costs_daily') }}
),

-- A forecast is only made from a mature day on, so every day up to the latest cutoff is mature.
mature as (
    select max(cutoff_date) as last_mature_date from forecast_days where scenario = 'base'
),

ranked as (
    select
        forecast_days.*,
        mature.last_mature_date,
        -- Of forecasts of one cutoff, the one made before the fact goes first.
        row_number() over (
            partition by forecast_days.series_id, forecast_days.cost_date
            order by forecast_days.cutoff_date desc, forecast_days.scenario desc
        ) as age_rank
    from forecast_days
    cross join mature
    where forecast_days.cost_date > cast({{ dbt.dateadd('day', -anomaly_days(), 'mature.last_mature_date') }} as date)
),

judged as (
    select
        ranked.*,
        -- A day without cost has no row. One that is not mature may still be incomplete: only too much is judged of it.
        case
            when ranked.cost_date <= ranked.last_mature_date then coalesce(series_costs.effective_cost_usd, 0)
            else series_costs.effective_cost_usd
        end as actual_cost_usd
    from ranked
    left join series_costs
        on ranked.series_id = series_costs.series_id
        and ranked.cost_date = series_costs.cost_date
    where ranked.age_rank = 1
),

outside as (
    select
        judged.*,
        case
            when actual_cost_usd > p95_cost_usd then 'above'
            when actual_cost_usd < p05_cost_usd and cost_date <= last_mature_date then 'below'
        end as direction
    from judged
),

anomalies as (
    select
        outside.*,
        {{ dbt.datediff('last_mature_date', 'cost_date', 'day') }}
        - row_number() over (partition by series_id, direction order by cost_date) as island
    from outside
    where direction is not null
)

select
    series_id,
    dimension_name,
    dimension_value,
    direction,
    actual_cost_usd,
    p50_cost_usd as expected_cost_usd,
    p05_cost_usd as lower_cost_usd,
    p95_cost_usd as upper_cost_usd,
    case direction when 'above' then actual_cost_usd - p95_cost_usd else p05_cost_usd - actual_cost_usd end as outside_cost_usd,
    row_number() over (partition by series_id, direction, island order by cost_date) as streak_days,
    cutoff_date,
    cost_date
from anomalies
