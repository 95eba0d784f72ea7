-- What to do, the first things first, and what was done: as the last run left it.
with

recommendations as (
    select * from {{ ref('stg_recommendations__recommendations') }}
)

select
    -- ids
    recommendation_id,
    -- strings
    recommendation_kind,
    team,
    feature,
    environment,
    provider_name,
    model_id,
    target,
    title,
    evidence,
    evidence_table,
    how_to,
    owner,
    owner_email,
    state,
    state_reason,
    decided_by,
    confidence,
    overlap_group,
    budget_hint,
    verification_status,
    verification_method,
    verification_finding,
    -- numerics
    expected_saving_usd_per_month,
    expected_saving_lower_usd_per_month,
    expected_saving_upper_usd_per_month,
    additional_saving_usd_per_month,
    current_cost_usd_per_month,
    verified_saving_usd,
    verified_saving_lower_usd,
    verified_saving_upper_usd,
    verified_saving_usd_per_month,
    cast(recommendation_rank as bigint) as rank,
    cast(verified_days as bigint) as verified_days,
    -- booleans
    is_best_of_group,
    is_budget_at_risk,
    -- dates
    first_seen_date,
    last_seen_date,
    decided_date,
    done_date,
    expires_date,
    assessment_date
from recommendations
