-- Which model each feature could run on instead, what that brings in a month, how good it must be, and whether it is known to be.
with

savings as (
    select * from {{ ref('int_swap_savings') }}
),

quality as (
    select * from {{ ref('int_swap_quality') }}
),

compared as (
    select
        savings.*,
        current_quality.outcome_count as current_outcome_count,
        current_quality.success_rate as current_success_rate,
        current_quality.success_rate_lower as current_success_rate_lower,
        current_quality.success_rate_upper as current_success_rate_upper,
        candidate_quality.outcome_count as candidate_outcome_count,
        candidate_quality.success_rate as candidate_success_rate,
        candidate_quality.success_rate_lower as candidate_success_rate_lower,
        candidate_quality.success_rate_upper as candidate_success_rate_upper,
        current_quality.mean_quality_score as current_mean_quality_score,
        candidate_quality.mean_quality_score as candidate_mean_quality_score,
        current_quality.cost_per_attempt_usd,
        current_quality.value_per_success_usd,
        -- The success rate at which a success costs as much as now.
        cast(current_quality.success_rate as double) * cast(savings.cost_ratio as double) as break_even_success_rate,
        -- The success rate at which what is lost in value is what is saved: (s_now - s) x value = cost per attempt x (1 - ratio).
        cast(current_quality.success_rate as double)
        - cast(current_quality.cost_per_attempt_usd as double) * (1 - cast(savings.cost_ratio as double))
        / nullif(cast(current_quality.value_per_success_usd as double), 0) as value_break_even_success_rate
    from savings
    left join quality as current_quality
        on savings.feature = current_quality.feature
        and savings.provider_name = current_quality.provider_name
        and savings.model_id = current_quality.model_id
    left join quality as candidate_quality
        on savings.feature = candidate_quality.feature
        and savings.candidate_provider_name = candidate_quality.provider_name
        and savings.candidate_model_id = candidate_quality.model_id
),

-- Where nobody said what a success is worth, a failure may cost more than all tokens: at most five points fewer successes are put up with.
bounded as (
    select
        *,
        coalesce(value_break_even_success_rate, cast(current_success_rate as double) - 0.05) as bearable_success_rate
    from compared
),

-- How far the candidate's success rate lies above the stricter of the two, with the interval of a difference of two rates that
-- were each estimated (Newcombe 1998).
measured as (
    select
        *,
        greatest(break_even_success_rate, bearable_success_rate) as required_success_rate,
        case when bearable_success_rate > break_even_success_rate then 1 else cast(cost_ratio as double) end as weight_of_current,
        coalesce(
            current_outcome_count >= 30 and candidate_outcome_count >= 30
            and current_success_rate_lower is not null and candidate_success_rate_lower is not null, false
        ) as is_quality_known
    from bounded
),

judged as (
    select
        *,
        candidate_success_rate - required_success_rate - sqrt(
            power(cast(candidate_success_rate - candidate_success_rate_lower as double), 2)
            + power(weight_of_current * cast(current_success_rate_upper - current_success_rate as double), 2)
        ) as excess_lower,
        candidate_success_rate - required_success_rate + sqrt(
            power(cast(candidate_success_rate_upper - candidate_success_rate as double), 2)
            + power(weight_of_current * cast(current_success_rate - current_success_rate_lower as double), 2)
        ) as excess_upper
    from measured
),

decided as (
    select
        *,
        case
            when saving_upper_per_month <= 0 then 'keep'
            when saving_lower_per_month is null or saving_lower_per_month <= 0 then 'inconclusive'
            when not is_quality_known then 'test first'
            when excess_lower >= 0 then 'switch'
            when excess_upper < 0 then 'keep'
            else 'inconclusive'
        end as verdict
    from judged
),

told as (
    select
        *,
        row_number() over (
            partition by team, feature, provider_name, model_id, service_tier
            order by
                case verdict when 'switch' then 1 when 'test first' then 2 when 'inconclusive' then 3 else 4 end asc,
                saving_lower_per_month desc nulls last, candidate_provider_name asc, candidate_model_id asc
        ) as candidate_rank,
        {{ dollars('saving_per_month') }} || ' a month ('
        || {{ dollars('saving_lower_per_month') }} || ' to ' || {{ dollars('saving_upper_per_month') }} || ')' as saving_text,
        'It needs a success rate of ' || {{ per_cent('required_success_rate') }} as needed_text,
        {{ per_cent('candidate_success_rate') }} || ' (' || {{ per_cent('candidate_success_rate_lower') }} || ' to '
        || {{ per_cent('candidate_success_rate_upper') }} || ') in ' || cast(candidate_outcome_count as varchar) || ' outcomes' as seen_text
    from decided
)

select
    model_id,
    candidate_model_id,
    team,
    feature,
    provider_name,
    candidate_provider_name,
    service_tier,
    candidate_service_tier,
    token_ratio_source,
    verdict,
    case
        when saving_upper_per_month <= 0 then
            candidate_model_id || ' would cost ' || {{ dollars('candidate_cost_per_month') }} || ' a month instead of '
            || {{ dollars('current_cost_per_month') }} || '.'
        when saving_lower_per_month is null then
            'There are too few days of traffic to say what ' || candidate_model_id || ' would save.'
        when saving_lower_per_month <= 0 then
            'Whether ' || candidate_model_id || ' would save anything is not clear: ' || saving_text || '.'
        when verdict = 'test first' and required_success_rate is null then
            candidate_model_id || ' would save ' || saving_text || '; no outcomes say how good ' || model_id || ' is at this.'
        when verdict = 'test first' then
            candidate_model_id || ' would save ' || saving_text || '. ' || needed_text || ', and has '
            || case when coalesce(candidate_outcome_count, 0) = 0 then 'not been tried here.'
                else 'only ' || cast(candidate_outcome_count as varchar) || ' outcomes here.' end
        else
            candidate_model_id || ' would save ' || saving_text || '. ' || needed_text
            || case verdict when 'switch' then ' and has ' when 'keep' then ' and has only ' else '; whether it has that is not clear: ' end
            || seen_text || '.'
    end as finding,
    cast(candidate_rank as integer) as candidate_rank,
    cast(request_count as bigint) as request_count,
    cast(round(request_count_per_month) as bigint) as request_count_per_month,
    cast(out_of_context_request_count as bigint) as out_of_context_request_count,
    {% for column in [
        'current_cost_per_month', 'candidate_cost_per_month', 'saving_per_month', 'saving_lower_per_month', 'saving_upper_per_month'
    ] -%}
    cast({{ column }} as decimal(38, 12)) as {{ column | replace('_per_month', '') }}_usd_per_month,
    {% endfor -%}
    cast(1 - cost_ratio as decimal(38, 12)) as saving_ratio,
    token_ratio,
    token_uncertainty_ratio,
    current_outcome_count,
    candidate_outcome_count,
    {% for column in [
        'current_success_rate', 'current_success_rate_lower', 'current_success_rate_upper', 'candidate_success_rate',
        'candidate_success_rate_lower', 'candidate_success_rate_upper', 'break_even_success_rate', 'value_break_even_success_rate',
        'required_success_rate', 'current_mean_quality_score', 'candidate_mean_quality_score'
    ] -%}
    cast(round({{ column }}, 9) as decimal(38, 12)) as {{ column }},
    {% endfor -%}
    first_date,
    last_date,
    assessment_date
from told
