{{ config(materialized='view') }}
-- One request with its owner and its cost. A view: owners and calibration are joined when it is read, so that a changed rule or a
-- restated bill changes history without a single request being written again.
with

requests as (
    select * from {{ ref('int_llm_requests_priced') }}
),

owners as (
    select * from {{ ref('int_workload_owners') }}
),

cost_ratios as (
    select * from {{ ref('int_request_cost_ratios') }}
)

select
    -- ids
    requests.request_id,
    requests.source_name,
    requests.response_id,
    requests.account_id,
    requests.project_id,
    requests.api_key_id,
    requests.model_id,
    requests.workload_id,
    coalesce(requests.customer_tag, owners.rule_customer_id) as customer_id,
    requests.session_id,
    requests.trace_id,
    requests.span_id,
    requests.experiment_id,
    requests.price_id,
    owners.allocation_rule_id,
    requests._load_id as load_id,
    -- strings
    requests.provider_name,
    requests.model_name,
    requests.operation_name,
    requests.service_tier,
    requests.service_name,
    owners.team,
    owners.feature,
    owners.environment,
    owners.allocation_method,
    requests.prompt_name,
    requests.prompt_version,
    requests.variant,
    requests.error_type,
    requests.finish_reason,
    requests.prompt_hash,
    requests.prefix_hash,
    requests.price_status,
    cost_ratios.maturity,
    requests.tags_json,
    -- numerics
    requests.file_line,
    requests.status_code,
{%- for token_type in token_types() %}
    requests.{{ token_column(token_type) }},
{%- endfor %}
    requests.of_which_reasoning_tokens,
    requests.web_search_requests,
    requests.reported_total_tokens,
    requests.prefix_tokens,
    requests.attempt_number,
    requests.duration_seconds,
    requests.list_cost_usd,
    case
        when requests.list_cost_usd = 0 then cast(0 as {{ request_money_type() }})
        else cast(
            cast(requests.list_cost_usd as decimal(18, 12)) * cast(cost_ratios.effective_per_list_ratio as decimal(20, 9)) as {{ request_money_type() }}
        )
    end as effective_cost_usd,
    requests.reported_cost_usd,
    -- booleans
    requests.is_success,
    requests.is_billable,
    requests.is_streaming,
    -- dates and times
    requests.usage_date,
    requests.started_at
from requests
left join owners
    on requests.workload_id = owners.workload_id
    and requests.usage_date between owners.valid_from_date and owners.valid_to_date
left join cost_ratios
    on requests.workload_id = cost_ratios.workload_id
    and requests.service_tier = cost_ratios.service_tier
    and requests.usage_date = cost_ratios.usage_date
