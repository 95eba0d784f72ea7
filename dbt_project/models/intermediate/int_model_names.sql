-- The canonical model of each raw model name.
select
    provider_name,
    model_name,
    min(model_id) as model_id,
    min(model_family) as model_family
from {{ ref('stg_prices__model_prices') }}
group by provider_name, model_name
