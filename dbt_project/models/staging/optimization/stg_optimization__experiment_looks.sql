-- Of each assessment the latest load counts: one that was made again from restated days replaces the earlier one.
with

experiment_looks as (
    select * from {{ source('lake', 'experiment_looks') }}
),

latest_loads as (
    select
        assessment_date,
        max(_load_id) as load_id
    from experiment_looks
    group by assessment_date
)

select
    experiment_looks.experiment_id,
    experiment_looks.variant,
    experiment_looks._load_id as load_id,
    experiment_looks.unit_count,
    experiment_looks.effect_ratio,
    experiment_looks.effect_lower_ratio,
    experiment_looks.effect_upper_ratio,
    experiment_looks.p_value,
    experiment_looks.look_date,
    experiment_looks.assessment_date
from experiment_looks
inner join latest_loads
    on experiment_looks.assessment_date = latest_loads.assessment_date
    and experiment_looks._load_id = latest_loads.load_id
