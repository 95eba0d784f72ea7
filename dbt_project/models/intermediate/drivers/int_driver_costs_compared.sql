-- Each month beside the days of the month before that it is compared with.
with

daily as (
    select
        *,
        cast({{ dbt.date_trunc('month', 'usage_date') }} as date) as usage_month_date
    from {{ ref('int_driver_costs_daily') }}
),

months as (
    select * from {{ ref('int_driver_months') }}
),

sides as (
    select months.month_start_date, daily.*, 1 as is_current
    from daily
    inner join months
        on daily.usage_month_date = months.month_start_date
    union all
    select months.month_start_date, daily.*, 0 as is_current
    from daily
    inner join months
        on daily.usage_month_date = months.previous_first_date
        and daily.usage_date <= months.previous_last_date
)

select
    team,
    feature,
    provider_name,
    model_id,
    service_tier,
    token_type,
    {% for side, wanted in [('previous', 0), ('current', 1)] -%}
    {% for column, type in [
        ('request_count', 'bigint'), ('token_count', 'bigint'), ('short_list_cost_usd', money_type()), ('list_cost_usd', money_type()), ('effective_cost_usd', money_type())
    ] -%}
    cast(coalesce(sum({{ column }}) filter (where is_current = {{ wanted }}), 0) as {{ type }}) as {{ side }}_{{ column }},
    {% endfor %}
    {%- endfor -%}
    is_token_cost,
    month_start_date
from sides
group by month_start_date, team, feature, provider_name, model_id, service_tier, token_type, is_token_cost
