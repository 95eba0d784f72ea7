-- When does each budget run out, as seen on each day that it was assessed: today, and at every forecast made before. A commitment is the
-- other way round: what must not happen is that less is spent.
with

budget_periods as (
    select * from {{ ref('int_budget_periods') }}
),

series_costs as (
    select * from {{ ref('int_series_costs_daily') }}
),

forecast_periods as (
    select * from {{ ref('stg_forecasting__periods') }}
    where scenario = 'base' and period_name = 'to_date' and model_name = '{{ var("shipped_forecast_model") }}'
),

-- The last forecast day of each period: its end, or how far the forecast reaches of a longer one.
reached as (
    select
        budget_periods.budget_id,
        budget_periods.period_start_date as budget_start_date,
        budget_periods.period_end_date as budget_end_date,
        forecast_periods.*
    from budget_periods
    inner join forecast_periods
        on budget_periods.series_id = forecast_periods.series_id
        and budget_periods.period_start_date = forecast_periods.period_start_date
        and forecast_periods.period_end_date <= budget_periods.period_end_date
    qualify row_number() over (
        partition by budget_periods.budget_id, budget_periods.period_start_date, forecast_periods.cutoff_date
        order by forecast_periods.period_end_date desc
    ) = 1
),

children as (
    select * from {{ ref('int_budget_children') }}
),

drivers as (
    select * from {{ ref('int_budget_drivers') }}
),

latest as (
    select max(cutoff_date) as latest_cutoff_date from forecast_periods
),

first_days as (
    select series_id, min(cost_date) as first_cost_date
    from series_costs
    group by series_id
),

cumulated as (
    select
        budget_periods.budget_id,
        budget_periods.period_start_date,
        budget_periods.budget_usd,
        series_costs.cost_date,
        sum(series_costs.effective_cost_usd) over (
            partition by budget_periods.budget_id, budget_periods.period_start_date
            order by series_costs.cost_date rows unbounded preceding
        ) as spent_usd
    from budget_periods
    inner join series_costs
        on budget_periods.series_id = series_costs.series_id
        and series_costs.cost_date between budget_periods.period_start_date and budget_periods.period_end_date
),

-- Today's view: every period, with what is spent up to the last known day of it.
current_assessments as (
    select
        budget_periods.budget_id,
        budget_periods.period_start_date,
        latest.latest_cutoff_date as cutoff_date,
        case
            when budget_periods.period_end_date < budget_periods.last_cost_date then budget_periods.period_end_date
            else budget_periods.last_cost_date
        end as assessment_date,
        true as is_latest
    from budget_periods
    cross join latest
),

-- Earlier views: one for each forecast that was stored while the period ran.
earlier_assessments as (
    select
        budget_periods.budget_id,
        budget_periods.period_start_date,
        forecast_periods.cutoff_date,
        forecast_periods.cutoff_date as assessment_date,
        false as is_latest
    from budget_periods
    cross join latest
    inner join forecast_periods
        on budget_periods.series_id = forecast_periods.series_id
        and budget_periods.period_start_date = forecast_periods.period_start_date
        and budget_periods.period_end_date = forecast_periods.period_end_date
        and forecast_periods.cutoff_date >= budget_periods.period_start_date
        and forecast_periods.cutoff_date < latest.latest_cutoff_date
),

assessments as (
    select * from current_assessments
    union all
    select * from earlier_assessments
),

spent as (
    select
        assessments.budget_id,
        assessments.period_start_date,
        assessments.assessment_date,
        sum(cumulated_days.effective_cost_usd) as spent_usd
    from assessments
    inner join budget_periods
        on assessments.budget_id = budget_periods.budget_id
        and assessments.period_start_date = budget_periods.period_start_date
    inner join series_costs as cumulated_days
        on budget_periods.series_id = cumulated_days.series_id
        and cumulated_days.cost_date between budget_periods.period_start_date and assessments.assessment_date
    group by assessments.budget_id, assessments.period_start_date, assessments.assessment_date
),

