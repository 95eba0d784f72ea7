-- Question: How right were past forecasts, at 30, 90 and 365 days?
-- Look for: coverage_80_ratio near 0.8 and a positive skill against naive; a null horizon has not matured.
-- Tables: finops.mart_forecast_accuracy
select
    horizon_days,
    cutoff_count,
    accuracy_ratio,
    total_accuracy_ratio,
    bias_ratio,
    coverage_80_ratio,
    total_coverage_80_ratio,
    skill_vs_naive_ratio,
    is_before_the_fact
from finops.mart_forecast_accuracy
where series_id = 'total' and is_shipped_model and horizon_days in (30, 90, 365)
order by is_before_the_fact desc, horizon_days;
