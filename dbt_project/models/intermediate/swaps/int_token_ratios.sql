-- How many tokens a candidate makes of what is one token today. The same tokenizer: 1. Else what the file of tokenizers says, else what was
-- seen where both models ran the same revision of a prompt, else 1 with an interval that spans what tokenizers differ by.
with

models as (
    select * from {{ ref('int_swap_models') }}
),

last_day as (
    select max(usage_date) as usage_date from {{ ref('int_scope_costs_daily') }}
),

prompts as (
    select
        requests.feature,
        requests.prompt_name,
        requests.prompt_version,
        requests.provider_name,
        requests.model_id,
        count(*) as request_count,
        avg(cast(requests.uncached_input_tokens + requests.cache_read_tokens + requests.cache_write_5m_tokens + requests.cache_write_1h_tokens
            as double)) as mean_tokens,
        var_samp(cast(requests.uncached_input_tokens + requests.cache_read_tokens + requests.cache_write_5m_tokens + requests.cache_write_1h_tokens
            as double)) as token_variance
    from {{ ref('fct_llm_requests') }} as requests
    cross join last_day
    where
        requests.prompt_version is not null
        and requests.is_success
        and requests.usage_date > cast({{ dbt.dateadd('day', -90, 'last_day.usage_date') }} as date)
    group by requests.feature, requests.prompt_name, requests.prompt_version, requests.provider_name, requests.model_id
    having count(*) >= 50 and sum(requests.uncached_input_tokens) > 0
),

seen_together as (
    select
        one.provider_name,
        one.model_id,
        other.provider_name as candidate_provider_name,
        other.model_id as candidate_model_id,
        other.mean_tokens / one.mean_tokens as seen_ratio,
        -- Relative variance of a ratio of two means. Revisions without spread would weigh without end.
        greatest(
            one.token_variance / one.request_count / (one.mean_tokens * one.mean_tokens)
            + other.token_variance / other.request_count / (other.mean_tokens * other.mean_tokens), 0.000001
        ) as relative_variance
    from prompts as one
    inner join prompts as other
        on one.feature = other.feature
        and one.prompt_name is not distinct from other.prompt_name
        and one.prompt_version = other.prompt_version
        and (one.provider_name <> other.provider_name or one.model_id <> other.model_id)
    where one.mean_tokens > 0 and other.mean_tokens > 0
),

learned as (
    select
        provider_name,
        model_id,
        candidate_provider_name,
        candidate_model_id,
        sum(seen_ratio / relative_variance) / sum(1 / relative_variance) as learned_ratio,
        1.959964 / sqrt(sum(1 / relative_variance)) as learned_uncertainty
    from seen_together
    group by provider_name, model_id, candidate_provider_name, candidate_model_id
),

pairs as (
    select
        models.provider_name,
        models.model_id,
        candidates.provider_name as candidate_provider_name,
        candidates.model_id as candidate_model_id,
        (models.provider_name = candidates.provider_name and models.model_id = candidates.model_id)
        or coalesce(models.tokenizer_name = candidates.tokenizer_name, false) as is_same_tokenizer,
        candidates.tokens_per_reference / models.tokens_per_reference as listed_ratio,
        sqrt(
            cast(models.token_uncertainty_ratio * models.token_uncertainty_ratio as double)
            + cast(candidates.token_uncertainty_ratio * candidates.token_uncertainty_ratio as double)
        ) as listed_uncertainty,
        coalesce(candidates.token_source_url, models.token_source_url) as token_source_url
    from models
    inner join models as candidates
        on models.model_kind = candidates.model_kind
    where models.is_in_use
)

select
    pairs.provider_name,
    pairs.model_id,
    pairs.candidate_provider_name,
    pairs.candidate_model_id,
    case
        when pairs.is_same_tokenizer then 'same tokenizer'
        when pairs.listed_ratio is not null then 'listed: ' || pairs.token_source_url
        when learned.learned_ratio is not null then 'learned from prompts that ran on both'
        else 'assumed'
    end as token_ratio_source,
    cast(case
        when pairs.is_same_tokenizer then 1
        else round(coalesce(pairs.listed_ratio, learned.learned_ratio, 1), 6)
    end as decimal(10, 6)) as token_ratio,
    cast(case
        when pairs.is_same_tokenizer then 0
        when pairs.listed_ratio is not null then round(pairs.listed_uncertainty, 6)
        -- Published comparisons of tokenizers lie within a third of each other.
        else round(coalesce(learned.learned_uncertainty, 0.33), 6)
    end as decimal(10, 6)) as token_uncertainty_ratio
from pairs
left join learned
    on pairs.provider_name = learned.provider_name
    and pairs.model_id = learned.model_id
    and pairs.candidate_provider_name = learned.candidate_provider_name
    and pairs.candidate_model_id = learned.candidate_model_id
