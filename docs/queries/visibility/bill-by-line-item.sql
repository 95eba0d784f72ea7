-- Question: What is on the bill beside tokens: searches, storage, credits, taxes?
-- Look for: categories other than Usage, and descriptions without a model.
-- Tables: core.fct_provider_charges
select
    provider_name,
    charge_category,
    charge_description,
    count(*) as line_count,
    sum(billed_cost_usd) as total_billed_cost_usd
from core.fct_provider_charges
group by all
order by abs(total_billed_cost_usd) desc
limit 50;
