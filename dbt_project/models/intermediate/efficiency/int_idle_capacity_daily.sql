-- Capacity that was paid for or promised, and not used. Of a commitment or a credit: by how much its spend is behind an even pace at the last
-- known day, laid on the days that were behind, so that the days sum to it. Of throughput that is charged for: charges of days that no use
-- answers to.
with

budget_periods as (
    select * from {{ ref('int_budget_periods') }}
    where
        budget_kind in ('commitment', 'prepaid_credit')
        and budget_usd is not null
        and period_start_date <= last_cost_date
),

series_costs as (
    select * from {{ ref('int_series_costs_daily') }}
),

dates as (
    select * from {{ ref('dim_dates') }}
),

ledger as (
    select * from {{ ref('fct_cost_ledger') }}
),

first_days as (
    select min(cost_date) as first_cost_date from series_costs
),

-- Before the first day of the ledger nothing is known, so nothing was idle.
paced as (
    select
        budget_periods.budget_id,
        budget_periods.budget_kind,
        budget_periods.series_id,
        budget_periods.team,
        budget_periods.feature,
        budget_periods.environment,
        budget_periods.provider_name,
        budget_periods.model_id,
        budget_periods.period_start_date,
        cast(dates.date_day as date) as usage_date,
        cast(cast(budget_periods.budget_usd as double) / budget_periods.days_in_period as decimal(38, 12)) as pace_usd
    from budget_periods
    cross join first_days
    inner join dates
        on dates.date_day between greatest(budget_periods.period_start_date, first_days.first_cost_date)
        and least(budget_periods.period_end_date, budget_periods.last_cost_date)
),

compared as (
    select
        paced.*,
        greatest(paced.pace_usd - cast(coalesce(series_costs.effective_cost_usd, 0) as decimal(38, 12)), 0) as behind_usd,
        greatest(sum(paced.pace_usd - cast(coalesce(series_costs.effective_cost_usd, 0) as decimal(38, 12))) over budget, 0) as idle_usd
    from paced
    left join series_costs
        on paced.series_id = series_costs.series_id
        and paced.usage_date = series_costs.cost_date
    window budget as (partition by paced.budget_id, paced.period_start_date)
),

idle_budgets as (
    select
        *,
        {{ allocate_exactly('idle_usd', 'behind_usd', 'budget_id, period_start_date', 'usage_date') }} as wasted_cost_usd
    from compared
    where idle_usd > 0
),

idle_throughput as (
    select
        team, feature, environment, provider_name, model_id, usage_date,
        sum(effective_cost_usd) as wasted_cost_usd
    from ledger
    where evidence = 'billed' and service_tier = 'scale' and charge_category in ('Usage', 'Purchase')
    group by all
    having sum(effective_cost_usd) > 0
)

select
    budget_id,
    model_id,
    budget_kind as capacity_kind,
    team,
    feature,
    environment,
    provider_name,
    cast(wasted_cost_usd as {{ money_type() }}) as wasted_cost_usd,
    true as is_estimate,
    usage_date
from idle_budgets
where wasted_cost_usd > 0
union all
select
    null as budget_id,
    model_id,
    'throughput' as capacity_kind,
    team,
    feature,
    environment,
    provider_name,
    cast(wasted_cost_usd as {{ money_type() }}) as wasted_cost_usd,
    false as is_estimate,
    usage_date
from idle_throughput
