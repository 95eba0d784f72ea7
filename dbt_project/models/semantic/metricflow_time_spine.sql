{{ config(materialized='view', schema='semantic') }}
-- The days that metrics are joined to, so that a day without data is a gap and not a missing row.
select date_day
from {{ ref('dim_dates') }}
