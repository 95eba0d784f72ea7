-- Question: Does each invoice agree with what the provider's billing API said?
-- Look for: any difference beyond rounding. Invoices that nobody entered are not listed.
-- Tables: finops.mart_reconciliation
select
    provider_name,
    account_id,
    invoice_id,
    min(usage_date) as first_date,
    max(usage_date) as last_date,
    sum(billed_cost_usd) as billed_cost_usd,
    -- Each day of an invoice carries the whole of it.
    max(invoiced_cost_usd) as invoiced_cost_usd,
    max(invoice_difference_usd) as invoice_difference_usd
from finops.mart_reconciliation
where invoice_id is not null
group by all
order by first_date, provider_name;
