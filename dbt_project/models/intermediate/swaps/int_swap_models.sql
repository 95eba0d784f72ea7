-- Models in use and candidates as of today: who may use them is decided per feature elsewhere.
with

last_day as (
    select max(usage_date) as assessment_date from {{ ref('int_scope_costs_daily') }}
),

candidates as (
    select * from {{ ref('stg_prices__model_candidates') }}
    where feature is null
),

prices as (
    select * from {{ ref('stg_prices__candidate_prices') }}
    where min_input_tokens = 0
),

kinds as (
    select
        prices.provider_name,
        prices.model_id,
        bool_or(prices.output_usd_per_mtok is not null) as has_text_output,
        bool_or(prices.audio_output_usd_per_mtok is not null) as has_audio_output,
        bool_or(prices.image_output_usd_per_mtok is not null) as has_image_output
    from prices
    inner join last_day
        on last_day.assessment_date between prices.valid_from_date and prices.valid_to_date
    group by prices.provider_name, prices.model_id
)

select
    candidates.provider_name,
    candidates.model_id,
    case
        when kinds.has_audio_output then 'speech'
        when kinds.has_image_output then 'image'
        when kinds.has_text_output then 'text'
        else 'embedding'
    end as model_kind,
    candidates.tokenizer_name,
    candidates.token_source_url,
    candidates.context_window_tokens,
    candidates.min_cached_tokens,
    candidates.tokens_per_reference,
    candidates.token_uncertainty_ratio,
    candidates.is_in_use,
    last_day.assessment_date
from candidates
inner join kinds
    on candidates.provider_name = kinds.provider_name
    and candidates.model_id = kinds.model_id
cross join last_day
where candidates.retired_date is null or candidates.retired_date > last_day.assessment_date
