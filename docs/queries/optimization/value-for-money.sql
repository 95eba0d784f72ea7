-- Question: Which features bring more than they cost?
-- Look for: value below cost; a null value means that no outcome says what it is worth.
-- Tables: finops.mart_unit_economics_daily
select
    team,
    feature,
    sum(effective_cost_usd) as effective_cost_usd,
    sum(outcome_value_usd) as outcome_value_usd,
    sum(outcome_value_usd) - sum(effective_cost_usd) as difference_usd
from finops.mart_unit_economics_daily
group by all
order by difference_usd nulls last;
