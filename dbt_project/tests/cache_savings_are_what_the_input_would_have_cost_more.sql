-- Without a cache the same input would have cost exactly so much more: day by day from single requests, and in each row of the mart.
with

requests as (
    select
        requests.usage_date,
        requests.uncached_input_tokens as uncached_tokens,
        coalesce(requests.cache_read_tokens, 0) as read_tokens,
        coalesce(requests.cache_write_5m_tokens, 0) as write_5m_tokens,
        coalesce(requests.cache_write_1h_tokens, 0) as write_1h_tokens,
        prices.uncached_input_usd_per_mtok as uncached_price,
        coalesce(prices.cache_read_usd_per_mtok, 0) as read_price,
        coalesce(prices.cache_write_5m_usd_per_mtok, 0) as write_5m_price,
        coalesce(prices.cache_write_1h_usd_per_mtok, 0) as write_1h_price
    from {{ ref('int_llm_requests_priced') }} as requests
    inner join {{ ref('dim_model_prices') }} as prices
        on requests.price_id = prices.price_id and requests.usage_date = prices.usage_date
    where requests.is_billable and requests.list_cost_usd is not null
),

signed as (
    select usage_date, net_saving_list_usd as saving_usd from {{ ref('mart_cache_economics_daily') }}
    union all
    select
        usage_date,
        {{ token_cost('uncached_tokens', 'uncached_price') }} + {{ token_cost('read_tokens', 'read_price') }}
        + {{ token_cost('write_5m_tokens', 'write_5m_price') }} + {{ token_cost('write_1h_tokens', 'write_1h_price') }}
        - {{ token_cost('(uncached_tokens + read_tokens + write_5m_tokens + write_1h_tokens)', 'uncached_price') }}
    from requests
)

select usage_date, sum(saving_usd) as difference_usd
from signed
group by usage_date
having sum(saving_usd) <> 0
union all
select usage_date, net_saving_list_usd
from {{ ref('mart_cache_economics_daily') }}
where
    uncached_input_list_cost_usd - input_list_cost_usd <> net_saving_list_usd
    or read_saving_usd - write_premium_usd <> net_saving_usd
    or expired_write_cost_usd > write_premium_usd
