-- Question: Which open recommendations bring most, how sure is that, and who should do it?
-- Look for: the lower end of the interval: it is what can be counted on.
-- Tables: finops.mart_recommendations
select
    rank,
    title,
    team,
    feature,
    expected_saving_usd_per_month,
    expected_saving_lower_usd_per_month,
    expected_saving_upper_usd_per_month,
    confidence,
    owner,
    how_to,
    expires_date
from finops.mart_recommendations
where state in ('open', 'accepted')
order by rank;
