-- What each forecast series really cost. A day without a row cost nothing: the ledger has no row for it either.
with

scope_costs as (
    select
        usage_date,
        coalesce(team, 'unattributed') as team,
        feature,
        environment,
        provider_name,
        model_id,
        sum(effective_cost_usd) as effective_cost_usd
    from {{ ref('fct_cost_ledger') }}
    where effective_cost_usd is not null
    group by usage_date, coalesce(team, 'unattributed'), feature, environment, provider_name, model_id
),

budgets as (
    select * from {{ ref('stg_config__budgets') }}
    where is_current
),

-- Lines of one budget over time share a scope; the last one decides, as in the forecast.
budget_scopes as (
    select
        {{ budget_series_id('budgets') }} as series_id,
        budgets.team,
        budgets.feature,
        budgets.environment,
        budgets.provider_name,
        budgets.model_id,
        row_number() over (partition by budgets.budget_id order by budgets.valid_from_date desc) as line_rank
    from budgets
),

total_costs as (
    select
        'total' as series_id,
        usage_date as cost_date,
        sum(effective_cost_usd) as effective_cost_usd
    from scope_costs
    group by usage_date
),

team_costs as (
    select
        'team=' || team as series_id,
        usage_date as cost_date,
        sum(effective_cost_usd) as effective_cost_usd
    from scope_costs
    group by team, usage_date
),

budget_costs as (
    select
        budget_scopes.series_id,
        scope_costs.usage_date as cost_date,
        sum(scope_costs.effective_cost_usd) as effective_cost_usd
    from scope_costs
    inner join budget_scopes
        on (budget_scopes.team is null or scope_costs.team = budget_scopes.team)
        and (budget_scopes.feature is null or scope_costs.feature = budget_scopes.feature)
        and (budget_scopes.environment is null or scope_costs.environment = budget_scopes.environment)
        and (budget_scopes.provider_name is null or scope_costs.provider_name = budget_scopes.provider_name)
        and (budget_scopes.model_id is null or scope_costs.model_id = budget_scopes.model_id)
    where budget_scopes.line_rank = 1 and budget_scopes.series_id like 'budget=%'
    group by budget_scopes.series_id, scope_costs.usage_date
),

unioned as (
    select * from total_costs
    union all
    select * from team_costs
    union all
    select * from budget_costs
)

select
    series_id,
    cast(effective_cost_usd as {{ money_type() }}) as effective_cost_usd,
    cost_date
from unioned
