-- Question: Who was told what, when, and did it arrive?
-- Look for: delivery_status other than delivered, and alerts that stay open without an acknowledgement.
-- Tables: finops.mart_budget_alerts
select
    raised_at,
    severity,
    alert_state,
    summary,
    channel,
    delivery_status,
    delivered_at,
    acknowledged_by,
    is_open
from finops.mart_budget_alerts
where is_latest
order by raised_at desc;
