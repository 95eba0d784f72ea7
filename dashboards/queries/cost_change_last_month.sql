-- One row per team, feature and driver: the change of the last whole month against the one before.
with

drivers as (
    select * from finops.mart_cost_change_drivers
    where is_month_complete and is_previous_month_complete
),

last_month as (
    select * from drivers
    qualify month_start_date = max(month_start_date) over ()
)

select * from last_month
