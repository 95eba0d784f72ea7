-- How logged, metered, billed and invoiced agree, per provider, account and day. The gap is what was billed minus the list cost of what was
-- logged; the causes add up to it exactly:
--   gap = not_logged + not_metered + unpriced + tier_difference + price_difference + late + credit + rounding
with

costed as (
    select * from {{ ref('int_ledger_costed') }}
),

metered as (
    select
        usage_date, provider_name, account_id,
        sum(token_count) as metered_token_count,
        sum(list_cost_usd) as metered_list_cost_usd
    from {{ ref('int_metered_usage_daily') }}
    group by all
),

excess as (
    select usage_date, provider_name, account_id, sum(excess_list_cost_usd) as excess_list_cost_usd, sum(excess_quantity) as excess_quantity
    from {{ ref('int_usage_excess') }}
    group by all
),

-- Logged, metered and never charged for: refusals, for instance.
waived as (
    select usage_date, provider_name, account_id, sum(waived_list_cost_usd) as waived_list_cost_usd
    from {{ ref('int_logged_token_usage') }}
    group by all
),

invoices as (
    select * from {{ ref('stg_config__invoices') }}
),

summed as (
    select
        usage_date,
        provider_name,
        account_id,
        coalesce(
            min(maturity) filter (where not {{ is_outside_the_bill('provider_name', 'service_tier') }}), 'estimated'
        ) as maturity,
        sum(token_count) filter (where evidence = 'logged') as logged_token_count,
        sum(token_count) filter (where evidence = 'metered') as dark_token_count,
        coalesce(sum(list_cost_usd) filter (where evidence = 'logged' and charge_category = 'Usage'), 0) as logged_list_cost_usd,
        coalesce(sum(list_cost_usd) filter (where evidence = 'metered' and charge_category = 'Usage'), 0) as not_logged_usd,
        coalesce(sum(billed_cost_usd), 0) as billed_cost_usd,
        coalesce(sum(effective_cost_usd), 0) as effective_cost_usd,
        coalesce(sum(billed_cost_usd) filter (where charge_category <> 'Usage'), 0) as credit_usd,
        coalesce(sum(billed_cost_usd) filter (where charge_category = 'Usage' and evidence = 'billed'), 0) as unmatched_billed_usd,
        coalesce(sum(billed_cost_usd) filter (where charge_category = 'Usage' and evidence <> 'billed' and list_cost_usd is null), 0) as unpriced_usd,
        coalesce(sum(billed_cost_usd) filter (where charge_category = 'Usage' and evidence <> 'billed' and list_cost_usd is not null), 0)
            as billed_priced_usd,
        coalesce(sum(coalesce(billed_cost_usd, 0) - list_cost_usd) filter (
            where charge_category = 'Usage' and evidence <> 'billed' and abs(coalesce(billed_cost_usd, 0) - list_cost_usd) <= 0.000001
        ), 0) as rounding_usd
    from costed
    group by usage_date, provider_name, account_id
),

joined as (
    select
        summed.*,
        coalesce(excess.excess_list_cost_usd, 0) as excess_list_cost_usd,
        coalesce(excess.excess_quantity, 0) as logged_above_metered_quantity,
        metered.metered_token_count,
        metered.metered_list_cost_usd,
        -- What the logs and the residual cost at list, if the tiers of the logs were right.
        coalesce(
            metered.metered_list_cost_usd - coalesce(waived.waived_list_cost_usd, 0),
            summed.logged_list_cost_usd + summed.not_logged_usd - coalesce(excess.excess_list_cost_usd, 0)
        ) as expected_list_cost_usd
    from summed
    left join metered
        on summed.usage_date = metered.usage_date
        and summed.provider_name = metered.provider_name
        and summed.account_id = metered.account_id
    left join waived
        on summed.usage_date = waived.usage_date
        and summed.provider_name = waived.provider_name
        and summed.account_id is not distinct from waived.account_id
    left join excess
        on summed.usage_date = excess.usage_date
        and summed.provider_name = excess.provider_name
        and summed.account_id = excess.account_id
),

explained as (
    select
        *,
        billed_cost_usd - logged_list_cost_usd as gap_usd,
        unmatched_billed_usd - excess_list_cost_usd as not_metered_usd,
        expected_list_cost_usd - logged_list_cost_usd - not_logged_usd + excess_list_cost_usd as tier_difference_usd,
        billed_priced_usd - expected_list_cost_usd - rounding_usd as price_or_late_usd
    from joined
),

invoice_days as (
    select
        invoices.invoice_id,
        invoices.provider_name,
        invoices.account_id,
        invoices.invoiced_cost_usd,
        invoices.period_start_date,
        invoices.period_end_date,
        sum(summed.billed_cost_usd) as invoice_period_billed_usd
    from invoices
    left join summed
        on invoices.provider_name = summed.provider_name
        and invoices.account_id = summed.account_id
        and summed.usage_date between invoices.period_start_date and invoices.period_end_date
    group by all
)

select
    -- ids
    explained.account_id,
    invoice_days.invoice_id,
    -- strings
    explained.provider_name,
    explained.maturity,
    -- numerics
    cast(explained.logged_token_count as bigint) as logged_token_count,
    cast(explained.dark_token_count as bigint) as dark_token_count,
    cast(explained.metered_token_count as bigint) as metered_token_count,
    cast(explained.logged_above_metered_quantity as bigint) as logged_above_metered_quantity,
    {% for column in [
        'logged_list_cost_usd', 'metered_list_cost_usd', 'billed_cost_usd', 'effective_cost_usd', 'gap_usd', 'not_logged_usd',
        'not_metered_usd', 'unpriced_usd', 'tier_difference_usd'
    ] -%}
    cast(explained.{{ column }} as {{ money_type() }}) as {{ column }},
    {% endfor -%}
    cast(case when explained.maturity = 'estimated' then 0 else explained.price_or_late_usd end as {{ money_type() }}) as price_difference_usd,
    cast(case when explained.maturity = 'estimated' then explained.price_or_late_usd else 0 end as {{ money_type() }}) as late_usd,
    cast(explained.credit_usd as {{ money_type() }}) as credit_usd,
    cast(explained.rounding_usd as {{ money_type() }}) as rounding_usd,
    -- Of the whole invoice, repeated on each of its days.
    cast(invoice_days.invoiced_cost_usd as {{ money_type() }}) as invoiced_cost_usd,
    cast(invoice_days.invoiced_cost_usd - invoice_days.invoice_period_billed_usd as {{ money_type() }}) as invoice_difference_usd,
    -- dates
    explained.usage_date
from explained
left join invoice_days
    on explained.provider_name = invoice_days.provider_name
    and explained.account_id = invoice_days.account_id
    and explained.usage_date between invoice_days.period_start_date and invoice_days.period_end_date
-- Of invoices that overlap, the one that int_billing_days takes.
qualify row_number() over (
    partition by explained.usage_date, explained.provider_name, explained.account_id order by invoice_days.invoice_id desc
) = 1
