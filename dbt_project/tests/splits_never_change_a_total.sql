-- Invariant 3: what shared cost is split into sums to what it was, per day and workload, money, tokens and requests alike.
{%- set measures = ['request_count', 'token_count', 'usage_quantity', 'list_cost_usd', 'billed_cost_usd', 'effective_cost_usd'] %}
with

signed as (
    select usage_date, workload_id{% for measure in measures %}, coalesce({{ measure }}, 0) as {{ measure }}{% endfor %}
    from {{ ref('fct_cost_ledger') }}
    union all
    select usage_date, workload_id{% for measure in measures %}, -coalesce({{ measure }}, 0){% endfor %}
    from {{ ref('int_ledger_costed') }}
)

select usage_date, workload_id{% for measure in measures %}, sum({{ measure }}) as {{ measure }}{% endfor %}
from signed
group by usage_date, workload_id
having {% for measure in measures %}sum({{ measure }}) <> 0{% if not loop.last %} or {% endif %}{% endfor %}