-- Of the last week up to the assessment; shorter where the series is.
run_rates as (
    select
        assessments.budget_id,
        assessments.period_start_date,
        assessments.assessment_date,
        sum(series_costs.effective_cost_usd) as last_week_usd,
        least({{ dbt.datediff('min(first_days.first_cost_date)', 'assessments.assessment_date', 'day') }} + 1, 7) as last_week_days
    from assessments
    inner join budget_periods
        on assessments.budget_id = budget_periods.budget_id
        and assessments.period_start_date = budget_periods.period_start_date
    inner join first_days
        on budget_periods.series_id = first_days.series_id
        and assessments.assessment_date >= first_days.first_cost_date
    left join series_costs
        on budget_periods.series_id = series_costs.series_id
        and {{ dbt.datediff('series_costs.cost_date', 'assessments.assessment_date', 'day') }} between 0 and 6
    group by assessments.budget_id, assessments.period_start_date, assessments.assessment_date
),

actual_breaches as (
    select
        budget_id,
        period_start_date,
        min(cost_date) as actual_breach_date
    from cumulated
    where spent_usd > budget_usd
    group by budget_id, period_start_date
),

forecast_breaches as (
    select
        budget_periods.budget_id,
        budget_periods.period_start_date,
        forecast_periods.cutoff_date,
        {% for per_cent in [10, 50, 90] -%}
        min(case
            when forecast_periods.{{ total_column(per_cent) }} > budget_periods.budget_usd
                then forecast_periods.period_end_date
        end) as breach_date_p{{ per_cent }}{{ ',' if not loop.last }}
        {% endfor %}
    from budget_periods
    inner join forecast_periods
        on budget_periods.series_id = forecast_periods.series_id
        and budget_periods.period_start_date = forecast_periods.period_start_date
        and forecast_periods.period_end_date <= budget_periods.period_end_date
    group by budget_periods.budget_id, budget_periods.period_start_date, forecast_periods.cutoff_date
),

assessed as (
    select
        budget_periods.*,
        assessments.cutoff_date,
        assessments.assessment_date,
        assessments.is_latest,
        -- On its last day a period still runs, until a later day, or the mature end of it, is known.
        assessments.is_latest and (
            budget_periods.period_end_date < budget_periods.last_cost_date
            or coalesce(budget_periods.period_end_date <= assessments.cutoff_date, false)
        ) as is_ended,
        assessments.assessment_date < budget_periods.period_start_date as is_upcoming,
        case when budget_periods.is_known_scope then coalesce(spent.spent_usd, 0) end as spent_usd,
        cast(coalesce(run_rates.last_week_usd, 0) as double) / run_rates.last_week_days as run_rate,
        coalesce(greatest(children.children_usd - budget_periods.budget_usd, 0), 0) as overcommitted_usd,
        case when assessments.is_latest then drivers.driver_1 end as driver_1,
        case when assessments.is_latest then drivers.driver_2 end as driver_2,
        case when assessments.is_latest then drivers.driver_3 end as driver_3,
        case
            when actual_breaches.actual_breach_date <= assessments.assessment_date
                then actual_breaches.actual_breach_date
        end as actual_breach_date,
        {% for per_cent in total_quantiles() -%}
        reached.{{ total_column(per_cent) }},
        {% endfor -%}
        coalesce(reached.period_end_date < budget_periods.period_end_date, false) as is_beyond_horizon,
        forecast_breaches.breach_date_p10,
        forecast_breaches.breach_date_p50,
        forecast_breaches.breach_date_p90
    from assessments
    inner join budget_periods
        on assessments.budget_id = budget_periods.budget_id
        and assessments.period_start_date = budget_periods.period_start_date
    left join spent
        on assessments.budget_id = spent.budget_id
        and assessments.period_start_date = spent.period_start_date
        and assessments.assessment_date = spent.assessment_date
    left join run_rates
        on assessments.budget_id = run_rates.budget_id
        and assessments.period_start_date = run_rates.period_start_date
        and assessments.assessment_date = run_rates.assessment_date
    left join children
        on assessments.budget_id = children.budget_id
        and assessments.period_start_date = children.period_start_date
    left join drivers
        on assessments.budget_id = drivers.budget_id
        and assessments.period_start_date = drivers.period_start_date
    left join actual_breaches
        on assessments.budget_id = actual_breaches.budget_id
        and assessments.period_start_date = actual_breaches.period_start_date
    left join reached
        on assessments.budget_id = reached.budget_id
        and assessments.period_start_date = reached.budget_start_date
        and assessments.cutoff_date = reached.cutoff_date
    left join forecast_breaches
        on assessments.budget_id = forecast_breaches.budget_id
        and assessments.period_start_date = forecast_breaches.period_start_date
        and assessments.cutoff_date = forecast_breaches.cutoff_date
),

