"""The SQL of verification: what requests cost, and what they would have cost, by day.

Prices are those of ``core.dim_model_prices`` on the day of a request, and discounts those of that day, so that a change
of either is never taken for a saving.
"""

from __future__ import annotations

import re

TOKEN_TYPES = (
    *("uncached_input", "cache_read", "cache_write_5m", "cache_write_1h", "output"),
    *("audio_input", "audio_output", "image_input", "image_output"),
)
"""Disjoint; each has a column of tokens and one of dollars per million of them."""


def parameters(query: str) -> set[str]:
    """The values that a query asks for."""
    return set(re.findall(r"\$([a-z_]+)", query))


def _cost(tokens: str, prices: str, factor: str = "1.0") -> str:
    """Dollars of a request at given prices: tokens, and searches by the thousand. Use without a price gives null."""
    parts = [
        f"case when coalesce({tokens}.{kind}_tokens, 0) = 0 then 0.0 else cast({tokens}.{kind}_tokens as double) "
        f"* {factor} * cast({prices}.{kind}_usd_per_mtok as double) / 1e6 end"
        for kind in TOKEN_TYPES
    ]
    parts.append(
        f"coalesce({tokens}.web_search_requests, 0) "
        f"* coalesce(cast({prices}.web_search_usd_per_thousand as double), 0) / 1e3"
    )
    return "\n            + ".join(parts)


_INPUT = " + ".join(
    f"coalesce(moved.{kind}_tokens, 0)"
    for kind in ("uncached_input", "cache_read", "cache_write_5m", "cache_write_1h", "audio_input", "image_input")
)

REPRICED = f"""
    with moved as (
        select * from core.fct_llm_requests
        where
            feature = $feature and provider_name = $new_provider and model_id = $new_model
            and service_tier = $new_tier
            and usage_date between $done and $last
            and list_cost_usd > 0 and effective_cost_usd is not null
    ),

    -- A provider that bills another share of its list price than the new one did so that day for all of its requests.
    discounts as (
        select usage_date, sum(cast(effective_cost_usd as double)) / sum(cast(list_cost_usd as double)) as paid_ratio
        from core.fct_llm_requests
        where provider_name = $old_provider and list_cost_usd > 0 and usage_date between $done and $last
        group by usage_date
    ),

    prices as (
        select * from core.dim_model_prices
        where
            provider_name = $old_provider and model_id = $old_model and service_tier = $old_tier
            and usage_date between $done and $last
        -- Several names of one model have one price.
        qualify row_number() over (partition by usage_date, min_input_tokens order by model_name, price_id) = 1
    )

    select
        moved.usage_date,
        count(*) as requests,
        sum(cast(moved.effective_cost_usd as double)) as actual,
        -- Null where the old model has no price, and then the request cannot be compared.
        sum(case when prices.price_id is not null then cast(moved.effective_cost_usd as double) else 0 end) as compared,
        sum((
            {_cost("moved", "prices", "$token_ratio")}
        ) * case
            when $old_provider = $new_provider
                then cast(moved.effective_cost_usd as double) / cast(moved.list_cost_usd as double)
            else discounts.paid_ratio
        end) as counterfactual
    from moved
    left join prices
        on moved.usage_date = prices.usage_date
        and {_INPUT} >= prices.min_input_tokens
        and ({_INPUT} <= prices.max_input_tokens or prices.max_input_tokens is null)
    left join discounts
        on moved.usage_date = discounts.usage_date
    group by moved.usage_date
    order by moved.usage_date
"""

SHARE_OF_NEW = """
    select
        avg(cast(is_new as double)) filter (where not is_after) as share_before,
        avg(cast(is_new as double)) filter (where is_after) as share_after
    from (
        select
            usage_date >= $done as is_after,
            provider_name = $new_provider and model_id = $new_model and service_tier = $new_tier as is_new
        from core.fct_llm_requests
        where feature = $feature and usage_date between $first and $last and list_cost_usd > 0
    ) as requests
"""

