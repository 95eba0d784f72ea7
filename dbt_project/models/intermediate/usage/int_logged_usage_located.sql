-- Logged use with the provider's key and project filled in where the log does not know them: application logs rarely do.
--   1. A key that other logs of the same day show for the same project, service and environment, if it is one key only.
--   2. Else the metered keys of the same account, project, model and token type that still have unexplained use, in proportion to it.
-- Where nothing is metered it stays as logged. Whole numbers stay whole, and the sums of workloads and of keys are both exact: workloads and
-- keys are laid end to end along the same line of tokens, and where they overlap is the use of that workload on that key.
{%- set days = days_to_build() %}
{%- set group_columns = ['usage_date', 'provider_name', 'account_id', 'project_id', 'model_id', 'token_type'] %}
{%- set unit_columns -%}
    usage_date, provider_name, account_id, project_id, api_key_id, model_id, workload_id, service_tier, token_type,
    token_count, usage_quantity, request_count, list_cost_usd
{%- endset %}
with

logged as (
    select *, token_count + usage_quantity as quantity
    from {{ ref('int_logged_token_usage') }}
    where {{ in_days('usage_date', days) }}
),

metered as (
    select
        usage_date, provider_name, account_id, project_id, api_key_id, model_id, token_type,
        sum(token_count + usage_quantity) as metered_quantity
    from {{ ref('int_metered_usage_daily') }}
    where {{ in_days('usage_date', days) }}
    group by all
),

workloads as (
    select * from {{ ref('int_logged_workloads') }}
),

siblings as (
    select
        logged.usage_date,
        logged.provider_name,
        logged.account_id,
        logged.project_id,
        workloads.service_name,
        workloads.environment_tag,
        min(logged.api_key_id) as sibling_api_key_id
    from logged
    inner join workloads
        on logged.workload_id = workloads.workload_id
    where logged.api_key_id is not null and workloads.service_name is not null
    group by all
    having count(distinct logged.api_key_id) = 1
),

keyed as (
    select
        {% for column in ['usage_date', 'provider_name', 'account_id', 'project_id'] %}logged.{{ column }}, {% endfor %}
        coalesce(logged.api_key_id, metered.api_key_id) as api_key_id,
        {% for column in ['model_id', 'workload_id', 'service_tier', 'token_type', 'token_count', 'usage_quantity', 'request_count', 'list_cost_usd', 'quantity'] -%}
        logged.{{ column }}{% if not loop.last %}, {% endif %}
        {%- endfor %}
    from logged
    inner join workloads
        on logged.workload_id = workloads.workload_id
    left join siblings
        on logged.api_key_id is null
        and logged.usage_date = siblings.usage_date
        and logged.provider_name = siblings.provider_name
        and logged.account_id = siblings.account_id
        and logged.project_id is not distinct from siblings.project_id
        and workloads.service_name = siblings.service_name
        and workloads.environment_tag is not distinct from siblings.environment_tag
    left join metered
        on {% for column in group_columns %}logged.{{ column }} is not distinct from metered.{{ column }} and {% endfor %}
        siblings.sibling_api_key_id = metered.api_key_id
),

explained as (
    select {{ group_columns | join(', ') }}, api_key_id, sum(quantity) as explained_quantity
    from keyed
    where api_key_id is not null
    group by all
),

remaining as (
    select
        metered.*,
        metered.metered_quantity - coalesce(explained.explained_quantity, 0) as remaining_quantity
    from metered
    left join explained
        on {% for column in group_columns %}metered.{{ column }} is not distinct from explained.{{ column }} and {% endfor %}
        metered.api_key_id = explained.api_key_id
    where metered.metered_quantity > coalesce(explained.explained_quantity, 0)
),

floating as (
    select
        *,
        row_number() over (order by {{ group_columns | join(', ') }}, workload_id, service_tier) as floating_number,
        dense_rank() over (order by {{ group_columns | join(', ') }}) as group_number,
        sum(quantity) over (
            partition by {{ group_columns | join(', ') }} order by workload_id, service_tier rows unbounded preceding
        ) as ends_at
    from keyed
    where api_key_id is null and quantity > 0
),

floating_groups as (
    select group_number, {{ group_columns | join(', ') }}, sum(quantity) as group_quantity
    from floating
    group by all
),

key_shares as (
    select
        floating_groups.group_number,
        remaining.project_id,
        remaining.api_key_id,
        {{ allocate_exactly(
            'floating_groups.group_quantity', 'remaining.remaining_quantity', 'floating_groups.group_number',
            "coalesce(remaining.project_id, ''), coalesce(remaining.api_key_id, '')", scale=0, type='bigint'
        ) }} as key_quantity
    from floating_groups
    inner join remaining
        on floating_groups.usage_date = remaining.usage_date
        and floating_groups.provider_name = remaining.provider_name
        and coalesce(floating_groups.account_id, remaining.account_id) = remaining.account_id
        and coalesce(floating_groups.project_id, remaining.project_id, '') = coalesce(remaining.project_id, '')
        and floating_groups.model_id = remaining.model_id
        and floating_groups.token_type = remaining.token_type
),

key_spans as (
    select
        *,
        sum(key_quantity) over (
            partition by group_number order by coalesce(project_id, ''), coalesce(api_key_id, '') rows unbounded preceding
        ) as ends_at
    from key_shares
),

parts as (
    select
        floating.*,
        key_spans.project_id as metered_project_id,
        key_spans.api_key_id as metered_api_key_id,
        cast(case
            when key_spans.group_number is null then floating.quantity
            else least(floating.ends_at, key_spans.ends_at)
                - greatest(floating.ends_at - floating.quantity, key_spans.ends_at - key_spans.key_quantity)
        end as bigint) as part_quantity
    from floating
    left join key_spans
        on floating.group_number = key_spans.group_number
        and floating.ends_at - floating.quantity < key_spans.ends_at
        and key_spans.ends_at - key_spans.key_quantity < floating.ends_at
),

placed as (
    select
        usage_date,
        provider_name,
        account_id,
        coalesce(metered_project_id, project_id) as project_id,
        metered_api_key_id as api_key_id,
        model_id,
        workload_id,
        service_tier,
        token_type,
        case when token_count > 0 then part_quantity else 0 end as token_count,
        case when token_count > 0 then 0 else part_quantity end as usage_quantity,
        {%- set order = "coalesce(metered_project_id, ''), coalesce(metered_api_key_id, '')" %}
        {{ allocate_exactly('request_count', 'part_quantity', 'floating_number', order, scale=0, type='bigint') }} as request_count,
        {{ allocate_exactly('list_cost_usd', 'part_quantity', 'floating_number', order) }} as list_cost_usd
    from parts
    where part_quantity > 0
)

select {{ unit_columns }}
from keyed
where api_key_id is not null or quantity = 0
union all
select {{ unit_columns }}
from placed
