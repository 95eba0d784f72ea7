-- How the answer of each experiment grew, week by week: the confidence sequence of each arm against the control.
with

looks as (
    select *
    from {{ ref('stg_optimization__experiment_looks') }}
    qualify assessment_date = max(assessment_date) over ()
),

experiments as (
    select * from {{ ref('int_experiments') }}
)

select
    -- ids
    looks.experiment_id,
    -- strings
    looks.variant,
    experiments.team,
    experiments.feature,
    experiments.primary_metric,
    -- numerics
    looks.unit_count,
    looks.effect_ratio,
    looks.effect_lower_ratio,
    looks.effect_upper_ratio,
    looks.p_value,
    -- dates
    looks.look_date,
    looks.assessment_date
from looks
inner join experiments on looks.experiment_id = experiments.experiment_id
