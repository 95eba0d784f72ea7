-- What runs on which model now, and over which days it is looked at: four weeks, or as long as it runs, or a quarter where there is little.
with

traffic as (
    select * from {{ ref('int_swap_traffic') }}
),

groups as (
    select
        team,
        feature,
        provider_name,
        model_id,
        service_tier,
        assessment_date,
        sum(case when usage_date > cast({{ dbt.dateadd('day', -swap_days(), 'assessment_date') }} as date) then request_count else 0 end)
            as recent_request_count,
        sum(request_count) as all_request_count,
        sum(case when usage_date > cast({{ dbt.dateadd('day', -swap_days(), 'assessment_date') }} as date) then cache_read_tokens else 0 end)
            as recent_cache_read_tokens,
        min(usage_date) as first_seen_date,
        max(usage_date) as last_seen_date
    from traffic
    group by team, feature, provider_name, model_id, service_tier, assessment_date
),

chosen as (
    select
        *,
        case when recent_request_count >= 100 then {{ swap_days() }} else 90 end as wanted_days
    from groups
    -- What stopped a fortnight ago needs no other model.
    where last_seen_date > cast({{ dbt.dateadd('day', -14, 'assessment_date') }} as date) and all_request_count >= 20
)

select
    team,
    feature,
    provider_name,
    model_id,
    service_tier,
    greatest(first_seen_date, cast({{ dbt.dateadd('day', '1 - wanted_days', 'assessment_date') }} as date)) as first_date,
    assessment_date as last_date,
    {{ dbt.datediff(
        "greatest(first_seen_date, cast(" ~ dbt.dateadd('day', '1 - wanted_days', 'assessment_date') ~ " as date))", 'assessment_date', 'day'
    ) }} + 1 as day_count,
    assessment_date
from chosen
