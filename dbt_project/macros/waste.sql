{#- From this many times the usual input on, a request counts as oversized. -#}
{% macro oversized_factor() %}{{ return(4) }}{% endmacro %}

{#- Requests of a workload and day from which on their median says what is usual. -#}
{% macro usual_request_count() %}{{ return(20) }}{% endmacro %}

{#- Words in which logs say that the caller hung up before the answer was complete. -#}
{% macro aborted_words() %}
    {{- return("('client_closed', 'client_closed_request', 'client_disconnected', 'aborted', 'cancelled', 'canceled', 'stream_aborted')") -}}
{% endmacro %}

{#- Hours that a feature must be able to wait for each cheaper tier: what providers promise (batch: a day), or warn of (flex: minutes). -#}
{% macro tier_wait_hours() %}{{ return({'batch': 24, 'flex': 1}) }}{% endmacro %}
