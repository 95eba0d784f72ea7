-- Every KPI of every day and scope, with how much of it was priced, attributed, matched to a bill, and mature. A KPI that does not know is null.
with

cost_kpis as (
    select * from {{ ref('int_cost_kpis_daily') }}
),

model_efficiency as (
    select * from {{ ref('int_model_efficiency_daily') }}
),

-- Of the forecast that is shown, as stored before the fact; by horizon for the total, by series and horizon for the others.
forecast_accuracy as (
    select * from {{ ref('mart_forecast_accuracy') }}
    where is_shipped_model and is_before_the_fact and horizon_days in (30, 90, 365)
),

-- As each day assessed the budgets that were running then.
budget_status as (
    select * from {{ ref('mart_budget_status') }}
    where assessment_date between period_start_date and period_end_date
),

last_day as (
    select max(kpi_date) as kpi_date from cost_kpis
),

forecast_kpis as (
    select
        case when forecast_accuracy.series_id = 'total' then 'horizon_days' else 'series_horizon_days' end as dimension_name,
        case
            when forecast_accuracy.series_id = 'total' then cast(forecast_accuracy.horizon_days as varchar)
            else concat(forecast_accuracy.series_id, '|', cast(forecast_accuracy.horizon_days as varchar))
        end as dimension_value,
        cast(forecast_accuracy.accuracy_ratio as decimal(38, 12)) as kpi_value,
        last_day.kpi_date
    from forecast_accuracy
    cross join last_day
),

budget_kpis as (
    select 'budget_burn_ratio' as kpi_name, 'budget' as dimension_name, budget_id as dimension_value, budget_burn_ratio as kpi_value,
        spent_usd as numerator, budget_usd as denominator, assessment_date as kpi_date
    from budget_status
    {% for level in ['p10', 'p50', 'p90'] -%}
    union all
    select
        'headroom', 'budget_{{ level }}', budget_id, headroom_{{ level }}_ratio,
        -- Of a commitment, what is spent beyond it.
        case when budget_kind = 'commitment' then projected_{{ level }}_usd - budget_usd else budget_usd - projected_{{ level }}_usd end,
        budget_usd, assessment_date
    from budget_status
    {% endfor %}
),

unioned as (
    select
        kpi_name, dimension_name, dimension_value, unit, kpi_value, numerator, denominator,
        priced_ratio, attributed_ratio, matched_ratio, is_mature, kpi_date
    from cost_kpis
    union all
    select
        'model_efficiency', 'feature_model', feature_model, 'usd_per_quality_adjusted_request',
        {{ ratio('effective_cost_usd', 'scored_request_count * nullif(mean_quality_score, 0)') }},
        effective_cost_usd,
        cast(scored_request_count * mean_quality_score as {{ money_type() }}),
        cast(priced_ratio as decimal(38, 12)), cast(attributed_ratio as decimal(38, 12)), cast(matched_ratio as decimal(38, 12)),
        is_mature, kpi_date
    from model_efficiency
    union all
    select 'forecast_accuracy', dimension_name, dimension_value, 'ratio', kpi_value, null, null, null, null, null, true, kpi_date
    from forecast_kpis
    union all
    select
        kpi_name, dimension_name, dimension_value, 'ratio', cast(kpi_value as decimal(38, 12)), numerator, denominator,
        null, null, null, false, kpi_date
    from budget_kpis
)

select
    kpi_name,
    dimension_name,
    dimension_value,
    unit,
    kpi_value,
    numerator,
    denominator,
    priced_ratio,
    attributed_ratio,
    matched_ratio,
    coalesce(is_mature, false) as is_mature,
    kpi_date
from unioned
