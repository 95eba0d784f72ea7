-- Every KPI of every day and scope, with how much of it was priced, attributed, matched to a bill, and mature. A KPI that does not know is null.
with

cost_kpis as (
    select * from {{ ref('int_cost_kpis_daily') }}
),

model_efficiency as (
    select * from {{ ref('int_model_efficiency_daily') }}
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
