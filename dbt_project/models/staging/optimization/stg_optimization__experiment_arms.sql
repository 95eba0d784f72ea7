-- Of each assessment the latest load counts: one that was made again from restated days replaces the earlier one.
with

experiment_arms as (
    select * from {{ source('lake', 'experiment_arms') }}
),

latest_loads as (
    select
        assessment_date,
        max(_load_id) as load_id
    from experiment_arms
    group by assessment_date
)

select
    experiment_arms.experiment_id,
    experiment_arms.variant,
    experiment_arms._load_id as load_id,
    experiment_arms.status,
    experiment_arms.verdict,
    experiment_arms.finding,
    experiment_arms.unit_count,
    experiment_arms.crossed_unit_count,
    experiment_arms.request_count,
    experiment_arms.unpriced_request_count,
    experiment_arms.unidentified_request_count,
    experiment_arms.outcome_count,
    experiment_arms.successful_outcome_count,
    cast(experiment_arms.effective_cost_usd as {{ money_type() }}) as effective_cost_usd,
    experiment_arms.success_rate,
    experiment_arms.success_rate_lower,
    experiment_arms.success_rate_upper,
    experiment_arms.difference_success_rate,
    experiment_arms.difference_success_rate_lower,
    experiment_arms.difference_success_rate_upper,
    cast(experiment_arms.cost_per_request_usd as {{ money_type() }}) as cost_per_request_usd,
    cast(experiment_arms.cost_per_request_lower_usd as {{ money_type() }}) as cost_per_request_lower_usd,
    cast(experiment_arms.cost_per_request_upper_usd as {{ money_type() }}) as cost_per_request_upper_usd,
    cast(experiment_arms.difference_cost_per_request_usd as {{ money_type() }}) as difference_cost_per_request_usd,
    cast(experiment_arms.difference_cost_per_request_lower_usd as {{ money_type() }}) as difference_cost_per_request_lower_usd,
    cast(experiment_arms.difference_cost_per_request_upper_usd as {{ money_type() }}) as difference_cost_per_request_upper_usd,
    cast(experiment_arms.cost_per_successful_outcome_usd as {{ money_type() }}) as cost_per_successful_outcome_usd,
    cast(experiment_arms.cost_per_successful_outcome_lower_usd as {{ money_type() }}) as cost_per_successful_outcome_lower_usd,
    cast(experiment_arms.cost_per_successful_outcome_upper_usd as {{ money_type() }}) as cost_per_successful_outcome_upper_usd,
    cast(experiment_arms.difference_cost_per_successful_outcome_usd as {{ money_type() }}) as difference_cost_per_successful_outcome_usd,
    cast(experiment_arms.difference_cost_per_successful_outcome_lower_usd as {{ money_type() }}) as difference_cost_per_successful_outcome_lower_usd,
    cast(experiment_arms.difference_cost_per_successful_outcome_upper_usd as {{ money_type() }}) as difference_cost_per_successful_outcome_upper_usd,
    experiment_arms.relative_difference_ratio,
    experiment_arms.relative_difference_lower_ratio,
    experiment_arms.relative_difference_upper_ratio,
    experiment_arms.effect_ratio,
    experiment_arms.effect_lower_ratio,
    experiment_arms.effect_upper_ratio,
    experiment_arms.p_value,
    experiment_arms.probability_better,
    experiment_arms.expected_share,
    experiment_arms.observed_share,
    experiment_arms.srm_p_value,
    experiment_arms.minimum_detectable_effect_ratio,
    experiment_arms.remaining_days,
    experiment_arms.is_control,
    experiment_arms.is_declared,
    experiment_arms.is_significant,
    experiment_arms.has_sample_ratio_mismatch,
    experiment_arms.first_date,
    experiment_arms.last_date,
    experiment_arms.assessment_date
from experiment_arms
inner join latest_loads
    on experiment_arms.assessment_date = latest_loads.assessment_date
    and experiment_arms._load_id = latest_loads.load_id
