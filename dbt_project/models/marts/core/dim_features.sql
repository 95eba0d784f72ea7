select
    feature,
    feature_name,
    team
from {{ ref('stg_config__features') }}
union all
select 'unattributed', 'Unattributed', null
