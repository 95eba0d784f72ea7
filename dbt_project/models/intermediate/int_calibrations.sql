-- Billed / list of the trailing settled days, for each day whose bill has not settled: by model where the model was billed in that time,
-- else by account, else 1 (list price as it is). The basis says which. A sum below zero (more refunds than use) or more than
-- a thousand times the list cost (lines that name no model, on little use) says nothing about prices.
with

calibration_days as (
    select * from {{ ref('int_calibration_days') }}
),

billing_days as (
    select * from {{ ref('int_billing_days') }}
),

settled as (
    select calibration_days.*
    from calibration_days
    inner join billing_days
        on calibration_days.provider_name = billing_days.provider_name
        and calibration_days.account_id = billing_days.account_id
        and calibration_days.usage_date = billing_days.usage_date
    where billing_days.is_settled
),

unsettled as (
    select distinct
        calibration_days.provider_name,
        calibration_days.account_id,
        calibration_days.model_id,
        calibration_days.usage_date
    from calibration_days
    left join billing_days
        on calibration_days.provider_name = billing_days.provider_name
        and calibration_days.account_id = billing_days.account_id
        and calibration_days.usage_date = billing_days.usage_date
    where not coalesce(billing_days.is_settled, false)
),

-- Unsettled days are the youngest; the window ends with the last settled day of the account, so that one day late changes nothing.
last_settled as (
    select provider_name, account_id, max(usage_date) as last_settled_date
    from settled
    group by provider_name, account_id
),

recent as (
    select settled.*
    from settled
    inner join last_settled
        on settled.provider_name = last_settled.provider_name
        and settled.account_id = last_settled.account_id
    where settled.usage_date > last_settled.last_settled_date - {{ var('calibration_days') }}
),

by_model as (
    select provider_name, account_id, model_id, sum(billed_cost_usd) as billed_cost_usd, sum(list_cost_usd) as list_cost_usd
    from recent
    group by all
    having sum(billed_cost_usd) > 0 and sum(billed_cost_usd) <= 1000 * sum(list_cost_usd)
),

by_account as (
    select provider_name, account_id, sum(billed_cost_usd) as billed_cost_usd, sum(list_cost_usd) as list_cost_usd
    from recent
    group by all
    having sum(billed_cost_usd) > 0 and sum(billed_cost_usd) <= 1000 * sum(list_cost_usd)
)

select
    unsettled.provider_name,
    unsettled.account_id,
    unsettled.model_id,
    case
        when by_model.list_cost_usd > 0 then 'model'
        when by_account.list_cost_usd > 0 then 'account'
        else 'list_price'
    end as calibration_basis,
    cast(case
        when by_model.list_cost_usd > 0
            then cast(by_model.billed_cost_usd as double) / cast(by_model.list_cost_usd as double)
        when by_account.list_cost_usd > 0
            then cast(by_account.billed_cost_usd as double) / cast(by_account.list_cost_usd as double)
        else 1
    end as decimal(18, 9)) as calibration_ratio,
    unsettled.usage_date
from unsettled
left join by_model
    on unsettled.provider_name = by_model.provider_name
    and unsettled.account_id = by_model.account_id
    and unsettled.model_id = by_model.model_id
left join by_account
    on unsettled.provider_name = by_account.provider_name
    and unsettled.account_id = by_account.account_id
