-- Logged use with the provider's account, project and key filled in where the log does not know them: application logs rarely do.
--   1. A key that other logs of the same day show for the same project, service and environment, if it is one key only.
--   2. A key that the day's meter shows in one account and project only is in that one, whatever the log says.
--   3. Else the metered keys of the same model and token type, and of the account and project as far as the log knows them, that still have
--      unexplained use, in proportion to it. Use whose account and project are known goes first, and the other fills what it leaves.
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
    select
        *,
        token_count + usage_quantity as quantity,
        api_key_id is null as is_keyless
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
    where {{ in_days('usage_date', days) }}
),

siblings as (
    select
        logged.usage_date,
        logged.provider_name,
        logged.account_id,
        logged.project_id,
        workloads.service_name,
        workloads.environment_tag,
        min(logged.api_key_id) as sibling_api_key_id,
        -- Joined on: a condition on one side only would keep the join from being hashed.
        true as is_keyless
    from logged
    inner join workloads
        on logged.usage_date = workloads.usage_date
        and logged.workload_id = workloads.workload_id
    where logged.api_key_id is not null and workloads.service_name is not null
    group by all
    having count(distinct logged.api_key_id) = 1
),

metered_keys as (
    select
        usage_date,
        provider_name,
        api_key_id,
        min(account_id) as key_account_id,
        min(project_id) as key_project_id
    from metered
    where api_key_id is not null
    group by all
    having count(distinct account_id) = 1 and count(distinct coalesce(project_id, '')) = 1
),

metered_defaults as (
    select distinct usage_date, provider_name, account_id
    from metered
    where provider_name = 'anthropic' and project_id = 'default'
),

