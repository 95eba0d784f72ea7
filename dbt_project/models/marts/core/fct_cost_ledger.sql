{{ config(
    materialized='incremental', incremental_strategy='replace_days', on_schema_change='fail', post_hook="{{ record_built_days() }}",
    meta={'fingerprints': 'int_ledger_fingerprints', 'fingerprint_column': 'ledger_fingerprint'}
) }}
-- The one ledger: every dollar with its owner, its evidence and how sure it is. Shared cost is split here, exactly; the parts of a split
-- row keep its workload and sum to it, tokens and requests included.
{%- set days = days_to_build('int_ledger_fingerprints') %}
with

costed as (
    select * from {{ ref('int_ledger_costed') }}
    where {{ in_days('usage_date', days) }}
),

owners as (
    select * from {{ ref('int_workload_owners') }}
),

cost_splits as (
    select * from {{ ref('stg_config__cost_splits') }}
),

owned as (
    select
        costed.*,
        owners.team,
        owners.feature,
        owners.environment,
        owners.allocation_method,
        owners.allocation_rule_id,
        row_number() over (order by
            costed.usage_date, costed.provider_name, costed.account_id, costed.project_id, costed.api_key_id, costed.model_id,
            costed.token_type, costed.service_tier, costed.charge_category, costed.workload_id, costed.evidence
        ) as row_number_in_build
    from costed
    left join owners
        on costed.workload_id = owners.workload_id
        and costed.usage_date between owners.valid_from_date and owners.valid_to_date
),

direct_spend as (
    select usage_date, team, greatest(sum(effective_cost_usd), 0) as direct_cost_usd
    from owned
    group by usage_date, team
),

-- A split for one feature of the team goes before a split for the whole team.
receivers as (
    select
        owned.row_number_in_build,
        cost_splits.split_id,
        cost_splits.to_team,
        coalesce(cost_splits.to_feature, owned.feature) as to_feature,
        case cost_splits.split_method
            when 'fixed' then greatest(coalesce(cost_splits.weight, 0), 0)
            when 'direct_spend' then cast(coalesce(direct_spend.direct_cost_usd, 0) as decimal(28, 9))
            else 1
        end as weight,
        dense_rank() over (
            partition by owned.row_number_in_build
            order by case when cost_splits.from_feature is not null then 0 else 1 end, cost_splits.split_id
        ) as split_rank
    from owned
    inner join cost_splits
        on owned.team = cost_splits.from_team
        and (cost_splits.from_feature is null or owned.feature = cost_splits.from_feature)
        and owned.usage_date between cost_splits.valid_from_date and cost_splits.valid_to_date
    left join direct_spend
        on owned.usage_date = direct_spend.usage_date
        and cost_splits.to_team = direct_spend.team
),

weighted as (
    select
        row_number_in_build,
        split_id,
        to_team,
        to_feature,
        -- Nobody spent anything directly that day: then evenly.
        case when sum(weight) over (partition by row_number_in_build) = 0 then 1 else weight end as weight
    from receivers
    where split_rank = 1
),

split_rows as (
    select
        {% for column in [
            'usage_date', 'provider_name', 'account_id', 'project_id', 'api_key_id', 'model_id', 'token_type', 'service_tier',
            'charge_category', 'workload_id', 'environment', 'evidence', 'maturity', 'calibration_basis'
        ] %}owned.{{ column }}, {% endfor %}
        weighted.to_team as team,
        weighted.to_feature as feature,
        'split' as allocation_method,
        weighted.split_id as allocation_rule_id,
        {%- set by = 'owned.row_number_in_build' %}
        {%- set order = "weighted.to_team, coalesce(weighted.to_feature, '')" %}
        {% for column in ['request_count', 'token_count', 'usage_quantity'] -%}
        {{ allocate_exactly('owned.' ~ column, 'weighted.weight', by, order, scale=0, type='bigint') }} as {{ column }},
        {% endfor -%}
        {% for column in ['list_cost_usd', 'billed_cost_usd', 'effective_cost_usd'] -%}
        {{ allocate_exactly('owned.' ~ column, 'weighted.weight', by, order) }} as {{ column }}{% if not loop.last %},{% endif %}
        {% endfor %}
    from owned
    inner join weighted
        on owned.row_number_in_build = weighted.row_number_in_build
    where weighted.weight > 0
),

unsplit_rows as (
    select
        usage_date, provider_name, account_id, project_id, api_key_id, model_id, token_type, service_tier, charge_category, workload_id,
        environment, evidence, maturity, calibration_basis, team, feature, allocation_method, allocation_rule_id,
        request_count, token_count, usage_quantity, list_cost_usd, billed_cost_usd, effective_cost_usd
    from owned
    where row_number_in_build not in (select weighted.row_number_in_build from weighted)
),

unioned as (
    select * from unsplit_rows
    union all
    select * from split_rows
)

select
    -- ids
    {{ text_key([
        'usage_date', 'provider_name', 'account_id', 'project_id', 'api_key_id', 'model_id', 'token_type', 'service_tier', 'charge_category',
        'workload_id', 'evidence', 'team', 'feature'
    ]) }} as ledger_id,
    account_id,
    project_id,
    api_key_id,
    model_id,
    workload_id,
    allocation_rule_id,
    -- strings
    provider_name,
    token_type,
    service_tier,
    charge_category,
    team,
    feature,
    environment,
    allocation_method,
    evidence,
    maturity,
    calibration_basis,
    -- numerics
    request_count,
    token_count,
    usage_quantity,
    cast(list_cost_usd as {{ money_type() }}) as list_cost_usd,
    cast(billed_cost_usd as {{ money_type() }}) as billed_cost_usd,
    cast(effective_cost_usd as {{ money_type() }}) as effective_cost_usd,
    -- dates
    usage_date
from unioned
