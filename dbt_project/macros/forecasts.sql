{#- The quantiles that forecasts of totals are stored with, in per cent. -#}
{% macro total_quantiles() %}{{ return([1, 5, 10, 25, 50, 75, 90, 95, 99]) }}{% endmacro %}

{#- Column of a quantile of a total. -#}
{% macro total_column(per_cent) %}total_p{{ '%02d' % per_cent }}_usd{% endmacro %}

{#-
    Probability that a total passes `amount`, read off its stored quantiles by straight lines between them. Beyond the
    outermost ones it is 0.99 or 0.01: the paths do not resolve more. Null where there is no forecast.
-#}
{% macro probability_above(amount, relation) -%}
    {%- set levels = total_quantiles() -%}
    case
        when {{ relation }}.{{ total_column(levels[-1]) }} is null or {{ amount }} is null then null
        when {{ amount }} >= {{ relation }}.{{ total_column(levels[-1]) }} then {{ (100 - levels[-1]) / 100 }}
        when {{ amount }} < {{ relation }}.{{ total_column(levels[0]) }} then {{ (100 - levels[0]) / 100 }}
        {%- for upper in levels[1:] %}
        {%- set lower = levels[loop.index0] %}
        when {{ amount }} < {{ relation }}.{{ total_column(upper) }} then
            {{ (100 - lower) / 100 }} - {{ (upper - lower) / 100 }}
            * cast({{ amount }} - {{ relation }}.{{ total_column(lower) }} as double)
            / cast({{ relation }}.{{ total_column(upper) }} - {{ relation }}.{{ total_column(lower) }} as double)
        {%- endfor %}
    end
{%- endmacro %}

{#- The series that a budget follows: the total's, a team's, or its own. The same rule as in `forecasting.budgets`. -#}
{% macro budget_series_id(relation) -%}
    case
        when {{ relation }}.customer_id is not null then null
        when coalesce(
            {{ relation }}.feature, {{ relation }}.environment, {{ relation }}.provider_name, {{ relation }}.model_id
        ) is not null then 'budget=' || {{ relation }}.budget_id
        when {{ relation }}.team is not null then 'team=' || {{ relation }}.team
        else 'total'
    end
{%- endmacro %}

{#- Last day of the month, quarter or year (by the column `period`) that starts on a day. -#}
{% macro period_end_date(period, start_date) -%}
    cast({{ dbt.dateadd('day', -1, "case " ~ period ~ " when 'month' then " ~ dbt.dateadd('month', 1, start_date)
        ~ " when 'quarter' then " ~ dbt.dateadd('month', 3, start_date)
        ~ " else " ~ dbt.dateadd('year', 1, start_date) ~ " end") }} as date)
{%- endmacro %}
