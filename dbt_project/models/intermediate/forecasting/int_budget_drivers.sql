-- What moved the cost of each running budget most: the last weeks of its period against as many days before. Whole weeks, one to four,
-- because weekdays differ.
with

budget_periods as (
    select *, {{ is_by_customer('budget_periods') }} as is_by_customer
    from {{ ref('int_budget_periods') }} as budget_periods
),

costs as (
    select * from {{ ref('int_costs_scoped_daily') }}
),

windows as (
    select
        *,
        7 * cast(least(4, ceil(({{ dbt.datediff('period_start_date', 'last_cost_date', 'day') }} + 1) / 7.0)) as integer) as window_days
    from budget_periods
    where last_cost_date between period_start_date and period_end_date
),

windowed_costs as (
    select
        windows.budget_id,
        windows.period_start_date,
        windows.feature as budget_feature,
        windows.model_id as budget_model_id,
        windows.environment as budget_environment,
        costs.feature,
        costs.model_id,
        costs.environment,
        costs.effective_cost_usd,
        {{ dbt.datediff('costs.usage_date', 'windows.last_cost_date', 'day') }} < windows.window_days as is_recent
    from windows
    inner join costs
        on windows.is_by_customer = costs.is_by_customer
        and {{ dbt.datediff('costs.usage_date', 'windows.last_cost_date', 'day') }} between 0 and 2 * windows.window_days - 1
        and {{ is_in_scope('costs', 'windows', scope_columns()) }}
),

-- What the budget names itself explains nothing. Environments only say something within one feature.
parts as (
    select budget_id, period_start_date, 'feature ' || feature as driver_name, effective_cost_usd, is_recent
    from windowed_costs
    where budget_feature is null
    union all
    select budget_id, period_start_date, 'model ' || model_id, effective_cost_usd, is_recent
    from windowed_costs
    where budget_model_id is null and model_id is not null
    union all
    select budget_id, period_start_date, 'environment ' || environment, effective_cost_usd, is_recent
    from windowed_costs
    where budget_environment is null and budget_feature is not null
),

changes as (
    select
        budget_id,
        period_start_date,
        driver_name,
        sum(case when is_recent then effective_cost_usd else 0 end) as recent_cost_usd,
        sum(case when is_recent then 0 else effective_cost_usd end) as earlier_cost_usd
    from parts
    group by budget_id, period_start_date, driver_name
),

ranked as (
    select
        *,
        recent_cost_usd - earlier_cost_usd as change_usd,
        row_number() over (
            partition by budget_id, period_start_date order by abs(recent_cost_usd - earlier_cost_usd) desc, driver_name
        ) as driver_rank
    from changes
    -- Less than a cent moves nothing.
    where abs(recent_cost_usd - earlier_cost_usd) >= 0.01
),

worded as (
    select
        budget_id,
        period_start_date,
        driver_rank,
        driver_name || ' ' || {{ signed_dollars('change_usd') }} || case
            when earlier_cost_usd <= 0 then ' (new)'
            else ' ('
                || case when change_usd < 0 then '-' else '+' end
                || cast(cast(round(100 * abs(cast(change_usd as double)) / cast(earlier_cost_usd as double)) as bigint) as varchar)
                || ' %)'
        end as driver
    from ranked
    where driver_rank <= 3
)

select
    budget_id,
    {% for rank in [1, 2, 3] -%}
    max(case when driver_rank = {{ rank }} then driver end) as driver_{{ rank }},
    {% endfor -%}
    period_start_date
from worded
group by budget_id, period_start_date
