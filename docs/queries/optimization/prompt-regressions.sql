-- Question: Which prompt revisions made things worse?
-- Look for: is_regression and what the reasons name; confounded revisions changed together with something else.
-- Tables: finops.mart_prompt_revisions
select
    feature,
    prompt_name,
    previous_prompt_version,
    prompt_version,
    is_regression,
    verdict,
    regression_reasons,
    is_confounded,
    change_cost_per_successful_outcome_usd,
    change_cost_per_successful_outcome_lower_usd,
    change_cost_per_successful_outcome_upper_usd,
    first_date,
    finding
from finops.mart_prompt_revisions
where previous_prompt_version is not null
order by is_regression desc, first_date desc;
