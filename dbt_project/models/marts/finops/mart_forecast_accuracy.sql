-- How right were we: stored forecasts against the days that have matured since.
with

forecast_days as (
    select * from {{ ref('stg_forecasting__days') }}
    where scenario in ('base', 'backtest')
),

forecast_errors as (
    select * from {{ ref('int_forecast_errors') }}
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

-- Skill compares the same cutoffs: what a model and a baseline that both made a forecast missed by.
compared as (
    select
        forecast_errors.*,
        case when forecast_errors.days_absolute_error_usd is not null then forecast_errors.actual_total_usd end as days_actual_usd,
        case when forecast_errors.total_pinball_loss_usd is not null then forecast_errors.actual_total_usd end as quantiles_actual_usd,
        {%- for name in ['naive', 'run_rate'] %}
        {%- for error in ['days_absolute_error_usd', 'total_absolute_error_usd'] %}
        case when {{ name }}.{{ error }} is not null then forecast_errors.{{ error }} end as {{ error }}_beside_{{ name }},
        case when forecast_errors.{{ error }} is not null then {{ name }}.{{ error }} end as {{ error }}_of_{{ name }},
        {%- endfor %}
        {%- endfor %}
        forecast_errors.cutoff_date as scored_cutoff_date
    from forecast_errors
    {%- for name, model in {'naive': 'seasonal_naive', 'run_rate': 'mean_28d'}.items() %}
    left join forecast_errors as {{ name }}
        on {{ name }}.model_name = '{{ model }}'
        and forecast_errors.series_id = {{ name }}.series_id
        and forecast_errors.scenario = {{ name }}.scenario
        and forecast_errors.cutoff_date = {{ name }}.cutoff_date
        and forecast_errors.horizon_days = {{ name }}.horizon_days
    {%- endfor %}
),

-- Nothing can be put in relation to a spend that is zero or, by credits, below it.
sums as (
    select
        series_id,
        model_name,
        scenario,
        horizon_days,
        count(*) as cutoff_count,
        count(days_absolute_error_usd) * horizon_days as scored_days,
        nullif(greatest(sum(days_actual_usd), 0), 0) as days_actual_usd,
        nullif(greatest(sum(actual_total_usd), 0), 0) as actual_total_usd,
        nullif(greatest(sum(quantiles_actual_usd), 0), 0) as quantiles_actual_usd,
        sum(forecast_total_usd) as forecast_total_usd,
        sum(days_absolute_error_usd) as days_absolute_error_usd,
        sum(total_absolute_error_usd) as total_absolute_error_usd,
        sum(covered_80_days) as covered_80_days,
        sum(covered_90_days) as covered_90_days,
        sum(days_pinball_loss_usd) as days_pinball_loss_usd,
        sum(total_pinball_loss_usd) as total_pinball_loss_usd,
        avg(mase_ratio) as mase_ratio,
        avg(is_total_covered_80) as total_coverage_80_ratio,
        avg(is_total_covered_90) as total_coverage_90_ratio,
        {%- for name in ['naive', 'run_rate'] %}
        1 - sum(days_absolute_error_usd_beside_{{ name }}) / nullif(sum(days_absolute_error_usd_of_{{ name }}), 0) as skill_vs_{{ name }}_ratio,
        1 - sum(total_absolute_error_usd_beside_{{ name }}) / nullif(sum(total_absolute_error_usd_of_{{ name }}), 0) as total_skill_vs_{{ name }}_ratio
        {{- ',' if not loop.last }}
        {%- endfor %}
    from compared
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
    cast(coalesce(sums.cutoff_count, 0) as bigint) as cutoff_count,
    sums.days_absolute_error_usd / sums.days_actual_usd as wape_ratio,
    1 - sums.days_absolute_error_usd / sums.days_actual_usd as accuracy_ratio,
    (sums.forecast_total_usd - sums.actual_total_usd) / sums.actual_total_usd as bias_ratio,
    sums.mase_ratio,
    cast(sums.covered_80_days as double) / nullif(sums.scored_days, 0) as coverage_80_ratio,
    cast(sums.covered_90_days as double) / nullif(sums.scored_days, 0) as coverage_90_ratio,
    sums.days_pinball_loss_usd / sums.days_actual_usd as pinball_ratio,
    sums.skill_vs_naive_ratio,
    sums.skill_vs_run_rate_ratio,
    sums.total_absolute_error_usd / sums.actual_total_usd as total_wape_ratio,
    1 - sums.total_absolute_error_usd / sums.actual_total_usd as total_accuracy_ratio,
    sums.total_coverage_80_ratio,
    sums.total_coverage_90_ratio,
    sums.total_pinball_loss_usd / sums.quantiles_actual_usd as total_pinball_ratio,
    sums.total_skill_vs_naive_ratio,
    sums.total_skill_vs_run_rate_ratio,
    -- booleans
    scored_series.model_name = '{{ var("shipped_forecast_model") }}' as is_shipped_model,
    scored_series.scenario = 'base' as is_before_the_fact
from scored_series
left join sums
    on scored_series.series_id = sums.series_id
    and scored_series.model_name = sums.model_name
    and scored_series.scenario = sums.scenario
    and scored_series.horizon_days = sums.horizon_days
