-- What each customer costs, brings and leaves. Revenue of a span is spread evenly over its days, exactly. Cost that no customer caused, or that
-- no log explains, is the customer `unassigned`, so the months sum to the ledger.
with

costs as (
    select
        cast(date_trunc('month', usage_date) as date) as cost_month,
        customer_id,
        sum(request_count) as request_count,
        sum(effective_cost_usd) as effective_cost_usd
    from {{ ref('int_customer_costs_daily') }}
    group by all
),

revenue_lines as (
    select * from {{ ref('stg_logs__revenue') }}
    where revenue_usd is not null
),

revenue_days as (
    select
        revenue_lines.source_name,
        revenue_lines.revenue_id,
        revenue_lines.customer_id,
        revenue_lines.revenue_usd,
        cast({{ days_between('period_start_date', 'period_end_date') }} as date) as revenue_date
    from revenue_lines
),

revenue_shares as (
    select
        customer_id,
        cast(date_trunc('month', revenue_date) as date) as revenue_month,
        {{ allocate_exactly('revenue_usd', '1', 'source_name, revenue_id', 'revenue_date', scale=6) }} as revenue_usd
    from revenue_days
),

revenue as (
    select revenue_month, customer_id, sum(revenue_usd) as revenue_usd
    from revenue_shares
    group by all
),

joined as (
    select
        coalesce(costs.customer_id, revenue.customer_id) as customer_id,
        costs.request_count,
        -- A customer without requests costs nothing; one whose requests have no price costs nobody knows what.
        case when costs.customer_id is null then 0 else costs.effective_cost_usd end as effective_cost_usd,
        revenue.revenue_usd,
        coalesce(costs.cost_month, revenue.revenue_month) as cost_month
    from costs
    full outer join revenue
        on costs.customer_id = revenue.customer_id
        and costs.cost_month = revenue.revenue_month
)

select
    customer_id,
    cast(request_count as bigint) as request_count,
    cast(effective_cost_usd as {{ money_type() }}) as effective_cost_usd,
    -- Null where no revenue was received for the customer: not known is not zero.
    cast(revenue_usd as {{ money_type() }}) as revenue_usd,
    cast(revenue_usd - effective_cost_usd as {{ money_type() }}) as margin_usd,
    case
        when revenue_usd > 0
            then cast((cast(revenue_usd as double) - cast(effective_cost_usd as double)) / cast(revenue_usd as double) as decimal(18, 6))
    end as margin_ratio,
    cost_month
from joined
