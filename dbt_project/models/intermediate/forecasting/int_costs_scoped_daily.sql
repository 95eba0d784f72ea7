-- Cost with every column that a budget can be for, twice: as the ledger has it, and by customer, before shared cost is split among teams.
with

models as (
    select * from {{ ref('dim_models') }}
),

customers as (
    select * from {{ ref('stg_config__customers') }}
),

scope_costs as (
    select * from {{ ref('int_scope_costs_daily') }}
    where effective_cost_usd is not null
),

customer_costs as (
    select * from {{ ref('int_customer_costs_daily') }}
    where effective_cost_usd is not null
),

unioned as (
    select
        false as is_by_customer, team, feature, environment, provider_name, model_id, null as customer_id,
        request_count, token_count, effective_cost_usd, usage_date
    from scope_costs
    union all
    -- Customers have requests; their tokens are not kept apart.
    select
        true, team, feature, environment, provider_name, model_id, customer_id,
        request_count, null, effective_cost_usd, usage_date
    from customer_costs
)

select
    unioned.team,
    unioned.feature,
    unioned.environment,
    unioned.provider_name,
    unioned.model_id,
    coalesce(models.model_family, 'unknown') as model_family,
    unioned.customer_id,
    case when unioned.is_by_customer then coalesce(customers.customer_segment, 'unattributed') end as customer_segment,
    unioned.request_count,
    unioned.token_count,
    unioned.effective_cost_usd,
    unioned.is_by_customer,
    unioned.usage_date
from unioned
left join models
    on unioned.provider_name = models.provider_name
    and unioned.model_id = models.model_id
left join customers
    on unioned.customer_id = customers.customer_id
