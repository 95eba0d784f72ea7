-- Quality-adjusted price per day, feature and model: what a scored request costs, divided by how good it was. Only requests with a score
-- and a known cost count, in cost and in quality alike; the coverage counts all requests with a score.
with

requests_judged as (
    select * from {{ ref('int_requests_judged') }}
    where quality_score is not null
),

requests as (
    select
        all_requests.*,
        requests_judged.quality_score,
        case when all_requests.effective_cost_usd is not null then requests_judged.quality_score end as priced_quality_score
    from {{ ref('fct_llm_requests') }} as all_requests
    inner join requests_judged
        on all_requests.source_name = requests_judged.source_name
        and all_requests.request_id = requests_judged.request_id
        and all_requests.usage_date = requests_judged.usage_date
    where all_requests.is_billable
)

select
    concat(feature, '|', provider_name, '/', model_id) as feature_model,
    count(priced_quality_score) as scored_request_count,
    cast(sum(effective_cost_usd) as {{ money_type() }}) as effective_cost_usd,
    {{ mean_score('priced_quality_score') }} as mean_quality_score,
    count(priced_quality_score) > 0 as is_priced,
    bool_and(coalesce(maturity, 'estimated') <> 'estimated') as is_mature,
    avg(case when price_status = 'priced' then 1.0 else 0.0 end) as priced_ratio,
    avg(case when allocation_method <> 'unattributed' then 1.0 else 0.0 end) as attributed_ratio,
    avg(case when coalesce(maturity, 'estimated') <> 'estimated' then 1.0 else 0.0 end) as matched_ratio,
    usage_date as kpi_date
from requests
group by usage_date, feature, provider_name, model_id
