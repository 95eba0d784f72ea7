-- Invariant 6, for KPIs: without a denominator, or without a numerator, there is no value.
select *
from {{ ref('mart_kpis_daily') }}
where
    (kpi_value is not null and (denominator is null or denominator = 0 or numerator is null))
    or (kpi_value is null and numerator is not null and denominator <> 0)
