{#- Fails with the number of nulls of each of the columns that must always be filled. One scan for all of them. -#}
{% test never_null(model, columns) %}
with

counted as (
    select
        {% for column in columns -%}
        count(*) - count({{ column }}) as {{ column }}_nulls{% if not loop.last %},{% endif %}
        {% endfor %}
    from {{ model }}
)

select *
from counted
where {% for column in columns %}{{ column }}_nulls > 0{% if not loop.last %} or {% endif %}{% endfor %}
{% endtest %}