OLD_TIER = """
    select service_tier
    from core.fct_llm_requests
    where
        feature = $feature and provider_name = $old_provider and model_id = $old_model and service_tier <> $new_tier
        and usage_date >= $first and usage_date < $done and list_cost_usd > 0
    group by service_tier
    order by sum(list_cost_usd) desc, service_tier
    limit 1
"""

_SEGMENTED = """
    with requests as (
        select
            requests.*,
            coalesce(environment, '') || '/' || provider_name || '/' || model_id || '/' || coalesce(service_tier, '')
                as segment,
            cast(effective_cost_usd as double) / cast(list_cost_usd as double) as paid_ratio
        from core.fct_llm_requests as requests
        where
            feature = $feature and usage_date between $first and $last
            and list_cost_usd > 0 and effective_cost_usd is not null
            {scope}
    )
"""

_MEAN_PRICES = ",\n            ".join(
    f"avg(requests.paid_ratio * cast(prices.{kind}_usd_per_mtok as double)) as {kind}_usd_per_mtok"
    for kind in TOKEN_TYPES
)

RATES = f"""
    {
    _SEGMENTED.format(
        scope="and ($provider is null or provider_name = $provider) and ($model is null or model_id = $model)"
    )
},

    -- What a token of each type costs since the change, discount and context band as they come.
    paid_prices as (
        select
            requests.segment,
            {_MEAN_PRICES},
            avg(requests.paid_ratio * cast(prices.web_search_usd_per_thousand as double)) as web_search_usd_per_thousand
        from requests
        inner join core.dim_model_prices as prices
            on requests.price_id = prices.price_id
            and requests.usage_date = prices.usage_date
        where requests.usage_date >= $done
        group by requests.segment
    )

    select segment, true as is_after, count(*) as requests, sum(cast(effective_cost_usd as double)) as cost
    from requests
    where usage_date >= $done
    group by segment, usage_date
    union all
    select
        requests.segment,
        false as is_after,
        count(*) as requests,
        sum(
            {_cost("requests", "paid_prices")}
        ) as cost
    from requests
    inner join paid_prices
        on requests.segment = paid_prices.segment
    where requests.usage_date < $done
    group by requests.segment, requests.usage_date
"""

ARMS = """
    with requests as (
        select
            coalesce(environment, '') as segment,
            usage_date >= $done as is_after,
            cast(list_cost_usd as double) as list_cost,
            cast(effective_cost_usd as double) as effective_cost,
            usage_date
        from core.fct_llm_requests
        where
            feature = $feature and usage_date between $first and $last
            and list_cost_usd > 0 and effective_cost_usd is not null
    ),

    paid_ratios as (
        select segment, sum(effective_cost) / sum(list_cost) as paid_ratio
        from requests
        where is_after
        group by segment
    )

    select
        requests.segment,
        requests.is_after,
        count(*) as requests,
        sum(
            case
                when requests.is_after then requests.effective_cost
                else requests.list_cost * paid_ratios.paid_ratio
            end
        ) as cost
    from requests
    inner join paid_ratios
        on requests.segment = paid_ratios.segment
    group by requests.segment, requests.is_after, requests.usage_date
"""

WASTE_DAYS = """
    with costs as (
        select usage_date, sum(cast(effective_cost_usd as double)) as cost, sum(request_count) as requests
        from core.fct_cost_ledger
        where
            usage_date between $first and $last
            and ($feature is null or feature = $feature)
            and ($provider is null or provider_name = $provider)
            and ($model is null or model_id = $model)
        group by usage_date
    ),

    waste as (
        select usage_date, sum(cast(wasted_cost_usd as double)) as wasted
        from finops.mart_waste_daily
        where
            waste_kind = $waste_kind and usage_date between $first and $last
            and ($feature is null or feature = $feature)
            and ($provider is null or provider_name = $provider)
            and ($model is null or model_id = $model)
        group by usage_date
    )

    select costs.usage_date >= $done as is_after, coalesce(waste.wasted, 0) as wasted, costs.cost, costs.requests
    from costs
    left join waste
        on costs.usage_date = waste.usage_date
    order by costs.usage_date
"""
