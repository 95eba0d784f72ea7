-- What did each revision of a prompt change against the one before, and is something worse?
with

prompt_revisions as (
    select * from {{ ref('int_prompt_revisions') }}
),

prompt_revisions_assessed as (
    select * from {{ ref('stg_optimization__prompt_revisions') }}
)

select
    -- strings
    prompt_revisions.team,
    prompt_revisions.feature,
    prompt_revisions.prompt_name,
    prompt_revisions.prompt_version,
    prompt_revisions.previous_prompt_version,
    prompt_revisions_assessed.regression_reasons,
    prompt_revisions_assessed.verdict,
    prompt_revisions_assessed.finding,
    -- numerics
    prompt_revisions.request_count,
    prompt_revisions.outcome_count,
    prompt_revisions.successful_outcome_count,
    cast(prompt_revisions.effective_cost_usd as {{ money_type() }}) as effective_cost_usd,
    cast(prompt_revisions.cost_per_request_usd as {{ money_type() }}) as cost_per_request_usd,
    cast(prompt_revisions.cost_per_successful_outcome_usd as {{ money_type() }}) as cost_per_successful_outcome_usd,
    cast(prompt_revisions_assessed.cost_per_successful_outcome_lower_usd as {{ money_type() }}) as cost_per_successful_outcome_lower_usd,
    cast(prompt_revisions_assessed.cost_per_successful_outcome_upper_usd as {{ money_type() }}) as cost_per_successful_outcome_upper_usd,
    prompt_revisions_assessed.success_rate,
    prompt_revisions_assessed.success_rate_lower,
    prompt_revisions_assessed.success_rate_upper,
    cast(prompt_revisions.input_tokens_per_request as double) as input_tokens_per_request,
    cast(prompt_revisions.output_tokens_per_request as double) as output_tokens_per_request,
    cast(prompt_revisions.cache_hit_ratio as double) as cache_hit_ratio,
    prompt_revisions.mean_duration_seconds,
    prompt_revisions.p95_duration_seconds,
    cast(prompt_revisions_assessed.change_cost_per_successful_outcome_usd as {{ money_type() }}) as change_cost_per_successful_outcome_usd,
    cast(prompt_revisions_assessed.change_cost_per_successful_outcome_lower_usd as {{ money_type() }}) as change_cost_per_successful_outcome_lower_usd,
    cast(prompt_revisions_assessed.change_cost_per_successful_outcome_upper_usd as {{ money_type() }}) as change_cost_per_successful_outcome_upper_usd,
    prompt_revisions_assessed.change_cost_per_request_ratio,
    prompt_revisions_assessed.change_cost_per_request_ratio_lower,
    prompt_revisions_assessed.change_cost_per_request_ratio_upper,
    prompt_revisions_assessed.change_success_rate,
    prompt_revisions_assessed.change_success_rate_lower,
    prompt_revisions_assessed.change_success_rate_upper,
    prompt_revisions_assessed.change_input_tokens_ratio,
    prompt_revisions_assessed.change_input_tokens_ratio_lower,
    prompt_revisions_assessed.change_input_tokens_ratio_upper,
    prompt_revisions_assessed.change_output_tokens_ratio,
    prompt_revisions_assessed.change_output_tokens_ratio_lower,
    prompt_revisions_assessed.change_output_tokens_ratio_upper,
    prompt_revisions_assessed.change_duration_ratio,
    prompt_revisions_assessed.change_duration_ratio_lower,
    prompt_revisions_assessed.change_duration_ratio_upper,
    prompt_revisions_assessed.change_cache_hit_ratio,
    prompt_revisions_assessed.change_cache_hit_ratio_lower,
    prompt_revisions_assessed.change_cache_hit_ratio_upper,
    prompt_revisions_assessed.comparable_request_ratio,
    -- booleans
    coalesce(prompt_revisions_assessed.is_regression, false) as is_regression,
    coalesce(prompt_revisions_assessed.is_confounded, false) as is_confounded,
    -- dates
    prompt_revisions.first_date,
    prompt_revisions.last_date,
    prompt_revisions.assessment_date
from prompt_revisions
-- Left join: what was not assessed yet is shown without estimates.
left join prompt_revisions_assessed
    on prompt_revisions.feature = prompt_revisions_assessed.feature
    and prompt_revisions.prompt_name = prompt_revisions_assessed.prompt_name
    and prompt_revisions.prompt_version = prompt_revisions_assessed.prompt_version
    and prompt_revisions.assessment_date = prompt_revisions_assessed.assessment_date
