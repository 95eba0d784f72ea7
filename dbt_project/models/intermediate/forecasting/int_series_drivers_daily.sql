-- The drivers behind the cost of each series: cost = requests x tokens per request x price per token.
select
    series_id,
    effective_cost_usd,
    request_count,
    token_count,
    cost_date
from {{ ref('int_series_costs_daily') }}
