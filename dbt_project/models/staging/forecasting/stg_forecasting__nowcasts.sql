-- Of each cutoff the latest load counts: a forecast that was made again from restated days replaces the earlier one.
with

forecast_nowcasts as (
    select * from {{ source('lake', 'forecast_nowcasts') }}
),

latest_loads as (
    select
        cutoff_date,
        max(_load_id) as load_id
    from forecast_nowcasts
    group by cutoff_date
)

select
    forecast_nowcasts.series_id,
    forecast_nowcasts._load_id as load_id,
    cast(forecast_nowcasts.known_cost_usd as {{ money_type() }}) as known_cost_usd,
    cast(forecast_nowcasts.completeness_ratio as double) as completeness_ratio,
    cast(forecast_nowcasts.nowcast_cost_usd as {{ money_type() }}) as nowcast_cost_usd,
    forecast_nowcasts.cutoff_date,
    forecast_nowcasts.cost_date
from forecast_nowcasts
inner join latest_loads
    on forecast_nowcasts.cutoff_date = latest_loads.cutoff_date
    and forecast_nowcasts._load_id = latest_loads.load_id
