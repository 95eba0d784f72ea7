-- Every experiment that is declared or seen, with what is needed to judge it.
with

declared as (
    select * from {{ ref('stg_config__experiments') }}
),

requests as (
    select * from {{ ref('int_experiment_requests') }}
),

features as (
    select * from {{ ref('dim_features') }}
),

delays as (
    select * from {{ ref('int_outcome_delays') }}
),

seen as (
    select
        experiment_id,
        mode(team order by team) as team,
        mode(feature order by feature) as feature,
        min(usage_date) as first_date,
        max(usage_date) as last_date
    from requests
    group by experiment_id
),

experiments as (
    select
        coalesce(declared.experiment_id, seen.experiment_id) as experiment_id,
        coalesce(seen.team, features.team, 'unattributed') as team,
        coalesce(declared.feature, seen.feature) as feature,
        declared.environment,
        declared.hypothesis,
        declared.control_variant,
        coalesce(declared.randomization_unit, 'request') as randomization_unit,
        coalesce(declared.primary_metric, 'cost_per_successful_outcome') as primary_metric,
        declared.stop_rule,
        declared.owner_email,
        declared.decision,
        declared.minimum_effect_ratio,
        declared.alpha_ratio,
        declared.power_ratio,
        declared.max_unit_count,
        declared.experiment_id is not null as is_declared,
        declared.first_date as planned_first_date,
        declared.last_date as planned_last_date,
        declared.decision_date,
        seen.first_date,
        seen.last_date
    from declared
    full outer join seen on declared.experiment_id = seen.experiment_id
    left join features on declared.feature = features.feature
)

select
    -- ids
    experiments.experiment_id,
    -- strings
    experiments.team,
    experiments.feature,
    experiments.environment,
    experiments.hypothesis,
    experiments.control_variant,
    experiments.randomization_unit,
    experiments.primary_metric,
    experiments.stop_rule,
    experiments.owner_email,
    experiments.decision,
    -- numerics
    experiments.minimum_effect_ratio,
    experiments.alpha_ratio,
    experiments.power_ratio,
    experiments.max_unit_count,
    coalesce(delays.outcome_delay_days, 0) as outcome_delay_days,
    -- booleans
    experiments.is_declared,
    -- dates
    experiments.planned_first_date,
    experiments.planned_last_date,
    experiments.decision_date,
    experiments.first_date,
    experiments.last_date
from experiments
left join delays on experiments.feature = delays.feature
