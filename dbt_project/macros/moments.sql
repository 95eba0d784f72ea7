{#-
    Sums from which Python estimates ratios with their intervals: for each group and metric the number of units and Σx, Σy, Σx², Σy², Σxy over
    them, as `optimization.moments` reads them. `metrics` is a list of (name, x, y, scale): columns of a relation with one row per unit, of which
    pairs with a null are left out, and how many decimals they keep. Decimals are added exactly, so that the same rows give the same sums
    in whatever order they are read; they become doubles at the end. DuckDB keeps the product of two decimals of up to 18 digits in 18: 19 are wide enough.
-#}
{% macro moments_of_units(relation, groups, metrics) -%}
    {%- for name, x, y, scale in metrics %}
    select
        {{ groups | join(', ') }},
        '{{ name }}' as metric_name,
        count(*) as unit_count,
        cast(sum(x) as double) as x,
        cast(sum(y) as double) as y,
        cast(sum(x * x) as double) as xx,
        cast(sum(y * y) as double) as yy,
        cast(sum(x * y) as double) as xy
    from (
        select
            {{ groups | join(', ') }},
            cast({{ x }} as decimal(19, {{ scale }})) as x,
            cast({{ y }} as decimal(19, {{ scale }})) as y
        from {{ relation }}
        where {{ x }} is not null and {{ y }} is not null
    ) as pairs
    group by {{ groups | join(', ') }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
{%- endmacro %}

{#- What requests may depend on each other by: the session, else the trace, else nothing but themselves. -#}
{% macro cluster_of(relation) -%}
    coalesce({{ relation }}.session_id, {{ relation }}.trace_id, {{ text_key([relation ~ '.source_name', relation ~ '.request_id']) }})
{%- endmacro %}

{#- All input of a request, cached or not. -#}
{% macro input_tokens_of(relation) -%}
    (
        {%- for token_type in token_types() if 'output' not in token_type %}
        coalesce({{ relation }}.{{ token_column(token_type) }}, 0){% if not loop.last %} +{% endif %}
        {%- endfor %}
    )
{%- endmacro %}

{#- The input that a cache may hold: what the KPI `cache_hit_ratio` divides by. -#}
{% macro cacheable_tokens_of(relation) -%}
    (
        {%- for token_type in ['uncached_input', 'cache_read', 'cache_write_5m', 'cache_write_1h'] %}
        coalesce({{ relation }}.{{ token_column(token_type) }}, 0){% if not loop.last %} +{% endif %}
        {%- endfor %}
    )
{%- endmacro %}
