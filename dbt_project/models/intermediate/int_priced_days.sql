-- First and last day for which prices are needed: the days of logs, usage and bills.
with

load_days as (
    select * from {{ ref('stg_lake__load_days') }}
)

select
    min(usage_date) as first_date,
    max(usage_date) as last_date
from load_days
where
    usage_date > date '1970-01-01'
    and table_name in ('requests', 'openai_usage', 'anthropic_usage', 'openai_costs', 'anthropic_costs')
