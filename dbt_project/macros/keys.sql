{#- A text key over several columns; null and empty text differ, and a separator cannot be forged. -#}
{% macro text_key(columns) -%}
    md5(concat({% for column in columns -%}
        coalesce(replace(cast({{ column }} as varchar), '|', '||'), '|n'){% if not loop.last %}, '|,', {% endif %}
    {%- endfor %}))
{%- endmacro %}

{#- What identifies a workload: owners hang on it and the day, so a changed rule never re-reads requests. -#}
{% macro workload_key(relation) -%}
    {{ text_key([
        relation ~ '.provider_name', relation ~ '.account_id', relation ~ '.project_id', relation ~ '.api_key_id', relation ~ '.model_id',
        relation ~ '.service_name', relation ~ '.team_tag', relation ~ '.feature_tag', relation ~ '.environment_tag', relation ~ '.tags_json'
    ]) }}
{%- endmacro %}

{#- One spelling of the service tiers of all providers; an unknown one stays as it is and finds no price. -#}
{% macro service_tier(column, is_batch='false') -%}
    case
        when {{ is_batch }} then 'batch'
        when {{ column }} is null or lower({{ column }}) in ('', 'default', 'auto', 'standard', 'on_demand') then 'standard'
        when lower({{ column }}) in ('flex', 'flex_discount') then 'flex'
        when lower({{ column }}) in ('priority', 'priority_on_demand', 'fast') then 'priority'
        else lower({{ column }})
    end
{%- endmacro %}

{#-
    True for use that is charged for but never in the report that we pull: Anthropic's cost report leaves the Priority Tier out
    (https://platform.claude.com/docs/en/manage-claude/usage-cost-api, seen 2026-08). No line for it does not mean that it was free.
-#}
{% macro is_outside_the_bill(provider_name, service_tier) -%}
    (coalesce({{ provider_name }}, '') = 'anthropic' and coalesce({{ service_tier }}, '') = 'priority')
{%- endmacro %}

{#- The disjoint token types: each token of a request is in exactly one, and each has its price. -#}
{% macro token_types() %}
    {{ return([
        'uncached_input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'output',
        'audio_input', 'audio_output', 'image_input', 'image_output'
    ]) }}
{% endmacro %}

{#- Column of a token type in request and usage tables. -#}
{% macro token_column(token_type) %}{{ token_type }}_tokens{% endmacro %}

{#- Price columns of the token types. -#}
{% macro prices_columns() %}
    {%- set columns = [] -%}
    {%- for token_type in token_types() -%}{%- do columns.append(token_type ~ '_usd_per_mtok') -%}{%- endfor -%}
    {{ return(columns) }}
{% endmacro %}
