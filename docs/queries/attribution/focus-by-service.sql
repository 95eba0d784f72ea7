-- Question: What would a FOCUS report show by provider, service and team?
-- Look for: totals equal to the ledger; only the names of the columns differ.
-- Tables: finops.mart_focus_cost_and_usage
select
    "ProviderName",
    "ServiceName",
    "ChargeCategory",
    "x_Team",
    sum("EffectiveCost") as effective_cost,
    sum("BilledCost") as billed_cost
from finops.mart_focus_cost_and_usage
group by all
order by effective_cost desc;
