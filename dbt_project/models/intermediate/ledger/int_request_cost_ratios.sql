-- Effective cost of a dollar at list price, for each workload, day and tier: what turns a request's list cost into what it effectively cost.
{%- set days = days_to_build('int_ledger_fingerprints') %}
with

costed as (
    select * from {{ ref('int_ledger_costed') }}
    where evidence = 'logged' and charge_category = 'Usage' and {{ in_days('usage_date', days) }}
)

select
    workload_id,
    service_tier,
    cast(cast(sum(effective_cost_usd) as double) / cast(sum(list_cost_usd) as double) as decimal(38, 12)) as effective_per_list_ratio,
    max(maturity) as maturity,
    usage_date
from costed
where list_cost_usd is not null
group by usage_date, workload_id, service_tier
having sum(list_cost_usd) > 0
