-- Quality-adjusted price per day, feature and model: what a scored request costs, divided by how good it was. Only requests with a score
-- count, in cost and in quality alike.
with

scored as (
    select
        source_name,
        request_id,
        {{ mean_score('quality_score') }} as quality_score
    from {{ ref('fct_outcomes') }}
    where quality_score is not null and matched_by <> 'unmatched'
    group by source_name, request_id
),

requests as (
    select * from {{ ref('fct_llm_requests') }}
    where is_billable and request_id in (select scored.request_id from scored)
),

-- An outcome comes from another source than its request, so the id alone matches.
by_request as (
    select request_id, {{ mean_score('quality_score') }} as quality_score
    from scored
    group by request_id
)

select
    concat(requests.feature, '|', requests.provider_name, '/', requests.model_id) as feature_model,
    count(*) as scored_request_count,
    cast(sum(requests.effective_cost_usd) as {{ money_type() }}) as effective_cost_usd,
    {{ mean_score('by_request.quality_score') }} as mean_quality_score,
    sum(requests.list_cost_usd) is not null as is_priced,
    bool_and(coalesce(requests.maturity, 'estimated') <> 'estimated') as is_mature,
    avg(case when requests.price_status = 'priced' then 1.0 else 0.0 end) as priced_ratio,
    avg(case when requests.allocation_method <> 'unattributed' then 1.0 else 0.0 end) as attributed_ratio,
    avg(case when coalesce(requests.maturity, 'estimated') <> 'estimated' then 1.0 else 0.0 end) as matched_ratio,
    requests.usage_date as kpi_date
from requests
inner join by_request
    on requests.request_id = by_request.request_id
group by requests.usage_date, requests.feature, requests.provider_name, requests.model_id
