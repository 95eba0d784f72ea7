-- Why each team's feature costs more or less than the month before, to the last decimal.
with

compared as (
    select * from {{ ref('int_driver_costs_compared') }}
),

months as (
    select * from {{ ref('int_driver_months') }}
),

effects as (
    select * from {{ ref('int_driver_effects') }}
),

readings as (
    select * from {{ ref('int_driver_readings') }}
),

totals as (
    select
        month_start_date,
        team,
        feature,
        sum(previous_effective_cost_usd) as previous_cost_usd,
        sum(current_effective_cost_usd) as current_cost_usd,
        sum(case when is_token_cost then current_effective_cost_usd - previous_effective_cost_usd else 0 end) as token_change_usd,
        sum(case when is_token_cost then 0 else current_effective_cost_usd - previous_effective_cost_usd end) as other_change_usd
    from compared
    group by month_start_date, team, feature
),

driver_names as (
    {% for driver in cost_drivers() -%}
    select '{{ driver }}' as driver_name, {{ loop.index }} as driver_order
    union all
    {% endfor -%}
    select 'other', {{ cost_drivers() | length + 1 }}
),

rounded as (
    select
        totals.*,
        driver_names.driver_name,
        driver_names.driver_order,
        coalesce(effects.estimated_change_usd, 0) as rounded_change_usd
    from totals
    cross join driver_names
    left join effects
        on totals.month_start_date = effects.month_start_date
        and totals.team = effects.team
        and totals.feature = effects.feature
        and driver_names.driver_name = effects.driver_name
),

ranked as (
    select
        *,
        token_change_usd - sum(rounded_change_usd) over by_owner as remainder_usd,
        row_number() over (
            partition by month_start_date, team, feature
            order by case when driver_name = 'other' then 1 else 0 end, abs(rounded_change_usd) desc, driver_order
        ) as size_rank
    from rounded
    window by_owner as (partition by month_start_date, team, feature)
),

-- What rounding leaves over is on the driver that moved most, where it is the smallest part.
exact as (
    select
        *,
        cast(case
            when driver_name = 'other' then other_change_usd
            when size_rank = 1 then rounded_change_usd + remainder_usd
            else rounded_change_usd
        end as {{ money_type() }}) as change_usd
    from ranked
)

select
    exact.team,
    exact.feature,
    exact.driver_name,
    readings.driver_unit,
    exact.driver_order,
    cast(exact.previous_cost_usd as {{ money_type() }}) as previous_cost_usd,
    cast(exact.current_cost_usd as {{ money_type() }}) as current_cost_usd,
    exact.change_usd,
    cast(exact.previous_cost_usd + sum(exact.change_usd) over (
        partition by exact.month_start_date, exact.team, exact.feature order by exact.driver_order rows unbounded preceding
    ) as {{ money_type() }}) as running_cost_usd,
    cast(readings.previous_driver_value as decimal(38, 12)) as previous_driver_value,
    cast(readings.current_driver_value as decimal(38, 12)) as current_driver_value,
    months.is_month_complete,
    months.is_previous_month_complete,
    exact.month_start_date,
    months.first_date,
    months.last_date,
    months.previous_first_date,
    months.previous_last_date
from exact
inner join months
    on exact.month_start_date = months.month_start_date
left join readings
    on exact.month_start_date = readings.month_start_date
    and exact.team = readings.team
    and exact.feature = readings.feature
    and exact.driver_name = readings.driver_name
