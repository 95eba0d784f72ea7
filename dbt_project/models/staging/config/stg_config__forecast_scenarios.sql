select
    scenario,
    team,
    feature,
    comment,
    cast(monthly_growth_ratio as decimal(18, 9)) as monthly_growth_ratio,
    cast(fade_months as decimal(18, 9)) as fade_months,
    cast(saturation_ratio as decimal(18, 9)) as saturation_ratio
from {{ source('lake', 'config_forecast_scenarios') }}
