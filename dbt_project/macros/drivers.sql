{#- What moves a cost, in the order in which a reader meets it. -#}
{% macro cost_drivers() %}
    {{ return(['volume', 'tokens_per_request', 'cache_share', 'model_mix', 'service_tier', 'list_price', 'discount']) }}
{% endmacro %}

{#- The factors whose product is the cost of tokens, and the driver that each belongs to: a long context is dear because it is long. -#}
{% macro cost_factors() %}
    {{ return({
        'volume': 'volume', 'tokens_per_request': 'tokens_per_request', 'cache_share': 'cache_share', 'model_mix': 'model_mix',
        'service_tier': 'service_tier', 'list_price': 'list_price', 'long_context': 'tokens_per_request', 'discount': 'discount'
    }) }}
{% endmacro %}
