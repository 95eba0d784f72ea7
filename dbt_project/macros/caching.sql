{#- Shortest prefix that a provider caches where `model_limits.csv` names none: that of OpenAI and of most models of Anthropic (2026-11). -#}
{% macro usual_minimum_cached_tokens() %}{{ return(1024) }}{% endmacro %}

{#- List cost times what a dollar at list price effectively cost, to the last decimal that both have. -#}
{% macro effective_of(list_cost, ratio) -%}
    case
        when {{ list_cost }} = 0 then cast(0 as {{ money_type() }})
        else cast(cast({{ list_cost }} as decimal(21, 12)) * cast({{ ratio }} as decimal(17, 9)) as {{ money_type() }})
    end
{%- endmacro %}
