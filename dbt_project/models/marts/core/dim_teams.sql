select
    team,
    team_name,
    cost_center,
    owner_email
from {{ ref('stg_config__teams') }}
union all
select 'unattributed', 'Unattributed', null, null
