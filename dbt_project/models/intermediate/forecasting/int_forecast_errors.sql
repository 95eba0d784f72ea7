-- What each stored forecast missed by, over each horizon that has matured: its days, and the total of its days.
{%- set horizons = [7, 30, 90, 365] %}
{%- set total_levels = {} %}
{%- for per_cent in total_quantiles() %}{% do total_levels.update({'totals.' ~ total_column(per_cent): per_cent / 100}) %}{% endfor %}
with

forecast_days as (
    select * from {{ ref('stg_forecasting__days') }}
    where scenario in ('base', 'backtest')
),

forecast_totals as (
    select * from {{ ref('stg_forecasting__periods') }}
    where scenario in ('base', 'backtest') and period_name = 'days_ahead'
),

forecast_series as (
    select * from {{ ref('stg_forecasting__series') }}
),

series_costs as (
    select * from {{ ref('int_series_costs_daily') }}
),

dates as (
    select * from {{ ref('dim_dates') }}
),

-- A forecast is only made from a mature day on, so every day up to the latest cutoff is mature. Forecasts that are older than the longest
-- horizon and half a year more are history: scoring must not grow with it for ever.
mature as (
    select
        max(cutoff_date) as last_mature_date,
        cast({{ dbt.dateadd('day', -var('scored_cutoff_days', 548), 'max(cutoff_date)') }} as date) as first_scored_date
    from forecast_days
    where scenario = 'base'
),

horizons as (
    {% for horizon in horizons -%}
    select {{ horizon }} as horizon_days
    {% if not loop.last %}union all
    {% endif %}
    {%- endfor %}
),

-- Every day from the first cost on, also those without.
first_days as (
    select series_id, min(cost_date) as first_cost_date
    from series_costs
    group by series_id
),

actual_days as (
    select
        first_days.series_id,
        dates.date_day as cost_date,
        sum(coalesce(series_costs.effective_cost_usd, 0)) over (
            partition by first_days.series_id order by dates.date_day rows unbounded preceding
        ) as cumulated_cost_usd
    from first_days
    cross join mature
    inner join dates
        on dates.date_day between first_days.first_cost_date and mature.last_mature_date
    left join series_costs
        on first_days.series_id = series_costs.series_id
        and dates.date_day = series_costs.cost_date
),

matured_days as (
    select
        forecast_days.series_id,
        forecast_days.model_name,
        forecast_days.scenario,
        forecast_days.cutoff_date,
        horizons.horizon_days,
        forecast_days.forecast_cost_usd,
        coalesce(series_costs.effective_cost_usd, 0) as actual_day_usd,
        {% for column in day_quantiles() -%}
        forecast_days.{{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from forecast_days
    cross join mature
    inner join horizons
        on {{ dbt.datediff('forecast_days.cutoff_date', 'forecast_days.cost_date', 'day') }} <= horizons.horizon_days
        and {{ dbt.datediff('forecast_days.cutoff_date', 'mature.last_mature_date', 'day') }} >= horizons.horizon_days
    left join series_costs
        on forecast_days.series_id = series_costs.series_id
        and forecast_days.cost_date = series_costs.cost_date
    where forecast_days.cutoff_date >= mature.first_scored_date
),

-- Only whole horizons are scored: half of a 90-day forecast says nothing about 90 days. Days far ahead are not stored of every model.
day_scores as (
    select
        series_id,
        model_name,
        scenario,
        cutoff_date,
        horizon_days,
        sum(forecast_cost_usd) as forecast_cost_usd,
        sum(abs(forecast_cost_usd - actual_day_usd)) as absolute_error_usd,
        sum({{ is_within('actual_day_usd', 'lower_cost_usd', 'upper_cost_usd') }}) as covered_80_days,
        sum({{ is_within('actual_day_usd', 'p05_cost_usd', 'p95_cost_usd') }}) as covered_90_days,
        sum(cast({{ mean_pinball_loss('actual_day_usd', day_quantiles()) }} as double)) as pinball_loss
    from matured_days
    group by series_id, model_name, scenario, cutoff_date, horizon_days
    having count(*) = horizon_days
),

totals as (
    select
        forecast_totals.*,
        {{ dbt.datediff('forecast_totals.cutoff_date', 'forecast_totals.period_end_date', 'day') }} as horizon_days
    from forecast_totals
    cross join mature
    where
        forecast_totals.period_end_date <= mature.last_mature_date
        and forecast_totals.cutoff_date >= mature.first_scored_date
),

scored as (
    select series_id, model_name, scenario, cutoff_date, horizon_days from day_scores
    union
    select series_id, model_name, scenario, cutoff_date, horizon_days from totals
    where horizon_days in ({{ horizons | join(', ') }})
),

actual_totals as (
    select
        scored.*,
        coalesce(last_days.cumulated_cost_usd, 0) - coalesce(cutoff_days.cumulated_cost_usd, 0) as actual_total_usd
    from scored
    left join actual_days as last_days
        on scored.series_id = last_days.series_id
        and last_days.cost_date = cast({{ dbt.dateadd('day', 'scored.horizon_days', 'scored.cutoff_date') }} as date)
    left join actual_days as cutoff_days
        on scored.series_id = cutoff_days.series_id
        and scored.cutoff_date = cutoff_days.cost_date
)

select
    actual_totals.series_id,
    actual_totals.model_name,
    actual_totals.scenario,
    actual_totals.horizon_days,
    cast(actual_totals.actual_total_usd as double) as actual_total_usd,
    -- The points of the days, or, where these are not stored, the median of the total.
    cast(coalesce(day_scores.forecast_cost_usd, totals.total_p50_usd) as double) as forecast_total_usd,
    cast(day_scores.absolute_error_usd as double) as days_absolute_error_usd,
    cast(day_scores.absolute_error_usd as double)
    / (actual_totals.horizon_days * cast(nullif(forecast_series.mase_scale_usd, 0) as double)) as mase_ratio,
    day_scores.covered_80_days,
    day_scores.covered_90_days,
    day_scores.pinball_loss as days_pinball_loss_usd,
    cast(abs(coalesce(totals.total_p50_usd, day_scores.forecast_cost_usd) - actual_totals.actual_total_usd) as double) as total_absolute_error_usd,
    {{ is_within('actual_totals.actual_total_usd', 'totals.total_p10_usd', 'totals.total_p90_usd') }} as is_total_covered_80,
    {{ is_within('actual_totals.actual_total_usd', 'totals.total_p05_usd', 'totals.total_p95_usd') }} as is_total_covered_90,
    cast({{ mean_pinball_loss('actual_totals.actual_total_usd', total_levels) }} as double) as total_pinball_loss_usd,
    actual_totals.cutoff_date
from actual_totals
left join day_scores
    on actual_totals.series_id = day_scores.series_id
    and actual_totals.model_name = day_scores.model_name
    and actual_totals.scenario = day_scores.scenario
    and actual_totals.cutoff_date = day_scores.cutoff_date
    and actual_totals.horizon_days = day_scores.horizon_days
left join totals
    on actual_totals.series_id = totals.series_id
    and actual_totals.model_name = totals.model_name
    and actual_totals.scenario = totals.scenario
    and actual_totals.cutoff_date = totals.cutoff_date
    and actual_totals.horizon_days = totals.horizon_days
left join forecast_series
    on actual_totals.series_id = forecast_series.series_id
    and actual_totals.scenario = forecast_series.scenario
    and actual_totals.cutoff_date = forecast_series.cutoff_date
