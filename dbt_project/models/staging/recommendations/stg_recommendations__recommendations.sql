-- Each run lands all of them; the youngest load is how they stand.
with

recommendations as (
    select * from {{ source('lake', 'recommendations') }}
),

latest_load as (
    select max(_load_id) as load_id
    from recommendations
)

select
    recommendations.recommendation_id,
    recommendations._load_id as load_id,
    recommendations.recommendation_kind,
    recommendations.team,
    recommendations.feature,
    recommendations.environment,
    recommendations.provider_name,
    recommendations.model_id,
    recommendations.target,
    recommendations.title,
    recommendations.evidence,
    recommendations.evidence_table,
    recommendations.how_to,
    recommendations.owner,
    recommendations.owner_email,
    recommendations.state,
    recommendations.state_reason,
    recommendations.decided_by,
    recommendations.confidence,
    recommendations.overlap_group,
    recommendations.budget_hint,
    recommendations.verification_status,
    recommendations.verification_method,
    recommendations.verification_finding,
{%- for column in [
    'expected_saving_usd_per_month', 'expected_saving_lower_usd_per_month', 'expected_saving_upper_usd_per_month',
    'additional_saving_usd_per_month', 'current_cost_usd_per_month', 'verified_saving_usd', 'verified_saving_lower_usd',
    'verified_saving_upper_usd', 'verified_saving_usd_per_month'
] %}
    cast(recommendations.{{ column }} as {{ money_type() }}) as {{ column }},
{%- endfor %}
    recommendations.rank as recommendation_rank,
    recommendations.verified_days,
    recommendations.is_best_of_group,
    recommendations.is_budget_at_risk,
    recommendations.first_seen_date,
    recommendations.last_seen_date,
    recommendations.decided_date,
    recommendations.done_date,
    recommendations.expires_date,
    recommendations.assessment_date
from recommendations
inner join latest_load
    on recommendations._load_id = latest_load.load_id
