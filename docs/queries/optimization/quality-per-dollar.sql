-- Question: What does each model of a feature cost per request of full quality?
-- Look for: the same feature on two models: the lower value is the better buy, if both have many scored requests.
-- Tables: finops.mart_kpis_daily
select
    dimension_value as feature_and_model,
    sum(numerator) as scored_cost_usd,
    sum(denominator) as quality_points,
    sum(numerator) / nullif(sum(denominator), 0) as quality_adjusted_cost_per_request_usd
from finops.mart_kpis_daily
where kpi_name = 'model_efficiency'
group by all
having sum(denominator) >= 20
order by feature_and_model;
