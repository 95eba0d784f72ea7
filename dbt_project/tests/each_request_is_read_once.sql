-- The view of requests joins owners and ratios as it is read; a join that repeats or drops a request would repeat or drop its cost.
with

stored as (
    select count(*) as row_count from {{ ref('int_llm_requests_priced') }}
),

viewed as (
    select count(*) as row_count, count(*) - count(team) as ownerless_count from {{ ref('fct_llm_requests') }}
)

select stored.row_count as stored_count, viewed.row_count as viewed_count, viewed.ownerless_count
from stored
cross join viewed
where stored.row_count <> viewed.row_count or viewed.ownerless_count > 0
