-- Question: On each feature, which model brings a success at the lowest cost, and which are beaten by another?
-- Look for: is_dominated with narrow intervals: another model is cheaper and no worse.
-- Tables: finops.mart_model_efficiency
select
    feature,
    provider_name,
    model_id,
    outcome_count,
    success_rate,
    success_rate_lower,
    success_rate_upper,
    cost_of_pass_usd,
    cost_of_pass_lower_usd,
    cost_of_pass_upper_usd,
    quality_adjusted_price_usd,
    is_on_frontier,
    is_dominated,
    dominated_by_model_id
from finops.mart_model_efficiency
order by feature, cost_of_pass_usd nulls last;
