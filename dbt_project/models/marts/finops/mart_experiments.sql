-- Which arm of each experiment is better, how sure that is, and how long it still has to run: as of the latest assessment.
with

arms as (
    select *
    from {{ ref('stg_optimization__experiment_arms') }}
    qualify assessment_date = max(assessment_date) over ()
),

experiments as (
    select * from {{ ref('int_experiments') }}
)

select
    -- ids
    arms.experiment_id,
    -- strings
    arms.variant,
    experiments.team,
    experiments.feature,
    experiments.environment,
    experiments.hypothesis,
    experiments.control_variant,
    experiments.randomization_unit,
    experiments.primary_metric,
    experiments.stop_rule,
    experiments.owner_email,
    arms.status,
    arms.verdict,
    arms.finding,
    experiments.decision,
    -- numerics
    arms.unit_count,
    arms.crossed_unit_count,
    arms.request_count,
    arms.unpriced_request_count,
    arms.unidentified_request_count,
    arms.outcome_count,
    arms.successful_outcome_count,
    arms.effective_cost_usd,
    arms.success_rate,
    arms.success_rate_lower,
    arms.success_rate_upper,
    arms.difference_success_rate,
    arms.difference_success_rate_lower,
    arms.difference_success_rate_upper,
    arms.cost_per_request_usd,
    arms.cost_per_request_lower_usd,
    arms.cost_per_request_upper_usd,
    arms.difference_cost_per_request_usd,
    arms.difference_cost_per_request_lower_usd,
    arms.difference_cost_per_request_upper_usd,
    arms.cost_per_successful_outcome_usd,
    arms.cost_per_successful_outcome_lower_usd,
    arms.cost_per_successful_outcome_upper_usd,
    arms.difference_cost_per_successful_outcome_usd,
    arms.difference_cost_per_successful_outcome_lower_usd,
    arms.difference_cost_per_successful_outcome_upper_usd,
    arms.relative_difference_ratio,
    arms.relative_difference_lower_ratio,
    arms.relative_difference_upper_ratio,
    arms.effect_ratio,
    arms.effect_lower_ratio,
    arms.effect_upper_ratio,
    arms.p_value,
    arms.probability_better,
    arms.expected_share,
    arms.observed_share,
    arms.srm_p_value,
    experiments.minimum_effect_ratio,
    arms.minimum_detectable_effect_ratio,
    arms.remaining_days,
    -- booleans
    arms.is_control,
    arms.is_declared,
    arms.is_significant,
    arms.has_sample_ratio_mismatch,
    -- dates
    experiments.planned_first_date,
    experiments.planned_last_date,
    experiments.decision_date,
    arms.first_date,
    arms.last_date,
    arms.assessment_date
from arms
inner join experiments on arms.experiment_id = experiments.experiment_id
