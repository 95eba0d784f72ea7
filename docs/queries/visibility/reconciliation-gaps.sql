-- Question: Where do our list prices and the bill disagree most, and why?
-- Look for: price_difference_usd is a contract rate or a wrong price; not_logged_usd is use that no log explains.
-- Tables: finops.mart_reconciliation
select
    provider_name,
    account_id,
    usage_date,
    billed_cost_usd,
    gap_usd,
    not_logged_usd,
    not_metered_usd,
    unpriced_usd,
    tier_difference_usd,
    price_difference_usd,
    late_usd,
    credit_usd,
    rounding_usd
from finops.mart_reconciliation
where gap_usd is not null
order by abs(gap_usd) desc
limit 50;
