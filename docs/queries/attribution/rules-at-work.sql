-- Question: Which attribution rules give owners to how much, and which have stopped matching?
-- Look for: a last_date long ago: the rule is dead, or the workload now has tags.
-- Tables: core.fct_cost_ledger
select
    allocation_rule_id,
    team,
    feature,
    count(distinct workload_id) as workload_count,
    sum(effective_cost_usd) as effective_cost_usd,
    max(usage_date) as last_date
from core.fct_cost_ledger
where allocation_method = 'rule'
group by all
order by effective_cost_usd desc;
