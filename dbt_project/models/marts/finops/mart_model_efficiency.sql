-- What does a good answer and a success cost with each model of a feature, and which models are needless?
with

model_efficiencies as (
    select * from {{ ref('int_model_efficiencies') }}
),

model_efficiency_assessed as (
    select * from {{ ref('stg_optimization__model_efficiency') }}
)

select
    -- strings
    model_efficiencies.team,
    model_efficiencies.feature,
    model_efficiencies.provider_name,
    model_efficiencies.model_id,
    model_efficiencies.quality_source,
    model_efficiencies.score_source,
    model_efficiency_assessed.dominated_by_model_id,
    coalesce(model_efficiency_assessed.frontier_status, 'not known') as frontier_status,
    model_efficiency_assessed.finding,
    -- numerics
    model_efficiencies.request_count,
    model_efficiencies.scored_request_count,
    model_efficiencies.outcome_count,
    model_efficiencies.successful_outcome_count,
    model_efficiency_assessed.success_rate,
    model_efficiency_assessed.success_rate_lower,
    model_efficiency_assessed.success_rate_upper,
    model_efficiency_assessed.mean_quality_score,
    model_efficiency_assessed.mean_quality_score_lower,
    model_efficiency_assessed.mean_quality_score_upper,
    cast(model_efficiencies.effective_cost_usd as {{ money_type() }}) as effective_cost_usd,
    cast(model_efficiency_assessed.cost_per_request_usd as {{ money_type() }}) as cost_per_request_usd,
    cast(model_efficiency_assessed.cost_per_request_lower_usd as {{ money_type() }}) as cost_per_request_lower_usd,
    cast(model_efficiency_assessed.cost_per_request_upper_usd as {{ money_type() }}) as cost_per_request_upper_usd,
    cast(model_efficiency_assessed.cost_per_attempt_usd as {{ money_type() }}) as cost_per_attempt_usd,
    cast(model_efficiency_assessed.cost_per_attempt_lower_usd as {{ money_type() }}) as cost_per_attempt_lower_usd,
    cast(model_efficiency_assessed.cost_per_attempt_upper_usd as {{ money_type() }}) as cost_per_attempt_upper_usd,
    cast(model_efficiency_assessed.quality_adjusted_price_usd as {{ money_type() }}) as quality_adjusted_price_usd,
    cast(model_efficiency_assessed.quality_adjusted_price_lower_usd as {{ money_type() }}) as quality_adjusted_price_lower_usd,
    cast(model_efficiency_assessed.quality_adjusted_price_upper_usd as {{ money_type() }}) as quality_adjusted_price_upper_usd,
    cast(model_efficiency_assessed.cost_of_pass_usd as {{ money_type() }}) as cost_of_pass_usd,
    cast(model_efficiency_assessed.cost_of_pass_lower_usd as {{ money_type() }}) as cost_of_pass_lower_usd,
    cast(model_efficiency_assessed.cost_of_pass_upper_usd as {{ money_type() }}) as cost_of_pass_upper_usd,
    model_efficiency_assessed.dominance_probability,
    -- booleans
    coalesce(model_efficiency_assessed.is_on_frontier, false) as is_on_frontier,
    coalesce(model_efficiency_assessed.is_dominated, false) as is_dominated,
    -- dates
    model_efficiencies.first_date,
    model_efficiencies.last_date,
    model_efficiencies.assessment_date
from model_efficiencies
-- Left join: what was not assessed yet is shown without estimates.
left join model_efficiency_assessed
    on model_efficiencies.feature = model_efficiency_assessed.feature
    and model_efficiencies.provider_name = model_efficiency_assessed.provider_name
    and model_efficiencies.model_id = model_efficiency_assessed.model_id
    and model_efficiencies.assessment_date = model_efficiency_assessed.assessment_date
