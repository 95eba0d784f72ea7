-- How fast each budget burns: what is spent so far, where it would be if it burned as the weekdays do, and where the forecast takes it.
with

budget_periods as (
    select * from {{ ref('int_budget_periods') }}
),

dates as (
    select * from {{ ref('dim_dates') }}
),

series_costs as (
    select * from {{ ref('int_series_costs_daily') }}
),

forecast_periods as (
    select * from {{ ref('stg_forecasting__periods') }}
    where scenario = 'base' and period_name = 'to_date' and model_name = '{{ var("shipped_forecast_model") }}'
),

latest as (
    select max(cutoff_date) as cutoff_date from forecast_periods
),

first_days as (
    select series_id, min(cost_date) as first_cost_date
    from series_costs
    group by series_id
),

-- The eight weeks before the period, so that its ideal line does not move while it burns.
pattern_windows as (
    select
        budget_periods.budget_id,
        budget_periods.series_id,
        budget_periods.period_start_date,
        greatest(
            cast({{ dbt.dateadd('day', -56, 'least(budget_periods.period_start_date, budget_periods.last_cost_date)') }} as date),
            first_days.first_cost_date
        ) as first_date,
        cast({{ dbt.dateadd('day', -1, 'least(budget_periods.period_start_date, budget_periods.last_cost_date)') }} as date) as last_date
    from budget_periods
    inner join first_days
        on budget_periods.series_id = first_days.series_id
),

weekday_weights as (
    select
        pattern_windows.budget_id,
        pattern_windows.period_start_date,
        dates.iso_weekday_number,
        greatest(coalesce(cast(sum(series_costs.effective_cost_usd) as double), 0), 0) / count(*) as weekday_weight
    from pattern_windows
    inner join dates
        on dates.date_day between pattern_windows.first_date and pattern_windows.last_date
    left join series_costs
        on pattern_windows.series_id = series_costs.series_id
        and dates.date_day = series_costs.cost_date
    -- Less than two weeks are no pattern.
    where {{ dbt.datediff('pattern_windows.first_date', 'pattern_windows.last_date', 'day') }} >= 13
    group by pattern_windows.budget_id, pattern_windows.period_start_date, dates.iso_weekday_number
),

budget_days as (
    select
        budget_periods.*,
        dates.date_day as burn_date,
        dates.date_day > budget_periods.last_cost_date as is_forecast,
        case
            when budget_periods.is_known_scope then coalesce(series_costs.effective_cost_usd, 0)
        end as effective_cost_usd,
        -- All days alike where there is no pattern, or none of cost.
        case
            when coalesce(sum(weekday_weights.weekday_weight) over whole_period, 0) > 0 then coalesce(weekday_weights.weekday_weight, 0)
            else 1.0
        end as weekday_weight
    from budget_periods
    inner join dates
        on dates.date_day between budget_periods.period_start_date and budget_periods.period_end_date
    left join series_costs
        on budget_periods.series_id = series_costs.series_id
        and dates.date_day = series_costs.cost_date
    left join weekday_weights
        on budget_periods.budget_id = weekday_weights.budget_id
        and budget_periods.period_start_date = weekday_weights.period_start_date
        and dates.iso_weekday_number = weekday_weights.iso_weekday_number
    window whole_period as (partition by budget_periods.budget_id, budget_periods.period_start_date)
),

cumulated as (
    select
        budget_days.*,
        -- From the last known day on, this stays at what is spent.
        sum(effective_cost_usd) over up_to_day as spent_usd,
        sum(weekday_weight) over up_to_day / sum(weekday_weight) over (partition by budget_id, period_start_date) as ideal_ratio
    from budget_days
    window up_to_day as (partition by budget_id, period_start_date order by burn_date rows unbounded preceding)
),

with_forecast as (
    select
        cumulated.*,
        {% for per_cent in [10, 50, 90] -%}
        -- What is already spent cannot be forecast away; the days between the cutoff and today are estimates.
        case
            when not cumulated.is_forecast or forecast_periods.{{ total_column(per_cent) }} is null then null
            else greatest(forecast_periods.{{ total_column(per_cent) }}, cumulated.spent_usd)
        end as forecast_p{{ per_cent }}_usd{{ ',' if not loop.last }}
        {% endfor %}
    from cumulated
    cross join latest
    left join forecast_periods
        on cumulated.series_id = forecast_periods.series_id
        and cumulated.period_start_date = forecast_periods.period_start_date
        and cumulated.burn_date = forecast_periods.period_end_date
        and latest.cutoff_date = forecast_periods.cutoff_date
)

select
    -- ids
    budget_id,
    series_id,
    -- strings
    budget_name,
    budget_kind,
    -- numerics
    budget_usd,
    case when not is_forecast then cast(effective_cost_usd as {{ money_type() }}) end as effective_cost_usd,
    case when not is_forecast then cast(spent_usd as {{ money_type() }}) end as spent_usd,
    cast(cast(budget_usd as double) * ideal_ratio as {{ money_type() }}) as ideal_spent_usd,
    case when not is_forecast then cast(budget_usd - spent_usd as {{ money_type() }}) end as remaining_usd,
    cast(budget_usd - case when is_forecast then forecast_p50_usd else spent_usd end as {{ money_type() }}) as projected_remaining_usd,
    cast(forecast_p10_usd as {{ money_type() }}) as forecast_p10_usd,
    cast(forecast_p50_usd as {{ money_type() }}) as forecast_p50_usd,
    cast(forecast_p90_usd as {{ money_type() }}) as forecast_p90_usd,
    -- booleans
    is_hard_cap,
    is_forecast,
    -- dates
    period_start_date,
    period_end_date,
    burn_date
from with_forecast
