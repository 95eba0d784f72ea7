select
    change_id,
    change_name,
    change_kind,
    team,
    feature,
    environment,
    provider_name,
    model_id,
    model_family,
    customer_segment,
    driver,
    comment,
    cast(factor as decimal(18, 9)) as factor,
    cast(daily_amount_usd as {{ money_type() }}) as daily_amount_usd,
    ramp_days,
    start_date,
    end_date
from {{ source('lake', 'config_planned_changes') }}
