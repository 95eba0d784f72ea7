{#- What differs between engines. Everything else is plain SQL. -#}
{% macro json_text(json_column, key_expression) %}{{ return(adapter.dispatch('json_text', 'tokenatlas')(json_column, key_expression)) }}{% endmacro %}
{% macro duckdb__json_text(json_column, key_expression) -%}
    {#- A JSON pointer, because a path cannot hold a key with a quote. -#}
    json_extract_string({{ json_column }}, '/' || replace(replace({{ key_expression }}, '~', '~0'), '/', '~1'))
{%- endmacro %}

{% macro json_keys_of(json_column) %}{{ return(adapter.dispatch('json_keys_of', 'tokenatlas')(json_column)) }}{% endmacro %}
{% macro duckdb__json_keys_of(json_column) -%} unnest(json_keys({{ json_column }})) {%- endmacro %}

{% macro split_list(column) %}{{ return(adapter.dispatch('split_list', 'tokenatlas')(column)) }}{% endmacro %}
{% macro duckdb__split_list(column) -%} unnest(string_split({{ column }}, ';')) {%- endmacro %}

{#- Order-independent fingerprint of the rows of a group. -#}
{% macro fingerprint_of(columns) %}{{ return(adapter.dispatch('fingerprint_of', 'tokenatlas')(columns)) }}{% endmacro %}
{% macro duckdb__fingerprint_of(columns) -%}
    cast(sum(cast(hash({{ columns | join(', ') }}) as hugeint)) as varchar)
{%- endmacro %}

{#- One row for each day from one date to another, both included, as `date_day`. -#}
{% macro days_between(first_day, last_day) %}{{ return(adapter.dispatch('days_between', 'tokenatlas')(first_day, last_day)) }}{% endmacro %}
{% macro duckdb__days_between(first_day, last_day) -%}
    unnest(generate_series(cast({{ first_day }} as timestamp), cast({{ last_day }} as timestamp), interval 1 day))
{%- endmacro %}

{#- A change of dollars to be read, such as `+$1,200` or `-$0.42`. -#}
{% macro signed_dollars(amount) %}{{ return(adapter.dispatch('signed_dollars', 'tokenatlas')(amount)) }}{% endmacro %}
{% macro duckdb__signed_dollars(amount) -%}
    case when {{ amount }} < 0 then '-$' else '+$' end
    || case
        when abs({{ amount }}) < 10 then format('{:.2f}', abs(cast({{ amount }} as double)))
        else format('{:,}', cast(round(abs({{ amount }})) as bigint))
    end
{%- endmacro %}

{#- Dollars to be read, such as `$1,200` or `-$0.42`. -#}
{% macro dollars(amount) %}{{ return(adapter.dispatch('dollars', 'tokenatlas')(amount)) }}{% endmacro %}
{% macro duckdb__dollars(amount) -%}
    case when {{ amount }} < 0 then '-$' else '$' end
    || case
        when abs({{ amount }}) < 100 then format('{:.2f}', abs(cast({{ amount }} as double)))
        else format('{:,}', cast(round(abs({{ amount }})) as bigint))
    end
{%- endmacro %}
