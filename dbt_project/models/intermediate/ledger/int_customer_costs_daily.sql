-- The whole ledger by customer: logged cost shared among the customers of its workload in proportion to their list cost, exactly; by
-- requests where no request of the workload has a price. What no log explains has no customer.
{%- set days = days_to_build('int_ledger_fingerprints') %}
with

costed as (
    select * from {{ ref('int_ledger_costed') }}
    where {{ in_days('usage_date', days) }}
),

customer_usage as (
    -- The evidence is a column to join on: a condition on one side only would keep the join from being hashed.
    select
        *,
        'logged' as evidence,
        case
            when sum(coalesce(list_cost_usd, 0)) over (partition by usage_date, workload_id, service_tier) > 0 then coalesce(list_cost_usd, 0)
            else cast(request_count as {{ money_type() }})
        end as weight
    from {{ ref('int_customer_usage_daily') }}
    where {{ in_days('usage_date', days) }}
),

owners as (
    select * from {{ ref('int_workload_owners') }}
),

workload_costs as (
    select
        usage_date,
        provider_name,
        model_id,
        workload_id,
        service_tier,
        evidence,
        sum(effective_cost_usd) as effective_cost_usd
    from costed
    group by all
),

shared as (
    select
        workload_costs.usage_date,
        workload_costs.provider_name,
        workload_costs.model_id,
        workload_costs.workload_id,
        customer_usage.customer_tag,
        customer_usage.request_count,
        case
            when customer_usage.workload_id is null then workload_costs.effective_cost_usd
            else {{ allocate_exactly(
                'workload_costs.effective_cost_usd', 'customer_usage.weight',
                'workload_costs.usage_date, workload_costs.provider_name, workload_costs.workload_id, workload_costs.service_tier, workload_costs.evidence',
                "coalesce(customer_usage.customer_tag, '')"
            ) }}
        end as effective_cost_usd
    from workload_costs
    left join customer_usage
        on workload_costs.evidence = customer_usage.evidence
        and workload_costs.usage_date = customer_usage.usage_date
        and workload_costs.workload_id = customer_usage.workload_id
        and workload_costs.service_tier = customer_usage.service_tier
        and customer_usage.weight > 0
)

select
    coalesce(shared.customer_tag, owners.rule_customer_id, 'unassigned') as customer_id,
    coalesce(owners.team, 'unattributed') as team,
    coalesce(owners.feature, 'unattributed') as feature,
    coalesce(owners.environment, 'unattributed') as environment,
    shared.provider_name,
    shared.model_id,
    cast(sum(shared.request_count) as bigint) as request_count,
    cast(sum(shared.effective_cost_usd) as {{ money_type() }}) as effective_cost_usd,
    shared.usage_date
from shared
left join owners
    on shared.workload_id = owners.workload_id
    and shared.usage_date between owners.valid_from_date and owners.valid_to_date
group by all
