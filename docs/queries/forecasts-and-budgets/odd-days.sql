-- Question: On which days did spend leave its forecast, and what explains most of it?
-- Look for: long streaks, and anomalies whose explained part is most of the excess.
-- Tables: finops.mart_cost_anomalies
select
    cost_date,
    dimension_name,
    dimension_value,
    anomaly_kind,
    direction,
    actual_cost_usd,
    expected_cost_usd,
    excess_cost_usd,
    explained_by,
    explained_value,
    explained_cost_usd,
    streak_days
from finops.mart_cost_anomalies
order by cost_date desc, abs(excess_cost_usd) desc nulls last
limit 50;
