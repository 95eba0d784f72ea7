-- Question: Which workloads lack a team, a feature or an environment, largest first?
-- Look for: what tells them apart (key, project, service): that is the pattern of a rule.
-- Tables: core.fct_cost_ledger, core.dim_workloads
with unattributed as (
    select workload_id, sum(effective_cost_usd) as effective_cost_usd, max(usage_date) as last_date
    from core.fct_cost_ledger
    where 'unattributed' in (team, feature, environment)
    group by all
)

select
    unattributed.effective_cost_usd,
    unattributed.last_date,
    dim_workloads.*
from unattributed
-- Billed lines that match nothing have no workload.
left join core.dim_workloads on unattributed.workload_id = dim_workloads.workload_id
order by unattributed.effective_cost_usd desc
limit 50;
