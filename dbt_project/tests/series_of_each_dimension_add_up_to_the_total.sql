-- Every dollar has a series in each dimension, known or `unattributed`: per day the values of a dimension sum to the ledger, exactly.
with

series_costs as (
    select * from {{ ref('int_series_costs_daily') }}
    where dimension_name <> 'budget'
),

dimensions as (
    select distinct dimension_name from series_costs
),

signed as (
    select dimension_name, cost_date, effective_cost_usd from series_costs
    union all
    select dimensions.dimension_name, ledger.usage_date, -ledger.effective_cost_usd
    from {{ ref('fct_cost_ledger') }} as ledger
    cross join dimensions
)

select dimension_name, cost_date, sum(effective_cost_usd) as difference_usd
from signed
group by dimension_name, cost_date
having sum(effective_cost_usd) <> 0
