-- Question: What is the latest known value of each KPI, and how far can it be trusted?
-- Look for: priced, attributed and matched ratios well below 1 next to a KPI.
-- Tables: finops.mart_kpis_daily
select
    kpi_name,
    dimension_value,
    unit,
    kpi_value,
    priced_ratio,
    attributed_ratio,
    matched_ratio,
    is_mature,
    kpi_date
from finops.mart_kpis_daily
where dimension_name in ('total', 'horizon_days', 'budget_p50', 'budget')
qualify kpi_date = max(kpi_date) filter (where kpi_value is not null) over (partition by kpi_name, dimension_value)
order by kpi_name, dimension_value;
