-- Where did spend leave what was forecast, or a request change its cost, and which model, feature, key or prompt explains most of it.
with

spend_anomalies as (
    select * from {{ ref('int_spend_anomalies') }}
),

unit_cost_drifts as (
    select * from {{ ref('int_unit_cost_drifts') }}
),

causes as (
    select * from {{ ref('int_cost_causes_daily') }}
),

anomalies as (
    select
        'spend' as anomaly_kind,
        series_id,
        dimension_name,
        dimension_value,
        direction,
        actual_cost_usd,
        expected_cost_usd,
        lower_cost_usd,
        upper_cost_usd,
        -- An interval without width is left by a whole one.
        coalesce(cast(outside_cost_usd as double) / nullif(cast(upper_cost_usd - lower_cost_usd as double), 0), 1.0) as deviation_ratio,
        cast(null as {{ money_type() }}) as cost_per_request_usd,
        cast(null as {{ money_type() }}) as cost_per_request_before_usd,
        cast(null as double) as request_ratio,
        -- A day against the mean of the same weekday of four weeks.
        cast(0.25 as double) as weight_before,
        streak_days,
        cutoff_date,
        cost_date
    from spend_anomalies
    union all
    select
        'unit_cost',
        series_id,
        dimension_name,
        dimension_value,
        direction,
        actual_cost_usd,
        expected_cost_usd,
        null,
        null,
        abs(drift_ratio),
        cost_per_request_usd,
        cost_per_request_before_usd,
        request_ratio,
        volume_ratio,
        streak_days,
        null,
        cost_date
    from unit_cost_drifts
),

-- How much more, or less, each value of each cause cost than before.
changes as (
    select
        anomalies.anomaly_kind,
        anomalies.series_id,
        anomalies.direction,
        anomalies.cost_date,
        causes.cause_name,
        causes.cause_value,
        -- Rounded, or the order in which floats were added would decide between causes that explain the same.
        round(sum(cast(causes.effective_cost_usd as double) * case
            when causes.usage_date > cast({{ dbt.dateadd('day', "case anomalies.anomaly_kind when 'spend' then -1 else -7 end", 'anomalies.cost_date') }} as date)
                then 1
            else -anomalies.weight_before
        end), 9) as change
    from anomalies
    inner join causes
        on anomalies.series_id = causes.series_id
        and causes.usage_date between cast({{ dbt.dateadd('day', -34, 'anomalies.cost_date') }} as date) and anomalies.cost_date
        and (
            anomalies.anomaly_kind = 'unit_cost'
            or {{ dbt.datediff('causes.usage_date', 'anomalies.cost_date', 'day') }} in (0, 7, 14, 21, 28)
        )
    group by all
),

counted as (
    select
        changes.*,
        case direction when 'above' then change else -change end as size,
        count(*) over (partition by anomaly_kind, series_id, cost_date, cause_name) as value_count
    from changes
),

ranked as (
    select
        counted.*,
        row_number() over (
            partition by anomaly_kind, series_id, cost_date
            order by
                size desc,
                case cause_name when 'prompt_version' then 1 when 'feature' then 2 when 'api_key' then 3 else 4 end asc,
                cause_value asc
        ) as size_rank
    from counted
    -- What is the same all along (the only model of a feature) explains nothing.
    where size > 0 and value_count > 1
)

select
    -- ids
    anomalies.series_id,
    -- strings
    anomalies.dimension_name,
    anomalies.dimension_value,
    anomalies.anomaly_kind,
    anomalies.direction,
    ranked.cause_name as explained_by,
    ranked.cause_value as explained_value,
    -- numerics
    anomalies.actual_cost_usd,
    anomalies.expected_cost_usd,
    anomalies.lower_cost_usd,
    anomalies.upper_cost_usd,
    cast(anomalies.actual_cost_usd - anomalies.expected_cost_usd as {{ money_type() }}) as excess_cost_usd,
    cast(ranked.change as {{ money_type() }}) as explained_cost_usd,
    anomalies.cost_per_request_usd,
    anomalies.cost_per_request_before_usd,
    anomalies.deviation_ratio,
    anomalies.request_ratio,
    cast(anomalies.streak_days as bigint) as streak_days,
    -- dates
    anomalies.cutoff_date,
    anomalies.cost_date
from anomalies
left join ranked
    on anomalies.anomaly_kind = ranked.anomaly_kind
    and anomalies.series_id = ranked.series_id
    and anomalies.cost_date = ranked.cost_date
    and ranked.size_rank = 1
