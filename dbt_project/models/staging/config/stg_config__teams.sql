select
    team,
    team_name,
    cost_center,
    owner_email,
    aliases
from {{ source('lake', 'config_teams') }}
