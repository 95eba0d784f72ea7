-- Question: What did the recommendations that were carried out save, against what was expected?
-- Look for: verified savings whose interval lies below the expected one.
-- Tables: finops.mart_recommendations
select
    title,
    team,
    feature,
    done_date,
    verification_status,
    verification_method,
    verified_days,
    verified_saving_usd,
    verified_saving_lower_usd,
    verified_saving_upper_usd,
    verified_saving_usd_per_month,
    expected_saving_usd_per_month
from finops.mart_recommendations
where state = 'done'
order by done_date desc;
