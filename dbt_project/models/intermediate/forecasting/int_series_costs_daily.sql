-- What each forecast series really cost. A day without a row cost nothing: the ledger has no row for it either.
{%- set sums %}
    sum(effective_cost_usd) as effective_cost_usd, sum(request_count) as request_count, sum(token_count) as token_count
{%- endset %}
with

costs as (
    select * from {{ ref('int_costs_scoped_daily') }}
),

budgets as (
    select * from {{ ref('stg_config__budgets') }}
),

-- A budget that is no longer in the file keeps its series, for the periods that it had. Its last line decides on the scope.
last_lines as (
    select
        *,
        {{ is_by_customer('budgets') }} as is_by_customer,
        row_number() over (partition by budget_id order by load_id desc, valid_from_date desc) as line_rank
    from budgets
),

unioned as (
    {% for dimension, value in series_dimensions().items() -%}
    select '{{ dimension }}' as dimension_name, {{ value }} as dimension_value, usage_date, {{ sums }}
    from costs
    where {{ '' if dimension == 'customer_segment' else 'not ' }}is_by_customer
    group by all
    union all
    {% endfor -%}
    select 'budget' as dimension_name, last_lines.budget_id as dimension_value, costs.usage_date, {{ sums }}
    from costs
    inner join last_lines
        on costs.is_by_customer = last_lines.is_by_customer
        and {{ is_in_scope('costs', 'last_lines', scope_columns()) }}
    where last_lines.line_rank = 1 and {{ budget_series_id('last_lines') }} like 'budget=%'
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
