-- Sufficient statistics of each arm by day, as increments: added up to a day they are the sums, squares and products over the units as they
-- stood at its end. A unit that comes back adds the change of its square, not the square of its change.
{%- set square = 'decimal(38, 18)' %}
{%- set money = 'decimal(18, 9)' %}
with

unit_days as (
    select * from {{ ref('int_experiment_unit_days') }}
),

running as (
    select
        *,
        cast(sum(request_count) over unit_so_far as bigint) as requests,
        cast(sum(outcome_count) over unit_so_far as bigint) as outcomes,
        cast(sum(successful_outcome_count) over unit_so_far as bigint) as successes,
        sum(effective_cost_usd) over unit_so_far as cost
    from unit_days
    window unit_so_far as (
        partition by experiment_id, variant, unit_id order by usage_date rows between unbounded preceding and current row
    )
),

-- Decimals: sums are exact, whatever the order in which they are added. A billionth of a dollar is finer than any request.
steps as (
    select
        *,
        cast(cost as {{ money }}) as cost_now,
        cast(cost - effective_cost_usd as {{ money }}) as cost_before,
        cast(requests - request_count as bigint) as requests_before,
        cast(outcomes - outcome_count as bigint) as outcomes_before,
        cast(successes - successful_outcome_count as bigint) as successes_before
    from running
)

select
    -- ids
    experiment_id,
    -- strings
    variant,
    -- numerics
    count(*) filter (where is_first_day) as assigned_unit_count,
    count(*) filter (where is_first_day and is_crossed) as crossed_unit_count,
    count(*) filter (where is_first_day and not is_crossed) as unit_count,
    cast(coalesce(sum(request_count) filter (where not is_crossed), 0) as bigint) as request_count,
    cast(coalesce(sum(request_count) filter (where not is_identified), 0) as bigint) as unidentified_request_count,
    cast(coalesce(sum(unpriced_request_count) filter (where not is_crossed), 0) as bigint) as unpriced_request_count,
    cast(coalesce(sum(outcome_count) filter (where not is_crossed), 0) as bigint) as outcome_count,
    cast(coalesce(sum(successful_outcome_count) filter (where not is_crossed), 0) as bigint) as successful_outcome_count,
    cast(coalesce(sum(effective_cost_usd) filter (where not is_crossed), 0) as {{ money_type() }}) as effective_cost_usd,
    {%- for name, one, other in (
        ('cost_squares', 'cost', 'cost'),
        ('request_squares', 'requests', 'requests'),
        ('outcome_squares', 'outcomes', 'outcomes'),
        ('success_squares', 'successes', 'successes'),
        ('cost_request_products', 'cost', 'requests'),
        ('cost_success_products', 'cost', 'successes'),
        ('success_outcome_products', 'successes', 'outcomes'),
    ) %}
    {%- set one_now, other_now = 'cost_now' if one == 'cost' else one, 'cost_now' if other == 'cost' else other %}
    cast(coalesce(sum(
        cast({{ one_now }} * {{ other_now }} - {{ one }}_before * {{ other }}_before as {{ square }})
    ) filter (where not is_crossed), 0) as {{ square }}) as {{ name }},
    {%- endfor %}
    -- dates
    usage_date
from steps
group by experiment_id, variant, usage_date
