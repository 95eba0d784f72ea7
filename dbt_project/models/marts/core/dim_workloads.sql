-- Everything that owners can hang on: what was logged together, and the bare keys, projects and models of meters and bills.
with

logged as (
    select distinct
        workload_id, account_id, project_id, api_key_id, model_id, provider_name, service_name, team_tag, feature_tag, environment_tag, tags_json
    from {{ ref('int_logged_workloads') }}
),

residuals as (
    select distinct workload_id, provider_name, account_id, project_id, api_key_id, model_id
    from {{ ref('int_usage_residuals') }}
),

charges as (
    select distinct
        {{ text_key(['provider_name', 'account_id', 'project_id', 'api_key_id', 'model_id'] + ['null'] * 5) }} as workload_id,
        provider_name, account_id, project_id, api_key_id, model_id
    from {{ ref('int_provider_charges') }}
),

unlogged as (
    select * from residuals
    union
    select * from charges
)

select
    workload_id, account_id, project_id, api_key_id, model_id, provider_name, service_name, team_tag, feature_tag, environment_tag, tags_json
from logged
union all
select workload_id, account_id, project_id, api_key_id, model_id, provider_name, null, null, null, null, null
from unlogged
where workload_id not in (select logged.workload_id from logged)
