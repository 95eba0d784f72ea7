-- Question: Which budgets will be passed, when, and how likely is it?
-- Look for: breach_date before period_end_date; hard caps first, since they stop requests.
-- Tables: finops.mart_budget_status
select
    budget_name,
    budget_kind,
    status,
    is_hard_cap,
    period_end_date,
    budget_usd,
    spent_usd,
    projected_p50_usd,
    headroom_p50_ratio,
    breach_probability,
    breach_date,
    driver_1
from finops.mart_budget_status
where is_latest and status <> 'ended'
order by breach_probability desc nulls last;
