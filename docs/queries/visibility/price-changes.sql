-- Question: Which models that we use changed their price, and when?
-- Look for: the day from which a new price holds, against a step in spend. Only input and output prices are compared.
-- Tables: core.dim_model_prices
with prices as (
    select distinct
        model_id,
        service_tier,
        min_input_tokens,
        valid_from_date,
        uncached_input_usd_per_mtok,
        output_usd_per_mtok
    from core.dim_model_prices
)

select
    model_id,
    service_tier,
    min_input_tokens,
    valid_from_date,
    lag(uncached_input_usd_per_mtok) over model_tier as input_before_usd_per_mtok,
    uncached_input_usd_per_mtok as input_usd_per_mtok,
    lag(output_usd_per_mtok) over model_tier as output_before_usd_per_mtok,
    output_usd_per_mtok
from prices
window model_tier as (partition by model_id, service_tier, min_input_tokens order by valid_from_date)
qualify
    lag(valid_from_date) over model_tier is not null
    and (input_before_usd_per_mtok, output_before_usd_per_mtok) is distinct from (input_usd_per_mtok, output_usd_per_mtok)
order by valid_from_date desc, model_id, service_tier;
