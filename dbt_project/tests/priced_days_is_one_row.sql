-- The bounds of the price calendar are one row, also when nothing has been received yet.
select count(*) as row_count
from {{ ref('int_priced_days') }}
having count(*) <> 1