siblings_found as (
    select
        logged.*,
        coalesce(logged.api_key_id, metered.api_key_id) as known_api_key_id
    from logged
    inner join workloads
        on logged.usage_date = workloads.usage_date
        and logged.workload_id = workloads.workload_id
    left join siblings
        on logged.is_keyless = siblings.is_keyless
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

keyed as (
    select
        siblings_found.usage_date,
        siblings_found.provider_name,
        coalesce(siblings_found.account_id, metered_keys.key_account_id) as account_id,
        case
            when metered_keys.api_key_id is not null then metered_keys.key_project_id
            -- Logs without a workspace are taken for the default one; where the meter shows no use in it, they just do not say.
            when
                siblings_found.known_api_key_id is null and siblings_found.provider_name = 'anthropic'
                and siblings_found.project_id = 'default' and metered_defaults.account_id is null
                then null
            else siblings_found.project_id
        end as project_id,
        siblings_found.known_api_key_id as api_key_id,
        {% for column in ['model_id', 'workload_id', 'service_tier', 'token_type', 'token_count', 'usage_quantity', 'request_count', 'list_cost_usd', 'quantity'] -%}
        siblings_found.{{ column }}{% if not loop.last %}, {% endif %}
        {%- endfor %}
    from siblings_found
    left join metered_keys
        on siblings_found.usage_date = metered_keys.usage_date
        and siblings_found.provider_name = metered_keys.provider_name
        and coalesce(siblings_found.account_id, metered_keys.key_account_id) = metered_keys.key_account_id
        and siblings_found.known_api_key_id = metered_keys.api_key_id
    left join metered_defaults
        on siblings_found.usage_date = metered_defaults.usage_date
        and siblings_found.provider_name = metered_defaults.provider_name
        and siblings_found.account_id = metered_defaults.account_id
),

{% for stage in [1, 2] -%}
{%- set keyed_before = 'keyed' if stage == 1 else 'placed_1' %}
{%- set metered_before = 'metered' if stage == 1 else 'remaining_1' %}
{%- set order = "coalesce(metered_account_id, ''), coalesce(metered_project_id, ''), coalesce(metered_api_key_id, '')" %}
explained_{{ stage }} as (
    select {{ group_columns | join(', ') }}, api_key_id, sum(quantity) as explained_quantity
    from {{ keyed_before }}
    where api_key_id is not null
    group by all
),

remaining_{{ stage }} as (
    select
        {% for column in group_columns %}{{ metered_before }}.{{ column }}, {% endfor %}
        {{ metered_before }}.api_key_id,
        {{ metered_before }}.metered_quantity - coalesce(explained_{{ stage }}.explained_quantity, 0) as metered_quantity
    from {{ metered_before }}
    left join explained_{{ stage }}
        on {% for column in group_columns %}{{ metered_before }}.{{ column }} is not distinct from explained_{{ stage }}.{{ column }} and {% endfor %}
        {{ metered_before }}.api_key_id = explained_{{ stage }}.api_key_id
    where {{ metered_before }}.metered_quantity > coalesce(explained_{{ stage }}.explained_quantity, 0)
),

floating_{{ stage }} as (
    select
        *,
        row_number() over (order by {{ group_columns | join(', ') }}, workload_id, service_tier) as floating_number,
        dense_rank() over (order by {{ group_columns | join(', ') }}) as group_number,
        sum(quantity) over (
            partition by {{ group_columns | join(', ') }} order by workload_id, service_tier rows unbounded preceding
        ) as ends_at
    from keyed
    where
        api_key_id is null and quantity > 0
        and {% if stage == 2 %}not {% endif %}(account_id is not null and project_id is not null)
),

floating_groups_{{ stage }} as (
    select group_number, {{ group_columns | join(', ') }}, sum(quantity) as group_quantity
    from floating_{{ stage }}
    group by all
),

key_shares_{{ stage }} as (
    select
        floating_groups.group_number,
        remaining.account_id as metered_account_id,
        remaining.project_id as metered_project_id,
        remaining.api_key_id as metered_api_key_id,
        {{ allocate_exactly(
            'floating_groups.group_quantity', 'remaining.metered_quantity', 'floating_groups.group_number',
            "coalesce(remaining.account_id, ''), coalesce(remaining.project_id, ''), coalesce(remaining.api_key_id, '')", scale=0, type='bigint'
        ) }} as key_quantity
    from floating_groups_{{ stage }} as floating_groups
    inner join remaining_{{ stage }} as remaining
        on floating_groups.usage_date = remaining.usage_date
        and floating_groups.provider_name = remaining.provider_name
        and coalesce(floating_groups.account_id, remaining.account_id) = remaining.account_id
        and coalesce(floating_groups.project_id, remaining.project_id, '') = coalesce(remaining.project_id, '')
        and floating_groups.model_id = remaining.model_id
        and floating_groups.token_type = remaining.token_type
),

key_spans_{{ stage }} as (
    select
        *,
        sum(key_quantity) over (partition by group_number order by {{ order }} rows unbounded preceding) as ends_at
    from key_shares_{{ stage }}
),

parts_{{ stage }} as (
    select
        floating.*,
        key_spans.metered_account_id,
        key_spans.metered_project_id,
        key_spans.metered_api_key_id,
        cast(case
            when key_spans.group_number is null then floating.quantity
            else least(floating.ends_at, key_spans.ends_at)
                - greatest(floating.ends_at - floating.quantity, key_spans.ends_at - key_spans.key_quantity)
        end as bigint) as part_quantity
    from floating_{{ stage }} as floating
    left join key_spans_{{ stage }} as key_spans
        on floating.group_number = key_spans.group_number
        and floating.ends_at - floating.quantity < key_spans.ends_at
        and key_spans.ends_at - key_spans.key_quantity < floating.ends_at
),

placed_{{ stage }} as (
    select
        usage_date,
        provider_name,
        coalesce(metered_account_id, account_id) as account_id,
        coalesce(metered_project_id, project_id) as project_id,
        metered_api_key_id as api_key_id,
        model_id,
        workload_id,
        service_tier,
        token_type,
        part_quantity as quantity,
        case when token_count > 0 then part_quantity else 0 end as token_count,
        case when token_count > 0 then 0 else part_quantity end as usage_quantity,
        {{ allocate_exactly('request_count', 'part_quantity', 'floating_number', order, scale=0, type='bigint') }} as request_count,
        {{ allocate_exactly('list_cost_usd', 'part_quantity', 'floating_number', order) }} as list_cost_usd
    from parts_{{ stage }}
    where part_quantity > 0
),

{% endfor -%}
unioned as (
    select {{ unit_columns }}
    from keyed
    where api_key_id is not null or quantity = 0
    union all
    select {{ unit_columns }}
    from placed_1
    union all
    select {{ unit_columns }}
    from placed_2
)

select * from unioned
