-- Question: What does caching save on each prompt, net of what writing it costs, and what is missed?
-- Look for: negative net savings (written and never read) and large missed savings.
-- Tables: finops.mart_cache_economics_daily
select
    team,
    feature,
    prompt_name,
    model_id,
    sum(read_saving_usd) as read_saving_usd,
    sum(write_premium_usd) as write_premium_usd,
    sum(expired_write_cost_usd) as expired_write_cost_usd,
    sum(net_saving_usd) as net_saving_usd,
    sum(missed_saving_usd) as missed_saving_usd
from finops.mart_cache_economics_daily
where usage_date > (select max(usage_date) from finops.mart_cache_economics_daily) - 30
group by all
order by missed_saving_usd desc nulls last;
