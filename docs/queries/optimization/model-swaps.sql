-- Question: Which features would be cheaper on another model, and what must that model reach?
-- Look for: `test first` with a break-even success rate well below today's.
-- Tables: finops.mart_model_swaps
select
    feature,
    model_id,
    candidate_model_id,
    verdict,
    current_cost_usd_per_month,
    saving_usd_per_month,
    saving_lower_usd_per_month,
    saving_upper_usd_per_month,
    current_success_rate,
    candidate_success_rate,
    candidate_outcome_count,
    break_even_success_rate,
    finding
from finops.mart_model_swaps
where saving_usd_per_month > 0
order by saving_usd_per_month desc
limit 50;
