-- The models that each feature ran on in the last 90 days, with what their outcomes and scores count, and the score that is configured for
-- them where none was measured.
with

last_day as (
    select max(usage_date) as assessment_date from {{ ref('fct_cost_ledger') }}
),

requests as (
    select
        all_requests.*,
        last_day.assessment_date
    from {{ ref('fct_llm_requests') }} as all_requests
    cross join last_day
    where all_requests.usage_date > last_day.assessment_date - 90 and all_requests.feature is not null
),

requests_judged as (
    select * from {{ ref('int_requests_judged') }}
),

score_sources as (
    select
        outcome_costs.feature,
        outcome_costs.provider_name,
        outcome_costs.model_id,
        string_agg(distinct outcome_costs.score_source, ', ' order by outcome_costs.score_source) as score_sources
    from {{ ref('int_outcome_costs') }} as outcome_costs
    cross join last_day
    where outcome_costs.quality_score is not null and outcome_costs.request_date > last_day.assessment_date - 90
    group by outcome_costs.feature, outcome_costs.provider_name, outcome_costs.model_id
),

model_quality as (
    select * from {{ ref('stg_config__model_quality') }}
),

counted as (
    select
        max_by(requests.team, requests.started_at) as team,
        requests.feature,
        requests.provider_name,
        requests.model_id,
        count(*) filter (where requests.is_billable) as request_count,
        count(requests_judged.quality_score) filter (where requests.is_billable and requests.effective_cost_usd is not null)
            as scored_request_count,
        cast(coalesce(sum(requests_judged.outcome_count), 0) as bigint) as outcome_count,
        cast(coalesce(sum(requests_judged.successful_outcome_count), 0) as bigint) as successful_outcome_count,
        -- Refused requests cost nothing; that is no total where the charged ones have no price.
        cast(case
            when count(requests.effective_cost_usd) filter (where requests.is_billable) > 0
                or count(*) filter (where requests.is_billable) = 0
                then sum(requests.effective_cost_usd)
        end as {{ money_type() }}) as effective_cost_usd,
        min(requests.usage_date) as first_date,
        max(requests.usage_date) as last_date,
        any_value(requests.assessment_date) as assessment_date
    from requests
    left join requests_judged
        on requests.source_name = requests_judged.source_name
        and requests.request_id = requests_judged.request_id
        and requests.usage_date = requests_judged.usage_date
    group by requests.feature, requests.provider_name, requests.model_id
)

select
    -- strings
    counted.team,
    counted.feature,
    counted.provider_name,
    counted.model_id,
    case
        when counted.scored_request_count > 0 then 'outcomes'
        when coalesce(of_feature.quality_score, of_model.quality_score) is not null then 'config'
    end as quality_source,
    case
        when counted.scored_request_count > 0 then score_sources.score_sources
        else coalesce(of_feature.score_source, of_model.score_source)
    end as score_source,
    -- numerics
    counted.request_count,
    counted.scored_request_count,
    counted.outcome_count,
    counted.successful_outcome_count,
    counted.effective_cost_usd,
    case when counted.scored_request_count = 0 then coalesce(of_feature.quality_score, of_model.quality_score) end
        as configured_quality_score,
    -- dates
    counted.first_date,
    counted.last_date,
    counted.assessment_date
from counted
left join score_sources
    on counted.feature = score_sources.feature
    and counted.provider_name = score_sources.provider_name
    and counted.model_id = score_sources.model_id
left join model_quality as of_feature
    on counted.feature = of_feature.feature
    and counted.provider_name = of_feature.provider_name
    and counted.model_id = of_feature.model_id
left join model_quality as of_model
    on of_model.feature is null
    and counted.provider_name = of_model.provider_name
    and counted.model_id = of_model.model_id
