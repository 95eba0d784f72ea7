-- Each billed line spread over the use that it pays for, exactly: the parts of a line sum to it to the last decimal. A line that
-- matches nothing keeps one row without a unit and stays whole.
{%- set days = days_to_build() %}
{%- set dimensions = {
    'project': 'project_id', 'api_key': 'api_key_id', 'model': 'model_id', 'token_type': 'token_type', 'service_tier': 'service_tier'
} %}
{%- set lookup_key -%}
    concat_ws('|'
    {%- for name, column in dimensions.items() %}, case when by_{{ name }} then coalesce({{ column }}, '~none') else '*' end{% endfor %})
{%- endset %}
with

charges as (
    select * from {{ ref('int_provider_charges') }}
    where billed_cost_usd is not null and {{ in_days('usage_date', days) }}
),

units as (
    select * from {{ ref('int_ledger_units') }}
    where {{ in_days('usage_date', days) }}
),

-- Each line looks for its use twice: with an empty dimension taken literally, and, failing that, with it taken as "any".
lookups as (
    select
        charge_id, provider_name, account_id, usage_date, 1 as attempt,
        {% for name, column in dimensions.items() %}{{ column }}, names_{{ name }} as by_{{ name }}{% if not loop.last %}, {% endif %}{% endfor %}
    from charges
    union all
    select
        charge_id, provider_name, account_id, usage_date, 2,
        {% for name, column in dimensions.items() %}{{ column }}, names_{{ name }} and {{ column }} is not null{% if not loop.last %}, {% endif %}{% endfor %}
    from charges
    where {% for name, column in dimensions.items() %}(names_{{ name }} and {{ column }} is null){% if not loop.last %} or {% endif %}{% endfor %}
),

keyed_lookups as (
    select
        *,
        {{ lookup_key }} as lookup_key
    from lookups
),

-- The few ways of naming that occur: with them the match becomes an equality.
shapes as (
    select distinct provider_name, {% for name in dimensions %}by_{{ name }}{% if not loop.last %}, {% endif %}{% endfor %}
    from lookups
),

keyed_units as (
    select
        units.*,
        {% for name in dimensions %}shapes.by_{{ name }}, {% endfor %}
        {{ lookup_key }} as lookup_key
    from units
    inner join shapes
        on units.provider_name = shapes.provider_name
),

matches as (
    select
        keyed_lookups.charge_id,
        keyed_lookups.attempt,
        keyed_units.unit_id,
        keyed_units.list_cost_usd,
        keyed_units.token_count,
        keyed_units.usage_quantity
    from keyed_lookups
    inner join keyed_units
        on keyed_lookups.usage_date = keyed_units.usage_date
        and keyed_lookups.provider_name = keyed_units.provider_name
        and keyed_lookups.account_id is not distinct from keyed_units.account_id
        and keyed_lookups.lookup_key = keyed_units.lookup_key
        {% for name in dimensions %}and keyed_lookups.by_{{ name }} = keyed_units.by_{{ name }}
        {% endfor %}
),

first_matches as (
    select *
    from matches
    qualify attempt = min(attempt) over (partition by charge_id)
),

-- In proportion to list cost; where nothing that the line pays for has a price, by quantity.
weighed as (
    select
        *,
        sum(coalesce(list_cost_usd, 0)) over (partition by charge_id) as total_list_cost_usd,
        sum(token_count + usage_quantity) over (partition by charge_id) as total_quantity
    from first_matches
),

weighted as (
    select
        charge_id,
        unit_id,
        cast(case
            when total_list_cost_usd > 0 then coalesce(list_cost_usd, 0)
            when total_quantity > 0 then token_count + usage_quantity
            else 1
        end as decimal(38, 12)) as weight
    from weighed
),

parts as (
    select
        charges.charge_id,
        weighted.unit_id,
        charges.provider_name,
        charges.account_id,
        charges.charge_category,
        case
            when weighted.unit_id is null then charges.billed_cost_usd
            else {{ allocate_exactly('charges.billed_cost_usd', 'weighted.weight', 'charges.charge_id', 'weighted.unit_id') }}
        end as billed_cost_usd,
        charges.usage_date
    from charges
    left join weighted
        on charges.charge_id = weighted.charge_id
        and weighted.weight > 0
)

select * from parts
