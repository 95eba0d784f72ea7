-- One row per day of each budget whose period runs as last assessed: spent up to today, forecast after it.
with

burndown as (
    select * from finops.mart_budget_burndown
),

running as (
    select budget_id, period_start_date
    from finops.mart_budget_status
    where is_latest and status <> 'ended' and period_start_date <= assessment_date
),

joined as (
    select burndown.*
    from burndown
    inner join running
        on burndown.budget_id = running.budget_id
        and burndown.period_start_date = running.period_start_date
)

select * from joined
