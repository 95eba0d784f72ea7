-- What a swap saves in a month, as far as the days of traffic and the count of tokens can tell.
{%- set groups = ['team', 'feature', 'provider_name', 'model_id', 'service_tier'] %}
with

days as (
    select * from {{ ref('int_swap_days') }}
),

windows as (
    select * from {{ ref('int_swap_windows') }}
),

ratios as (
    select * from {{ ref('int_token_ratios') }}
),

summed as (
    select
        {{ groups | join(', ') }},
        candidate_provider_name,
        candidate_model_id,
        candidate_service_tier,
        sum(request_count) as request_count,
        sum(out_of_context_request_count) as out_of_context_request_count,
        sum(current_cost_usd) as current_cost_usd,
        sum(candidate_cost_usd) as candidate_cost_usd,
        sum(moved_cost_usd) as moved_cost_usd,
        -- Squares as decimals, so that no order of summing changes the result.
        sum(cast(round(
            cast(current_cost_usd - candidate_cost_usd as double) * cast(current_cost_usd - candidate_cost_usd as double), 15
        ) as decimal(38, 15))) as squared_saving
    from days
    group by {{ groups | join(', ') }}, candidate_provider_name, candidate_model_id, candidate_service_tier
    -- A model without a price for something that is used cannot do the work.
    having count(*) = count(candidate_cost_usd) and count(*) = count(current_cost_usd)
),

spread as (
    select
        summed.*,
        ratios.token_ratio,
        ratios.token_uncertainty_ratio,
        ratios.token_ratio_source,
        windows.first_date,
        windows.last_date,
        windows.assessment_date,
        windows.day_count,
        cast({{ swap_month_days() }} as double) / windows.day_count as month_factor,
        cast(summed.current_cost_usd - summed.candidate_cost_usd as double) as saving,
        -- Days without traffic save nothing and count.
        sqrt(greatest(
            cast(summed.squared_saving as double)
            - cast(summed.current_cost_usd - summed.candidate_cost_usd as double)
            * cast(summed.current_cost_usd - summed.candidate_cost_usd as double) / windows.day_count, 0
        ) / nullif(windows.day_count - 1, 0) * windows.day_count) as saving_error
    from summed
    inner join windows
        on {% for column in groups %}summed.{{ column }} = windows.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
    inner join ratios
        on summed.provider_name = ratios.provider_name
        and summed.model_id = ratios.model_id
        and summed.candidate_provider_name = ratios.candidate_provider_name
        and summed.candidate_model_id = ratios.candidate_model_id
),

widened as (
    select
        *,
        -- Traffic that varies from day to day, and a count of tokens that is not known to the last one.
        sqrt(
            power({{ student_quantile('day_count') }} * saving_error, 2)
            + power(cast(moved_cost_usd as double) * cast(token_uncertainty_ratio as double), 2)
        ) as half_width
    from spread
)

select
    {{ groups | join(', ') }},
    candidate_provider_name,
    candidate_model_id,
    candidate_service_tier,
    token_ratio_source,
    cast(request_count as bigint) as request_count,
    cast(out_of_context_request_count as bigint) as out_of_context_request_count,
    {% for column, amount in {
        'request_count_per_month': 'request_count * month_factor',
        'current_cost_per_month': 'cast(current_cost_usd as double) * month_factor',
        'candidate_cost_per_month': 'cast(candidate_cost_usd as double) * month_factor',
        'saving_per_month': 'saving * month_factor',
        'saving_lower_per_month': '(saving - half_width) * month_factor',
        'saving_upper_per_month': '(saving + half_width) * month_factor',
        'cost_ratio': 'cast(candidate_cost_usd as double) / nullif(cast(current_cost_usd as double), 0)'
    }.items() -%}
    cast(round({{ amount }}, 9) as decimal(38, 9)) as {{ column }},
    {% endfor -%}
    token_ratio,
    token_uncertainty_ratio,
    first_date,
    last_date,
    assessment_date
from widened
