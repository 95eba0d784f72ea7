-- What each forecast series really cost. A day without a row cost nothing: the ledger has no row for it either.
{%- set sums %}
    sum(effective_cost_usd) as effective_cost_usd, sum(request_count) as request_count, sum(token_count) as token_count
{%- endset %}
with

models as (
    select * from {{ ref('dim_models') }}
),

customers as (
    select * from {{ ref('stg_config__customers') }}
),

budgets as (
    select * from {{ ref('stg_config__budgets') }}
),

scope_costs as (
    select
        scope_costs.*,
        coalesce(models.model_family, 'unknown') as model_family
    from {{ ref('int_scope_costs_daily') }} as scope_costs
    left join models
        on scope_costs.provider_name = models.provider_name
        and scope_costs.model_id = models.model_id
    where scope_costs.effective_cost_usd is not null
),

-- By customer, before shared cost is split among teams. Customers have requests; their tokens are not kept apart.
customer_costs as (
    select
        customer_costs.*,
        coalesce(models.model_family, 'unknown') as model_family,
        coalesce(customers.customer_segment, 'unattributed') as customer_segment,
        cast(null as bigint) as token_count
    from {{ ref('int_customer_costs_daily') }} as customer_costs
    left join models
        on customer_costs.provider_name = models.provider_name
        and customer_costs.model_id = models.model_id
    left join customers
        on customer_costs.customer_id = customers.customer_id
    where customer_costs.effective_cost_usd is not null
),

-- A budget that is no longer in the file keeps its series, for the periods that it had. Its last line decides on the scope.
budget_scopes as (
    select
        *,
        customer_id is not null or customer_segment is not null as is_by_customer
    from (
        select
            *,
            row_number() over (partition by budget_id order by load_id desc, valid_from_date desc) as line_rank
        from budgets
    ) as ranked
    where line_rank = 1 and {{ budget_series_id('ranked') }} like 'budget=%'
),

unioned as (
    {% for dimension, value in series_dimensions().items() -%}
    select '{{ dimension }}' as dimension_name, {{ value }} as dimension_value, usage_date, {{ sums }}
    from scope_costs
    group by all
    union all
    {% endfor -%}
    select 'customer_segment' as dimension_name, customer_segment as dimension_value, usage_date, {{ sums }}
    from customer_costs
    group by all
    union all
    select 'budget' as dimension_name, budget_scopes.budget_id as dimension_value, scope_costs.usage_date, {{ sums }}
    from scope_costs
    inner join budget_scopes
        on not budget_scopes.is_by_customer
        and {{ is_in_scope('scope_costs', 'budget_scopes', scope_columns()[:6]) }}
    group by all
    union all
    select 'budget' as dimension_name, budget_scopes.budget_id as dimension_value, customer_costs.usage_date, {{ sums }}
    from customer_costs
    inner join budget_scopes
        on budget_scopes.is_by_customer
        and {{ is_in_scope('customer_costs', 'budget_scopes', scope_columns()) }}
    group by all
)

select
    case dimension_name when 'total' then 'total' else dimension_name || '=' || dimension_value end as series_id,
    dimension_name,
    dimension_value,
    cast(effective_cost_usd as {{ money_type() }}) as effective_cost_usd,
    cast(request_count as bigint) as request_count,
    cast(token_count as bigint) as token_count,
    usage_date as cost_date
from unioned
