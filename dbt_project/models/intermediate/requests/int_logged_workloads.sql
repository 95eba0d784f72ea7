-- What identifies each workload that was logged on a day: where it ran, with which key and model, and the tags that it carried. By day, so
-- that a workload that nothing logs any more, because a day was replaced or its model got another name, goes with its days.
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
    tags_json,
    usage_date
from {{ ref('int_llm_requests_priced') }}
where {{ in_days('usage_date', days) }}
