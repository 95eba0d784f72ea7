select
    feature,
    provider_name,
    model_id,
    tokenizer_name,
    token_source_url,
    decision_note,
    context_window_tokens,
    min_cached_tokens,
    cast(tokens_per_reference as decimal(12, 9)) as tokens_per_reference,
    cast(token_uncertainty_ratio as decimal(12, 9)) as token_uncertainty_ratio,
    is_allowed,
    is_in_use,
    retired_date
from {{ source('lake', 'model_candidates') }}
