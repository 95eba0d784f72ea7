-- Overlapping spans of owners would count cost twice, and gaps would lose it.
with

followed as (
    select
        workload_id,
        valid_from_date,
        valid_to_date,
        lead(valid_from_date) over (partition by workload_id order by valid_from_date) as next_from_date,
        row_number() over (partition by workload_id order by valid_from_date) as span_number
    from {{ ref('int_workload_owners') }}
)

select *
from followed
where
    valid_from_date > valid_to_date
    or (span_number = 1 and valid_from_date > date '0001-01-01')
    or coalesce(next_from_date - 1, date '9999-12-31') <> valid_to_date
