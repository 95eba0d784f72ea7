-- A rate is in force from its date until the day before the next one of its currency; the dollar is always one dollar.
with

rates as (
    select
        upper(currency) as currency,
        cast(usd_per_unit as decimal(18, 9)) as usd_per_unit,
        rate_date as valid_from_date,
        coalesce(
            lead(rate_date) over (partition by upper(currency) order by rate_date) - 1, date '9999-12-31'
        ) as valid_to_date
    from {{ source('lake', 'config_fx_rates') }}
    where upper(currency) <> 'USD'
)

select * from rates
union all
select 'USD', cast(1 as decimal(18, 9)), date '0001-01-01', date '9999-12-31'
