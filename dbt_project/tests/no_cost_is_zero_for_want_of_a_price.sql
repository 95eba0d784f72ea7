-- Invariant 6, for cost: a list cost is null exactly where there is no price, and no effective cost is known where nothing else is.
select 'request' as found_in, price_status as reason, count(*) as row_count
from {{ ref('int_llm_requests_priced') }}
where
    (list_cost_usd is null) <> (price_status not in ('priced', 'not_billable'))
    or (price_status = 'not_billable' and list_cost_usd <> 0)
    or (price_status = 'unknown_usage' and coalesce(uncached_input_tokens, output_tokens) is not null)
group by price_status
union all
select 'ledger', evidence, count(*)
from {{ ref('fct_cost_ledger') }}
where list_cost_usd is null and billed_cost_usd is null and effective_cost_usd is not null
group by evidence
