with

experiments as (
    select
        experiment_id,
        control_variant,
        unnest(string_split(arms, ';')) as arm
    from {{ source('lake', 'config_experiments') }}
)

select
    experiment_id,
    -- A name may hold an equals sign: the share is what follows the last one.
    regexp_replace(arm, '=[^=]*$', '') as variant,
    cast(regexp_extract(arm, '[^=]*$') as double) as expected_share_ratio,
    regexp_replace(arm, '=[^=]*$', '') = control_variant as is_control
from experiments
