{#- The type of money in facts and marts: 18 decimals, so that what a provider bills is kept to the last one. -#}
{% macro money_type() %}decimal(38, 18){% endmacro %}

{#- List cost of one request: pico-dollars exactly (a token never costs less than a millionth of a millionth). -#}
{% macro request_money_type() %}decimal(18, 12){% endmacro %}

{#-
    A whole number x a price, by multiplication only: `/` would turn the decimals into doubles. The number is widened beyond 18 digits because
    DuckDB keeps the product of two decimals of up to 18 digits in 18, which a thousand dollars overflow.
-#}
{% macro priced_quantity(quantity, price, per) -%}
    (cast({{ quantity }} as decimal(19, 0)) * {{ price }} * {{ per }})
{%- endmacro %}

{#- Tokens x dollars per million tokens. -#}
{% macro token_cost(token_count, usd_per_mtok) -%}
    {{ priced_quantity(token_count, usd_per_mtok, '0.000001') }}
{%- endmacro %}

{#- Searches x dollars per thousand searches. -#}
{% macro search_cost(search_count, usd_per_thousand) -%}
    {{ priced_quantity(search_count, usd_per_thousand, '0.001') }}
{%- endmacro %}

{#-
    The share of `amount` that falls to a row, so that the shares of a partition sum to `amount` to the last decimal:
    the rounded cumulative share minus the rounded cumulative share of the row before, in a fixed order. The last row's
    cumulative share is `amount` itself, whatever the rounding of the others was.

    `weight` must be exact (decimal or whole), never negative and never zero in sum; `order_by` must be unique. The shares are doubles, which
    is why they are cut to `scale` decimals before they become money: only the last row keeps the further ones of `amount`.
-#}
{% macro allocate_exactly(amount, weight, partition_by, order_by, scale=12, type='decimal(38, 18)') -%}
    (
        case
            when sum({{ weight }}) over (partition by {{ partition_by }} order by {{ order_by }} rows unbounded preceding)
                = sum({{ weight }}) over (partition by {{ partition_by }})
                then cast({{ amount }} as {{ type }})
            else cast(cast(round(
                cast({{ amount }} as double)
                * (
                    cast(sum({{ weight }}) over (partition by {{ partition_by }} order by {{ order_by }} rows unbounded preceding) as double)
                    / cast(sum({{ weight }}) over (partition by {{ partition_by }}) as double)
                ), {{ scale }}
            ) as decimal(38, {{ scale }})) as {{ type }})
        end
        - case
            when sum({{ weight }}) over (partition by {{ partition_by }} order by {{ order_by }} rows unbounded preceding) - {{ weight }}
                = sum({{ weight }}) over (partition by {{ partition_by }})
                then cast({{ amount }} as {{ type }})
            else cast(cast(round(
                cast({{ amount }} as double)
                * (
                    cast(sum({{ weight }}) over (partition by {{ partition_by }} order by {{ order_by }} rows unbounded preceding) - {{ weight }} as double)
                    / cast(sum({{ weight }}) over (partition by {{ partition_by }}) as double)
                ), {{ scale }}
            ) as decimal(38, {{ scale }})) as {{ type }})
        end
    )
{%- endmacro %}

{#- numerator / denominator for reading, null where the denominator is null or zero: a KPI that does not know says null. -#}
{% macro ratio(numerator, denominator) -%}
    cast(cast({{ numerator }} as double) / nullif(cast({{ denominator }} as double), 0) as decimal(38, 12))
{%- endmacro %}

{#- Mean of a score between 0 and 1 that does not depend on the order of its rows, as a sum of floats would. -#}
{% macro mean_score(score) -%}
    cast(sum(cast({{ score }} as decimal(18, 9))) as double) / count({{ score }})
{%- endmacro %}
