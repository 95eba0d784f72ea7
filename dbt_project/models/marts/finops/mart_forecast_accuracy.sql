-- How right were we: stored forecasts against the days that have matured since.
with

forecast_days as (
    select * from {{ ref('stg_forecasting__days') }}
),

forecast_totals as (
    select * from {{ ref('stg_forecasting__periods') }}
    where period_name = 'days_ahead'
),

series_costs as (
    select * from {{ ref('int_series_costs_daily') }}
),

-- A forecast is only made from a mature day on, so every day up to the latest cutoff is mature.
mature as (
    select max(cutoff_date) as last_mature_date from forecast_days where scenario = 'base'
),

horizons as (
    select 7 as horizon_days
    union all
    select 30
    union all
    select 90
    union all
    select 365
),

scored_series as (
    select distinct
        forecast_days.series_id,
        forecast_days.dimension_name,
        forecast_days.dimension_value,
        forecast_days.model_name,
        forecast_days.scenario,
        horizons.horizon_days
    from forecast_days
    cross join horizons
),

-- Only whole horizons are scored: half of a 90-day forecast says nothing about 90 days.
matured_days as (
    select
        forecast_days.series_id,
        forecast_days.model_name,
        forecast_days.scenario,
        forecast_days.cutoff_date,
        horizons.horizon_days,
        forecast_days.forecast_cost_usd,
        coalesce(series_costs.effective_cost_usd, 0) as actual_cost_usd,
        case
            when coalesce(series_costs.effective_cost_usd, 0)
                between forecast_days.lower_cost_usd and forecast_days.upper_cost_usd then 1
            else 0
        end as is_covered
    from forecast_days
    cross join mature
    inner join horizons
        on {{ dbt.datediff('forecast_days.cutoff_date', 'forecast_days.cost_date', 'day') }} <= horizons.horizon_days
        and {{ dbt.datediff('forecast_days.cutoff_date', 'mature.last_mature_date', 'day') }} >= horizons.horizon_days
    left join series_costs
        on forecast_days.series_id = series_costs.series_id
        and forecast_days.cost_date = series_costs.cost_date
),

by_cutoff as (
    select
        series_id,
        model_name,
        scenario,
        cutoff_date,
        horizon_days,
        sum(forecast_cost_usd) as forecast_cost_usd,
        sum(actual_cost_usd) as actual_cost_usd,
        sum(abs(forecast_cost_usd - actual_cost_usd)) as absolute_error_usd,
        sum(is_covered) as covered_days,
        count(*) as scored_days
    from matured_days
    group by series_id, model_name, scenario, cutoff_date, horizon_days
),

cutoff_scores as (
    select
        by_cutoff.*,
        abs(by_cutoff.forecast_cost_usd - by_cutoff.actual_cost_usd) as total_error_usd,
        case
            when forecast_totals.total_p10_usd is null then null
            when by_cutoff.actual_cost_usd between forecast_totals.total_p10_usd and forecast_totals.total_p90_usd
                then 1
            else 0
        end as is_total_covered
    from by_cutoff
    left join forecast_totals
        on by_cutoff.series_id = forecast_totals.series_id
        and by_cutoff.model_name = forecast_totals.model_name
        and by_cutoff.scenario = forecast_totals.scenario
        and by_cutoff.cutoff_date = forecast_totals.cutoff_date
        and by_cutoff.horizon_days
            = {{ dbt.datediff('forecast_totals.cutoff_date', 'forecast_totals.period_end_date', 'day') }}
),

scores as (
    select
        series_id,
        model_name,
        scenario,
        horizon_days,
        count(*) as cutoff_count,
        sum(scored_days) as scored_days,
        cast(sum(absolute_error_usd) as double) as absolute_error,
        cast(sum(total_error_usd) as double) as total_error,
        cast(sum(forecast_cost_usd) as double) as forecast_cost,
        -- Nothing can be put in relation to a spend that is zero or, by credits, below it.
        cast(case when sum(actual_cost_usd) > 0 then sum(actual_cost_usd) end as double) as actual_cost,
        cast(sum(covered_days) as double) as covered_days,
        avg(is_total_covered) as total_coverage_ratio
    from cutoff_scores
    group by series_id, model_name, scenario, horizon_days
)

select
    -- ids
    scored_series.series_id,
    -- strings
    scored_series.dimension_name,
    scored_series.dimension_value,
    scored_series.model_name,
    scored_series.scenario,
    -- numerics
    scored_series.horizon_days,
    cast(coalesce(scores.cutoff_count, 0) as bigint) as cutoff_count,
    scores.absolute_error / scores.actual_cost as wape_ratio,
    1 - scores.absolute_error / scores.actual_cost as accuracy_ratio,
    (scores.forecast_cost - scores.actual_cost) / scores.actual_cost as bias_ratio,
    scores.covered_days / scores.scored_days as coverage_ratio,
    scores.total_error / scores.actual_cost as total_wape_ratio,
    1 - scores.total_error / scores.actual_cost as total_accuracy_ratio,
    scores.total_coverage_ratio,
    -- booleans
    scored_series.model_name = '{{ var("shipped_forecast_model") }}' as is_shipped_model,
    scored_series.scenario = 'base' as is_before_the_fact
from scored_series
left join scores
    on scored_series.series_id = scores.series_id
    and scored_series.model_name = scores.model_name
    and scored_series.scenario = scores.scenario
    and scored_series.horizon_days = scores.horizon_days
