-- The sizes at which anything changes for a request of a model on any candidate, in tokens of its own: another price, the end of the context
-- window, a prefix long enough to be cached. Between two cuts all requests fare alike.
with

ratios as (
    select * from {{ ref('int_token_ratios') }}
),

models as (
    select * from {{ ref('int_swap_models') }}
),

prices as (
    select distinct candidate_prices.provider_name, candidate_prices.model_id, candidate_prices.min_input_tokens
    from {{ ref('stg_prices__candidate_prices') }} as candidate_prices
    inner join models
        on candidate_prices.provider_name = models.provider_name
        and candidate_prices.model_id = models.model_id
        and models.assessment_date between candidate_prices.valid_from_date and candidate_prices.valid_to_date
    where candidate_prices.min_input_tokens > 0
),

measures as (
    select 'input' as measure
    union all
    select 'context' as measure
    union all
    select 'cached' as measure
),

cuts as (
    select
        ratios.provider_name,
        ratios.model_id,
        'input' as measure,
        cast(ceil(prices.min_input_tokens / ratios.token_ratio) as bigint) as cut_tokens
    from ratios
    inner join prices
        on ratios.candidate_provider_name = prices.provider_name
        and ratios.candidate_model_id = prices.model_id
    union
    select ratios.provider_name, ratios.model_id, 'context', cast(floor(models.context_window_tokens / ratios.token_ratio) as bigint) + 1
    from ratios
    inner join models
        on ratios.candidate_provider_name = models.provider_name
        and ratios.candidate_model_id = models.model_id
    where models.context_window_tokens is not null
    union
    select ratios.provider_name, ratios.model_id, 'cached', cast(ceil(models.min_cached_tokens / ratios.token_ratio) as bigint)
    from ratios
    inner join models
        on ratios.candidate_provider_name = models.provider_name
        and ratios.candidate_model_id = models.model_id
    where models.min_cached_tokens is not null
    union
    select models.provider_name, models.model_id, measures.measure, 0
    from models
    cross join measures
    where models.is_in_use
)

select
    provider_name,
    model_id,
    measure,
    cut_tokens as from_tokens,
    coalesce(lead(cut_tokens) over (partition by provider_name, model_id, measure order by cut_tokens), 9000000000000000000) as to_tokens
from cuts
