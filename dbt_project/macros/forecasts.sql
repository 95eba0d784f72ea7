{#- The quantiles that forecasts of totals are stored with, in per cent. -#}
{% macro total_quantiles() %}{{ return([1, 5, 10, 25, 50, 75, 90, 95, 99]) }}{% endmacro %}

{#- Column of a quantile of a total. -#}
{% macro total_column(per_cent) %}total_p{{ '%02d' % per_cent }}_usd{% endmacro %}

{#- The quantiles that forecasts of days are stored with: column and level. -#}
{% macro day_quantiles() %}
    {{ return({
        'p05_cost_usd': 0.05, 'lower_cost_usd': 0.1, 'p50_cost_usd': 0.5, 'upper_cost_usd': 0.9, 'p95_cost_usd': 0.95
    }) }}
{% endmacro %}

{#- Mean pinball loss of quantiles (an expression and a level each) against what came: the smaller, the better placed and the sharper they are. -#}
{% macro mean_pinball_loss(actual, quantiles) -%}
    (
        {%- for quantile, level in quantiles.items() -%}
            {%- if not loop.first %} + {% endif -%}
            greatest({{ level }} * ({{ actual }} - {{ quantile }}), {{ (level - 1) | round(2) }} * ({{ actual }} - {{ quantile }}))
        {%- endfor -%}
    ) / {{ quantiles | length }}
{%- endmacro %}

{#- 1 where a value lies in an interval, 0 where it does not, null where there is no interval. -#}
{% macro is_within(number, lower, upper) -%}
    case when {{ lower }} is null or {{ upper }} is null then null when {{ number }} between {{ lower }} and {{ upper }} then 1 else 0 end
{%- endmacro %}

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

{#- The dimensions that are forecast, one series for each of their values, and the expression that gives the value. -#}
{% macro series_dimensions() %}
    {{ return({
        'total': "'total'",
        'provider': 'provider_name',
        'team': 'team',
        'feature': 'feature',
        'team_feature': "team || '/' || feature",
        'model_family': 'model_family',
        'environment': 'environment',
        'customer_segment': 'customer_segment'
    }) }}
{% endmacro %}

{#- What a budget can be for. A column that is null is for any. -#}
{% macro scope_columns() %}
    {{ return([
        'team', 'feature', 'environment', 'provider_name', 'model_id', 'model_family', 'customer_id', 'customer_segment'
    ]) }}
{% endmacro %}

{#- Whether a budget is for customers, so that it is measured on the cost by customer. -#}
{% macro is_by_customer(relation) -%}
    ({{ relation }}.customer_id is not null or {{ relation }}.customer_segment is not null)
{%- endmacro %}

{#- Whether a row of cost lies in the scope of a row that has the given scope columns. -#}
{% macro is_in_scope(costs, scopes, columns) -%}
    {%- for column in columns -%}
        {%- if not loop.first %} and {% endif -%}
        ({{ scopes }}.{{ column }} is null or {{ costs }}.{{ column }} = {{ scopes }}.{{ column }})
    {%- endfor -%}
{%- endmacro %}

{#-
    The series that a budget follows: the total's, that of its one dimension, a team's feature's, or one of its own. The same
    rule as in `forecasting.budgets`.
-#}
{% macro budget_series_id(relation) -%}
    {%- set series = {
        'team': 'team', 'feature': 'feature', 'environment': 'environment', 'provider_name': 'provider',
        'model_family': 'model_family', 'customer_segment': 'customer_segment'
    } -%}
    case concat_ws(','
        {%- for column in scope_columns() -%}
            , case when {{ relation }}.{{ column }} is not null then '{{ column }}' end
        {%- endfor -%}
    )
        when '' then 'total'
        when 'team,feature' then 'team_feature=' || {{ relation }}.team || '/' || {{ relation }}.feature
        {%- for column, dimension in series.items() %}
        when '{{ column }}' then '{{ dimension }}=' || {{ relation }}.{{ column }}
        {%- endfor %}
        else 'budget=' || {{ relation }}.budget_id
    end
{%- endmacro %}

{#-
    First day of the period (by the column `period`) that holds a day of the month that starts on `month_start_date`. Years, and every third
    month with them quarters, begin with `fiscal_year_start_month`. The same rule as in `forecasting.budgets`.
-#}
{% macro period_start_date(period, month_start_date, fiscal_year_start_month) -%}
    cast({{ dbt.dateadd(
        'month',
        "-((extract(month from " ~ month_start_date ~ ") - " ~ fiscal_year_start_month ~ " + 12) % "
        ~ "case " ~ period ~ " when 'year' then 12 when 'quarter' then 3 else 1 end)",
        month_start_date
    ) }} as date)
{%- endmacro %}

{#- Last day of the month, quarter or year (by the column `period`) that starts on a day. -#}
{% macro period_end_date(period, start_date) -%}
    cast({{ dbt.dateadd('day', -1, "case " ~ period ~ " when 'month' then " ~ dbt.dateadd('month', 1, start_date)
        ~ " when 'quarter' then " ~ dbt.dateadd('month', 3, start_date)
        ~ " else " ~ dbt.dateadd('year', 1, start_date) ~ " end") }} as date)
{%- endmacro %}

{#- How many days back anomalies are looked for and explained: three months, and the four weeks that they are compared with. -#}
{% macro anomaly_days() %}{{ return(92) }}{% endmacro %}
{% macro cause_days() %}{{ return(anomaly_days() + 35) }}{% endmacro %}
