-- The last known name of each project or workspace, also after it was deleted.
with

projects as (
    select provider_name, account_id, project_id, project_name, is_deleted from {{ ref('stg_openai__projects') }}
    union all
    select provider_name, account_id, workspace_id, workspace_name, is_deleted from {{ ref('stg_anthropic__workspaces') }}
)

select * from projects
