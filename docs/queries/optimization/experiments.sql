-- Question: Which experiments have an answer, and how long must the others run?
-- Look for: a sample ratio mismatch makes an experiment invalid, whatever its p-value says.
-- Tables: finops.mart_experiments
select
    experiment_id,
    variant,
    status,
    verdict,
    primary_metric,
    unit_count,
    difference_success_rate,
    difference_cost_per_successful_outcome_usd,
    difference_cost_per_successful_outcome_lower_usd,
    difference_cost_per_successful_outcome_upper_usd,
    p_value,
    has_sample_ratio_mismatch,
    remaining_days,
    finding
from finops.mart_experiments
order by experiment_id, is_control desc, variant;
