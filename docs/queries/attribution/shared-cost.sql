-- Question: How is shared cost split, by which split and onto whom?
-- Look for: a team whose share does not fit its use: change the weights in cost_splits.csv.
-- Tables: core.fct_cost_ledger
with splits as (
    select allocation_rule_id as split_id, team, sum(effective_cost_usd) as effective_cost_usd
    from core.fct_cost_ledger
    where allocation_method = 'split'
    group by all
)

select
    *,
    effective_cost_usd / nullif(sum(effective_cost_usd) over (partition by split_id), 0) as cost_share_ratio
from splits
order by split_id, effective_cost_usd desc;
