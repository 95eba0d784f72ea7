{#- Days of traffic that a swap is judged by, and the days of a month that it is scaled to. -#}
{% macro swap_days() %}{{ return(28) }}{% endmacro %}
{% macro swap_month_days() %}{{ return(30) }}{% endmacro %}

{#-
    Half width of a 95 % interval in standard errors, by Student's t with n - 1 degrees of freedom: the expansion of Fisher and Cornish
    (1960) up to the second order, within 0.01 from seven units on. Null below seven.
-#}
{% macro student_quantile(units) -%}
    case when {{ units }} >= 7 then
        1.959964 + 2.372271 / ({{ units }} - 1) + 2.822499 / (({{ units }} - 1) * ({{ units }} - 1))
    end
{%- endmacro %}

{#- A share to be read, such as `71 %`. -#}
{% macro per_cent(share) -%} (cast(cast(round(100 * {{ share }}) as bigint) as varchar) || ' %') {%- endmacro %}
