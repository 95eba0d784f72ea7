-- What each driver does to the cost: its Shapley value, the mean over all orders in which the factors could have moved one after another.
--
-- The cost is a sum of products, and for a product of factors that go from a to b the mean over all orders is an integral along the
-- straight line between them (Owen 1972): the integral over t from 0 to 1 of (b_i - a_i) * product over j <> i of (a_j + t * (b_j - a_j)).
-- That is a polynomial of degree seven in t for eight factors, which four Gauss-Legendre points integrate without error.
{%- set factors = cost_factors() %}
with

factors as (
    select * from {{ ref('int_driver_factors') }}
),

points as (
    {% for place, weight in [
        (0.06943184420297371, 0.17392742256872693), (0.33000947820757187, 0.32607257743127307),
        (0.6699905217924281, 0.32607257743127307), (0.9305681557970263, 0.17392742256872693)
    ] -%}
    select cast({{ place }} as double) as place, cast({{ weight }} as double) as weight{{ ' union all' if not loop.last }}
    {% endfor %}
),

on_the_line as (
    select
        factors.month_start_date,
        factors.team,
        factors.feature,
        {% for factor in factors -%}
        factors.current_{{ factor }} - factors.previous_{{ factor }} as {{ factor }}_step,
        factors.previous_{{ factor }} + points.place * (factors.current_{{ factor }} - factors.previous_{{ factor }}) as {{ factor }}_there,
        {% endfor -%}
        points.weight
    from factors
    cross join points
),

effects as (
    select
        month_start_date,
        team,
        feature,
        {% for factor in factors -%}
        -- Cut to decimals before they are summed, so that no order of summing changes the result.
        sum(cast(weight * {{ factor }}_step
            {%- for other in factors if other != factor %} * {{ other }}_there{% endfor %} as decimal(38, 15))) as {{ factor }}_usd{{ ',' if not loop.last }}
        {% endfor %}
    from on_the_line
    group by month_start_date, team, feature
)

{% for driver in cost_drivers() -%}
select
    team, feature, '{{ driver }}' as driver_name, {{ loop.index }} as driver_order,
    cast(round({% for factor, whose in factors.items() if whose == driver %}{{ ' + ' if not loop.first }}{{ factor }}_usd{% endfor %}, 9) as {{ money_type() }}) as estimated_change_usd,
    month_start_date
from effects
{{ 'union all' if not loop.last }}
{% endfor %}
