-- What the quality-adjusted price and the cost of pass of each feature and model are estimated from, over the last 90 days. Units are
-- sessions: requests of one session resemble each other.
{%- set groups = ['feature', 'provider_name', 'model_id'] %}
with

last_day as (
    select max(usage_date) as assessment_date from {{ ref('fct_cost_ledger') }}
),

requests as (
    select
        all_requests.*,
        {{ cluster_of('all_requests') }} as cluster_id
    from {{ ref('fct_llm_requests') }} as all_requests
    cross join last_day
    where all_requests.usage_date > last_day.assessment_date - 90 and all_requests.feature is not null
),

requests_judged as (
    select * from {{ ref('int_requests_judged') }}
),

clusters as (
    select
        requests.feature,
        requests.provider_name,
        requests.model_id,
        requests.cluster_id,
        -- Requests that are charged for and have a known cost; scored ones are the requests of the KPI `model_efficiency`.
        sum(requests.effective_cost_usd) filter (where requests.is_billable) as cost_usd,
        count(requests.effective_cost_usd) filter (where requests.is_billable) as priced_count,
        sum(requests.effective_cost_usd) filter (where requests.is_billable and requests_judged.quality_score is not null) as scored_cost_usd,
        sum(cast(requests_judged.quality_score as decimal(18, 9)))
            filter (where requests.is_billable and requests.effective_cost_usd is not null) as score,
        count(requests_judged.quality_score) filter (where requests.is_billable and requests.effective_cost_usd is not null) as scored_count,
        sum(requests_judged.outcome_count) as outcome_count,
        sum(requests_judged.successful_outcome_count) as successful_outcome_count,
        sum(requests_judged.attempt_cost_usd) as attempt_cost_usd,
        sum(requests_judged.attempt_count) filter (where requests_judged.attempt_count > 0) as attempt_count,
        sum(requests_judged.successful_attempt_count) filter (where requests_judged.attempt_count > 0) as successful_attempt_count
    from requests
    left join requests_judged
        on requests.source_name = requests_judged.source_name
        and requests.request_id = requests_judged.request_id
        and requests.usage_date = requests_judged.usage_date
    group by requests.feature, requests.provider_name, requests.model_id, requests.cluster_id
),

moments as (
    {{ moments_of_units('clusters', groups, [
        ('cost_per_request', 'cost_usd', 'priced_count', 12),
        ('quality_adjusted_price', 'scored_cost_usd', 'score', 12),
        ('quality', 'score', 'nullif(scored_count, 0)', 9),
        ('success', 'successful_outcome_count', 'nullif(outcome_count, 0)', 9),
        ('cost_per_attempt', 'attempt_cost_usd', 'attempt_count', 12),
        ('cost_of_pass', 'attempt_cost_usd', 'successful_attempt_count', 12),
    ]) }}
)

select
    moments.*,
    last_day.assessment_date
from moments
cross join last_day
