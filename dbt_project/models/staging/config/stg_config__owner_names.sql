-- Every spelling by which a team or a feature may be named in a tag: its own name and its aliases, in lower case.
with

teams as (
    select * from {{ source('lake', 'config_teams') }}
),

features as (
    select * from {{ source('lake', 'config_features') }}
),

spellings as (
    select 'team' as dimension_name, team as dimension_value, lower(team) as spelling from teams
    union all
    select 'team', team, lower(trim({{ split_list('aliases') }})) from teams where aliases is not null
    union all
    select 'feature', feature, lower(feature) from features
    union all
    select 'feature', feature, lower(trim({{ split_list('aliases') }})) from features where aliases is not null
)

select
    dimension_name,
    spelling,
    min(dimension_value) as dimension_value
from spellings
where spelling <> ''
group by dimension_name, spelling
