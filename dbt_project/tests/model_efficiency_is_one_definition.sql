-- The quality-adjusted price of a feature and model over 90 days is the KPI `model_efficiency` of those days, added up as KPIs are. Estimates
-- are landed with twelve decimals.
with

last_day as (
    select max(assessment_date) as assessment_date from {{ ref('mart_model_efficiency') }}
),

kpis as (
    select
        kpis_daily.dimension_value,
        sum(kpis_daily.numerator) filter (where kpis_daily.denominator > 0) as cost_usd,
        sum(kpis_daily.denominator) as quality_points
    from {{ ref('mart_kpis_daily') }} as kpis_daily
    cross join last_day
    where
        kpis_daily.kpi_name = 'model_efficiency'
        and kpis_daily.kpi_date > last_day.assessment_date - 90
        and kpis_daily.kpi_date <= last_day.assessment_date
    group by kpis_daily.dimension_value
),

prices as (
    select
        concat(feature, '|', provider_name, '/', model_id) as dimension_value,
        quality_adjusted_price_usd
    from {{ ref('mart_model_efficiency') }}
    where quality_source = 'outcomes' and quality_adjusted_price_usd is not null
)

select
    prices.dimension_value,
    prices.quality_adjusted_price_usd,
    kpis.cost_usd,
    kpis.quality_points
from prices
left join kpis
    on prices.dimension_value = kpis.dimension_value
where
    kpis.cost_usd is null
    or abs(cast(prices.quality_adjusted_price_usd as double) * cast(kpis.quality_points as double) - cast(kpis.cost_usd as double))
    > 0.000001 * cast(kpis.cost_usd as double) + 0.000000001
