-- How much of each series a planned change concerns, and how the change falls on the series of each dimension, by the last four weeks.
{%- set columns = ['team', 'feature', 'environment', 'provider_name', 'model_id', 'model_family', 'customer_segment'] %}
{%- set dimensions = series_dimensions() %}
with

cost_mix as (
    select * from {{ ref('int_cost_mix_daily') }}
),

changes as (
    select * from {{ ref('stg_config__planned_changes') }}
),

budgets as (
    select
        *,
        {{ budget_series_id('budgets') }} as series_id
    from {{ ref('stg_config__budgets') }} as budgets
    where is_current
),

-- A single customer is not kept apart here: a budget of one is taken for one of all that else is in its scope.
budget_scopes as (
    select
        *,
        row_number() over (partition by budget_id order by valid_from_date desc) as line_rank
    from budgets
    where series_id like 'budget=%'
),

last_day as (
    select max(usage_date) as usage_date from cost_mix
),

cells as (
    select
        cost_mix.team,
        cost_mix.feature,
        cost_mix.environment,
        cost_mix.provider_name,
        cost_mix.model_id,
        cost_mix.model_family,
        coalesce(cost_mix.customer_segment, 'unattributed') as customer_segment,
        sum(cost_mix.effective_cost_usd) as effective_cost_usd
    from cost_mix
    cross join last_day
    where cost_mix.usage_date > cast({{ dbt.dateadd('day', -28, 'last_day.usage_date') }} as date)
    group by all
),

-- Every cell for every change, and whether the change concerns it.
change_cells as (
    select
        changes.change_id,
        cells.*,
        case when {{ is_in_scope('cells', 'changes', columns) }} then cells.effective_cost_usd else 0 end as scope_cost_usd
    from changes
    cross join cells
),

by_series as (
    {% for dimension, value in dimensions.items() -%}
    select
        change_id, '{{ dimension }}' as dimension_name, {{ value }} as dimension_value,
        sum(effective_cost_usd) as series_cost_usd, sum(scope_cost_usd) as scope_cost_usd
    from change_cells
    group by all
    union all
    {% endfor -%}
    select
        change_cells.change_id, 'budget' as dimension_name, budget_scopes.budget_id as dimension_value,
        sum(change_cells.effective_cost_usd) as series_cost_usd, sum(change_cells.scope_cost_usd) as scope_cost_usd
    from change_cells
    inner join budget_scopes
        on budget_scopes.line_rank = 1
        and {{ is_in_scope('change_cells', 'budget_scopes', columns) }}
    group by all
),

change_totals as (
    select change_id, scope_cost_usd
    from by_series
    where dimension_name = 'total'
),

-- Nothing was spent in the scope of the change yet: it falls where it says itself.
named_changes as (
    select
        changes.change_id,
        {%- for column in columns %}
        coalesce(changes.{{ column }}, '{{ 'unknown' if column == 'model_family' else 'unattributed' }}') as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from changes
    left join change_totals
        on changes.change_id = change_totals.change_id
    where coalesce(change_totals.scope_cost_usd, 0) <= 0
),

placed as (
    select
        by_series.change_id,
        by_series.dimension_name,
        by_series.dimension_value,
        {{ ratio('by_series.scope_cost_usd', 'by_series.series_cost_usd') }} as share_ratio,
        {{ ratio('by_series.scope_cost_usd', 'change_totals.scope_cost_usd') }} as scope_ratio
    from by_series
    inner join change_totals
        on by_series.change_id = change_totals.change_id
    where by_series.scope_cost_usd > 0 and change_totals.scope_cost_usd > 0
    {%- for dimension, value in dimensions.items() %}
    union all
    select change_id, '{{ dimension }}', {{ value }}, 0, 1
    from named_changes
    {%- endfor %}
    union all
    select named_changes.change_id, 'budget', budget_scopes.budget_id, 0, 1
    from named_changes
    inner join budget_scopes
        on budget_scopes.line_rank = 1
        and {{ is_in_scope('named_changes', 'budget_scopes', columns) }}
)

select
    change_id,
    case dimension_name when 'total' then 'total' else dimension_name || '=' || dimension_value end as series_id,
    dimension_name,
    dimension_value,
    cast(share_ratio as double) as share_ratio,
    cast(scope_ratio as double) as scope_ratio
from placed
