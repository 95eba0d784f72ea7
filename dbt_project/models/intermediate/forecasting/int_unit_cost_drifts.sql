-- A request has become dearer or cheaper while there are about as many: the last week against the four weeks before it.
with

causes as (
    select * from {{ ref('int_cost_causes_daily') }}
    -- The models of a series add up to it.
    where cause_name = 'model'
),

forecast_days as (
    select * from {{ ref('stg_forecasting__days') }}
),

mature as (
    select max(cutoff_date) as last_mature_date from forecast_days where scenario = 'base'
),

series_days as (
    select
        causes.series_id,
        causes.dimension_name,
        causes.dimension_value,
        causes.usage_date,
        cast(sum(causes.effective_cost_usd) as double) as cost,
        cast(sum(causes.request_count) as double) as requests,
        cast(sum(causes.effective_cost_usd) as double) / nullif(cast(sum(causes.request_count) as double), 0) as unit_cost
    from causes
    cross join mature
    where causes.usage_date <= mature.last_mature_date
    group by all
),

compared as (
    select
        series_id,
        dimension_name,
        dimension_value,
        usage_date,
        {% for which, first, last in [('now', 6, 0), ('before', 34, 7)] -%}
        {%- set days = 'partition by series_id order by usage_date range between interval ' ~ first ~ ' days preceding and interval ' ~ last ~ ' days preceding' %}
        sum(cost) over ({{ days }}) as cost_{{ which }},
        sum(requests) over ({{ days }}) as requests_{{ which }},
        count(*) over ({{ days }}) as days_{{ which }},
        stddev_samp(unit_cost) over ({{ days }}) as spread_{{ which }}{{ ',' if not loop.last }}
        {% endfor %}
    from series_days
),

measured as (
    select
        compared.*,
        cost_now / nullif(requests_now, 0) as unit_cost_now,
        cost_before / nullif(requests_before, 0) as unit_cost_before,
        (requests_now / days_now) / nullif(requests_before / days_before, 0) as request_ratio
    from compared
    where days_now = 7 and days_before >= 21
),

drifts as (
    select
        measured.*,
        mature.last_mature_date,
        case when measured.unit_cost_now > measured.unit_cost_before then 'above' else 'below' end as direction,
        measured.unit_cost_now / measured.unit_cost_before - 1 as drift_ratio
    from measured
    cross join mature
    where
        measured.usage_date > cast({{ dbt.dateadd('day', -anomaly_days(), 'mature.last_mature_date') }} as date)
        and measured.unit_cost_before > 0
        and measured.request_ratio between 0.8 and 1.25
        and measured.requests_now >= 100
),

marked as (
    select
        drifts.*,
        {{ dbt.datediff('last_mature_date', 'usage_date', 'day') }}
        - row_number() over (partition by series_id, direction order by usage_date) as island
    from drifts
    where
        abs(drift_ratio) >= 0.1
        -- More than the days of the weeks before differ among themselves.
        and abs(unit_cost_now - unit_cost_before) > 3 * coalesce(spread_before, 0) / sqrt(7)
)

select
    series_id,
    dimension_name,
    dimension_value,
    direction,
    cast(cost_now as {{ money_type() }}) as actual_cost_usd,
    cast(unit_cost_before * requests_now as {{ money_type() }}) as expected_cost_usd,
    cast(unit_cost_now as {{ money_type() }}) as cost_per_request_usd,
    cast(unit_cost_before as {{ money_type() }}) as cost_per_request_before_usd,
    drift_ratio,
    request_ratio,
    -- What the requests of the week would be of those of the four weeks before.
    requests_now / requests_before as volume_ratio,
    row_number() over (partition by series_id, direction, island order by usage_date) as streak_days,
    usage_date as cost_date
from marked