projected as (
    select
        assessed.*,
        budget_kind = 'commitment' as is_commitment,
        {% for per_cent in [10, 50, 90] -%}
        -- An ended period costs what it cost; what is already spent cannot be forecast away.
        case
            when is_ended then spent_usd
            when is_beyond_horizon then null
            when {{ total_column(per_cent) }} < spent_usd then spent_usd
            else {{ total_column(per_cent) }}
        end as projected_p{{ per_cent }}_usd,
        {% endfor -%}
        case
            when budget_usd is null or spent_usd is null then null
            when spent_usd > budget_usd then 1.0
            when is_ended then 0.0
            else {{ probability_above('budget_usd', 'assessed') }}
        end as passing_probability,
        case when not is_upcoming
            then cast({{ dbt.datediff('period_start_date', 'assessment_date', 'day') }} + 1 as double) / days_in_period
            else 0.0
        end as elapsed_ratio,
        cast(case when budget_usd <> 0 then budget_usd end as double) as cap
    from assessed
),

judged as (
    select
        projected.*,
        case
            when is_commitment and spent_usd >= budget_usd then 0.0
            -- Of a period that ends beyond the horizon it is known that it will be passed, but never that it will not.
            when is_beyond_horizon and (is_commitment or passing_probability < {{ var('budget_at_risk_probability', 0.5) }}) then null
            when is_commitment then 1 - passing_probability
            else passing_probability
        end as breach_probability,
        case
            when is_commitment then is_ended and spent_usd < budget_usd
            else spent_usd > budget_usd
        end as is_breached,
        {% for per_cent in [10, 50, 90] -%}
        -- A commitment that is not met is missed on its last day. An ended period has the breach that it had, or none.
        case
            when is_commitment and projected_p{{ per_cent }}_usd < budget_usd then period_end_date
            when not is_commitment then coalesce(actual_breach_date, case when not is_ended then breach_date_p{{ per_cent }} end)
        end as judged_breach_date_p{{ per_cent }},
        case
            when is_commitment then cast(projected_p{{ per_cent }}_usd as double) / cap - 1
            else 1 - cast(projected_p{{ per_cent }}_usd as double) / cap
        end as headroom_p{{ per_cent }}_ratio{{ ',' if not loop.last }}
        {% endfor %}
    from projected
)

select
    -- ids
    budget_id,
    series_id,
    parent_budget_id,
    -- strings
    budget_name,
    budget_kind,
    period,
    currency,
    case
        when budget_usd is null then 'no_rate'
        when not is_known_scope then 'unknown_scope'
        when is_ended then 'ended'
        when is_commitment and spent_usd >= budget_usd then 'met'
        when is_breached then 'breached'
        when breach_probability is null then 'no_forecast'
        when breach_probability >= {{ var('budget_at_risk_probability', 0.5) }} then 'at_risk'
        else 'ok'
    end as status,
    owner_email,
    channel,
    thresholds,
    driver_1,
    driver_2,
    driver_3,
    -- numerics
    budget_amount,
    budget_usd,
    cast(spent_usd as {{ money_type() }}) as spent_usd,
    cast(run_rate as {{ money_type() }}) as run_rate_usd,
    cast(projected_p10_usd as {{ money_type() }}) as projected_p10_usd,
    cast(projected_p50_usd as {{ money_type() }}) as projected_p50_usd,
    cast(projected_p90_usd as {{ money_type() }}) as projected_p90_usd,
    cast(overcommitted_usd as {{ money_type() }}) as overcommitted_usd,
    cast(breach_probability as double) as breach_probability,
    alert_probability,
    elapsed_ratio,
    cast(spent_usd as double) / cap as spent_ratio,
    cast(spent_usd as double) / cap / nullif(elapsed_ratio, 0) as budget_burn_ratio,
    headroom_p10_ratio,
    headroom_p50_ratio,
    headroom_p90_ratio,
    -- booleans
    is_hard_cap,
    is_latest,
    coalesce(is_breached, false) as is_breached,
    -- dates
    period_start_date,
    period_end_date,
    assessment_date,
    cutoff_date,
    judged_breach_date_p10 as breach_date_p10,
    judged_breach_date_p50 as breach_date,
    judged_breach_date_p90 as breach_date_p90
from judged
