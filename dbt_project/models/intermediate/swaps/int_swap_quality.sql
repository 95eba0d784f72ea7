-- How good a feature's work with each model is, as assessed for mart_model_efficiency, and what a success of it is worth.
with

model_efficiencies as (
    select * from {{ ref('int_model_efficiencies') }}
    where feature is not null
),

assessed as (
    select * from {{ ref('stg_optimization__model_efficiency') }}
),

success_values as (
    select
        outcome_costs.feature,
        outcome_costs.provider_name,
        outcome_costs.model_id,
        {{ ratio('sum(outcome_costs.value_usd)', 'count(outcome_costs.value_usd)') }} as value_per_success_usd
    from {{ ref('int_outcome_costs') }} as outcome_costs
    inner join model_efficiencies
        on outcome_costs.feature = model_efficiencies.feature
        and outcome_costs.provider_name = model_efficiencies.provider_name
        and outcome_costs.model_id = model_efficiencies.model_id
        and outcome_costs.request_date between model_efficiencies.first_date and model_efficiencies.last_date
    where outcome_costs.is_success
    group by outcome_costs.feature, outcome_costs.provider_name, outcome_costs.model_id
)

select
    model_efficiencies.feature,
    model_efficiencies.provider_name,
    model_efficiencies.model_id,
    model_efficiencies.quality_source,
    model_efficiencies.outcome_count,
    assessed.success_rate,
    assessed.success_rate_lower,
    assessed.success_rate_upper,
    assessed.mean_quality_score,
    assessed.cost_per_attempt_usd,
    success_values.value_per_success_usd
from model_efficiencies
-- Left join: what was not assessed yet has no rate.
left join assessed
    on model_efficiencies.feature = assessed.feature
    and model_efficiencies.provider_name = assessed.provider_name
    and model_efficiencies.model_id = assessed.model_id
    and model_efficiencies.assessment_date = assessed.assessment_date
left join success_values
    on model_efficiencies.feature = success_values.feature
    and model_efficiencies.provider_name = success_values.provider_name
    and model_efficiencies.model_id = success_values.model_id
