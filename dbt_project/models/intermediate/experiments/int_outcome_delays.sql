-- How long the outcomes of a feature take: before that many days have passed, a young request looks like a failure to bring one.
with

outcomes as (
    select * from {{ ref('fct_outcomes') }}
)

select
    feature,
    count(*) as outcome_count,
    -- Clocks differ by seconds: an outcome before its request is one of the same day.
    greatest(quantile_disc({{ dbt.datediff('request_date', 'outcome_date', 'day') }}, 0.99), 0) as outcome_delay_days
from outcomes
where request_date is not null and is_success is not null
group by feature
