-- Logged use with the provider's key and project filled in where the log does not know them: application logs rarely do. Such use is
-- spread over the metered keys that still have unexplained use of the same account, model and token type, in proportion to it; where
-- nothing is metered it stays as logged. Whole numbers stay whole and sums stay exact.
{%- set days = days_to_build() %}
with

logged as (
    select * from {{ ref('int_logged_token_usage') }}
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

keyed as (
    select
        usage_date, provider_name, account_id, project_id, api_key_id, model_id, token_type,
        sum(token_count + usage_quantity) as logged_quantity
    from logged
    where api_key_id is not null
    group by all
),

remaining as (
    select
        metered.usage_date,
        metered.provider_name,
        metered.account_id,
        metered.project_id,
        metered.api_key_id,
        metered.model_id,
        metered.token_type,
        metered.metered_quantity - coalesce(keyed.logged_quantity, 0) as remaining_quantity
    from metered
    left join keyed
        on metered.usage_date = keyed.usage_date
        and metered.provider_name = keyed.provider_name
        and metered.account_id = keyed.account_id
        and metered.project_id is not distinct from keyed.project_id
        and metered.api_key_id = keyed.api_key_id
        and metered.model_id = keyed.model_id
        and metered.token_type = keyed.token_type
    where metered.metered_quantity > coalesce(keyed.logged_quantity, 0)
),

floating as (
    select
        *,
        row_number() over (order by
            usage_date, provider_name, account_id, project_id, model_id, workload_id, service_tier, token_type
        ) as floating_number
    from logged
    where api_key_id is null
),

spread as (
    select
        floating.*,
        remaining.project_id as metered_project_id,
        remaining.api_key_id as metered_api_key_id,
        coalesce(remaining.remaining_quantity, 1) as weight
    from floating
    left join remaining
        on floating.usage_date = remaining.usage_date
        and floating.provider_name = remaining.provider_name
        and coalesce(floating.account_id, remaining.account_id) = remaining.account_id
        and coalesce(floating.project_id, remaining.project_id, '') = coalesce(remaining.project_id, '')
        and floating.model_id = remaining.model_id
        and floating.token_type = remaining.token_type
),

shared as (
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
        {%- set by = 'floating_number' %}
        {%- set order = "coalesce(metered_project_id, ''), coalesce(metered_api_key_id, '')" %}
        {{ allocate_exactly('token_count', 'weight', by, order, scale=0, type='bigint') }} as token_count,
        {{ allocate_exactly('usage_quantity', 'weight', by, order, scale=0, type='bigint') }} as usage_quantity,
        {{ allocate_exactly('request_count', 'weight', by, order, scale=0, type='bigint') }} as request_count,
        {{ allocate_exactly('list_cost_usd', 'weight', by, order) }} as list_cost_usd
    from spread
)

select
    usage_date, provider_name, account_id, project_id, api_key_id, model_id, workload_id, service_tier, token_type,
    token_count, usage_quantity, request_count, list_cost_usd
from logged
where api_key_id is not null
union all
select
    usage_date, provider_name, account_id, project_id, api_key_id, model_id, workload_id, service_tier, token_type,
    token_count, usage_quantity, request_count, list_cost_usd
from shared
where token_count <> 0 or usage_quantity <> 0 or request_count <> 0 or token_type = 'unknown'
