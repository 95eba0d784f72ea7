{{ config(incremental_strategy='delete+insert', unique_key='workload_id') }}
-- What identifies each workload that was logged: where it ran, with which key and model, and the tags that it carried.
{%- set days = days_to_build() %}
select distinct
    workload_id,
    provider_name,
    account_id,
    project_id,
    api_key_id,
    model_id,
    service_name,
    team_tag,
    feature_tag,
    environment_tag,
    tags_json
from {{ ref('int_llm_requests_priced') }}
where {{ in_days('usage_date', days) }}
