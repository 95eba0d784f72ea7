-- Question: Which features grew most between the last two complete months?
-- Look for: growth in cost without growth in requests means a dearer request.
-- Tables: core.fct_cost_ledger
with months as (
    select date_trunc('month', max(usage_date) + 1)::date as current_month, min(usage_date) as first_date
    from core.fct_cost_ledger
),

features as (
    select
        team,
        feature,
        sum(effective_cost_usd) filter (where usage_date >= current_month - interval 1 month) as effective_cost_usd,
        sum(effective_cost_usd) filter (where usage_date < current_month - interval 1 month) as before_cost_usd,
        sum(request_count) filter (where usage_date >= current_month - interval 1 month) as request_count,
        sum(request_count) filter (where usage_date < current_month - interval 1 month) as before_request_count
    from core.fct_cost_ledger
    cross join months
    where
        usage_date >= current_month - interval 2 month and usage_date < current_month
        -- Nothing where data begins within the earlier month: that would show as growth.
        and first_date <= current_month - interval 2 month
    group by all
)

select
    *,
    effective_cost_usd - coalesce(before_cost_usd, 0) as change_usd
from features
order by abs(change_usd) desc nulls last;
