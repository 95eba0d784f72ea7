-- Nothing that was admitted is lost: per day, logged lines = requests + duplicates.
with

signed as (
    select usage_date, 1 as row_count from {{ ref('stg_logs__requests') }}
    union all
    select usage_date, -1 from {{ ref('int_llm_requests_priced') }}
    union all
    select usage_date, -1 from {{ ref('int_request_duplicates') }}
)

select usage_date, sum(row_count) as lost_count
from signed
group by usage_date
having sum(row_count) <> 0
