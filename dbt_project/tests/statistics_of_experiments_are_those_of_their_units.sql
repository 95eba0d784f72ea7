-- Added up over days, the increments are the sums, squares and products over units, to the last decimal; and units cost what their requests did.
with

units as (
    select
        *,
        cast(effective_cost_usd as decimal(18, 9)) as cost
    from {{ ref('int_experiment_units') }}
    where not is_crossed
),

moments as (
    select * from {{ ref('int_experiment_moments_daily') }}
),

requests as (
    select * from {{ ref('int_experiment_requests') }}
),

of_units as (
    select
        experiment_id,
        variant,
        count(*) as unit_count,
        sum(outcome_count) as outcome_count,
        sum(effective_cost_usd) as effective_cost_usd,
        sum(cast(cost * cost as decimal(38, 18))) as cost_squares,
        sum(cast(successful_outcome_count * outcome_count as decimal(38, 18))) as success_outcome_products,
        sum(cast(cost * successful_outcome_count as decimal(38, 18))) as cost_success_products
    from units
    group by all
),

of_days as (
    select
        experiment_id,
        variant,
        sum(unit_count) as unit_count,
        sum(outcome_count) as outcome_count,
        sum(effective_cost_usd) as effective_cost_usd,
        sum(cost_squares) as cost_squares,
        sum(success_outcome_products) as success_outcome_products,
        sum(cost_success_products) as cost_success_products
    from moments
    group by all
    having sum(unit_count) > 0
),

of_requests as (
    select
        experiment_id,
        variant,
        coalesce(sum(effective_cost_usd), 0) as effective_cost_usd
    from requests
    where not is_crossed
    group by all
),

lost as (
    select * from of_units
    except
    select * from of_days
),

invented as (
    select * from of_days
    except
    select * from of_units
),

apart as (
    select * from lost
    union all
    select * from invented
)

select
    experiment_id,
    variant,
    'days' as what
from apart
union all
select
    of_units.experiment_id,
    of_units.variant,
    'requests'
from of_units
left join of_requests on of_units.experiment_id = of_requests.experiment_id and of_units.variant = of_requests.variant
where of_units.effective_cost_usd is distinct from of_requests.effective_cost_usd
