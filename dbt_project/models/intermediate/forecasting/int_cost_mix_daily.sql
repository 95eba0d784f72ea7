-- What the cost of the last weeks is made of, customers' segments included: the ledger's cost shared among the segments that caused it.
with

scope_costs as (
    select * from {{ ref('int_scope_costs_daily') }}
),

customer_costs as (
    select * from {{ ref('int_customer_costs_daily') }}
),

customers as (
    select * from {{ ref('stg_config__customers') }}
),

models as (
    select * from {{ ref('dim_models') }}
),

last_day as (
    select max(usage_date) as usage_date from scope_costs
),

recent_costs as (
    select scope_costs.*
    from scope_costs
    cross join last_day
    where
        scope_costs.usage_date > cast({{ dbt.dateadd('day', -92, 'last_day.usage_date') }} as date)
        and scope_costs.effective_cost_usd is not null
),

-- Without the team: shared cost is split among teams after customers have caused it.
segment_weights as (
    select
        customer_costs.usage_date,
        customer_costs.feature,
        customer_costs.environment,
        customer_costs.provider_name,
        customer_costs.model_id,
        customers.customer_segment,
        sum(greatest(customer_costs.effective_cost_usd, 0)) as weight
    from customer_costs
    cross join last_day
    left join customers
        on customer_costs.customer_id = customers.customer_id
    where customer_costs.usage_date > cast({{ dbt.dateadd('day', -92, 'last_day.usage_date') }} as date)
    group by all
),

shared as (
    select
        recent_costs.usage_date,
        recent_costs.team,
        recent_costs.feature,
        recent_costs.environment,
        recent_costs.provider_name,
        recent_costs.model_id,
        segment_weights.customer_segment,
        case
            when segment_weights.weight is null then recent_costs.effective_cost_usd
            else {{ allocate_exactly(
                'recent_costs.effective_cost_usd', 'segment_weights.weight',
                'recent_costs.usage_date, recent_costs.team, recent_costs.feature, recent_costs.environment, recent_costs.provider_name, recent_costs.model_id',
                "coalesce(segment_weights.customer_segment, '')"
            ) }}
        end as effective_cost_usd
    from recent_costs
    left join segment_weights
        on recent_costs.usage_date = segment_weights.usage_date
        and recent_costs.feature = segment_weights.feature
        and recent_costs.environment = segment_weights.environment
        and recent_costs.provider_name = segment_weights.provider_name
        and recent_costs.model_id = segment_weights.model_id
        and segment_weights.weight > 0
)

select
    shared.team,
    shared.feature,
    shared.environment,
    shared.provider_name,
    shared.model_id,
    coalesce(models.model_family, 'unknown') as model_family,
    shared.customer_segment,
    cast(sum(shared.effective_cost_usd) as {{ money_type() }}) as effective_cost_usd,
    shared.usage_date
from shared
left join models
    on shared.provider_name = models.provider_name
    and shared.model_id = models.model_id
group by all
