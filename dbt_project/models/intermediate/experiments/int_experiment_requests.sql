-- The requests of each experiment with the unit that was assigned to an arm. Work of an assigned trace or session counts whole, calls of
-- tools and sub-agents that carry no tag included; so does all that an assigned customer does with the feature.
with

requests as (
    select
        source_name, request_id, trace_id, session_id, customer_id, team, feature, environment, experiment_id, variant,
        effective_cost_usd, is_billable, usage_date, started_at
    from {{ ref('fct_llm_requests') }}
),

experiments as (
    select
        experiment_id, feature, environment, randomization_unit, first_date,
        least(last_date, coalesce(decision_date, last_date)) as last_date
    from {{ ref('stg_config__experiments') }}
),

-- An experiment that nobody declared is seen by its requests, each a unit of its own.
tagged as (
    select
        requests.*,
        experiments.feature as declared_feature,
        experiments.environment as declared_environment,
        coalesce(experiments.randomization_unit, 'request') as randomization_unit,
        experiments.last_date,
        case experiments.randomization_unit
            when 'trace' then requests.trace_id when 'session' then requests.session_id when 'customer' then requests.customer_id
        end as shared_unit_id
    from requests
    left join experiments on requests.experiment_id = experiments.experiment_id
    where
        requests.experiment_id is not null
        and requests.variant is not null
        and (
            experiments.experiment_id is null
            or (
                requests.feature = experiments.feature
                and requests.environment = coalesce(experiments.environment, requests.environment)
                and requests.usage_date between experiments.first_date and experiments.last_date
            )
        )
),

-- One row per unit: its first arm, and whether it was seen in another one as well.
units as (
    select
        experiment_id,
        shared_unit_id,
        randomization_unit,
        declared_feature,
        declared_environment,
        last_date,
        arg_min(variant, (started_at, request_id)) as variant,
        count(distinct variant) > 1 as is_crossed,
        min(started_at) as assigned_at
    from tagged
    where shared_unit_id is not null
    group by all
),

of_units as (
    {%- for unit, key in (('trace', 'trace_id'), ('session', 'session_id'), ('customer', 'customer_id')) %}
    select
        units.experiment_id,
        units.variant,
        units.shared_unit_id as unit_id,
        requests.source_name,
        requests.request_id,
        requests.team,
        requests.feature,
        requests.effective_cost_usd,
        requests.is_billable,
        true as is_identified,
        units.is_crossed,
        requests.usage_date,
        requests.started_at
    from units
    inner join requests on units.shared_unit_id = requests.{{ key }}
    where
        units.randomization_unit = '{{ unit }}'
        and requests.started_at >= units.assigned_at
        and requests.usage_date <= units.last_date
        and coalesce(requests.experiment_id, units.experiment_id) = units.experiment_id
        {%- if unit == 'customer' %}
        and requests.feature = units.declared_feature
        and requests.environment = coalesce(units.declared_environment, requests.environment)
        {%- endif %}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

alone as (
    select
        experiment_id,
        variant,
        {{ text_key(['source_name', 'request_id']) }} as unit_id,
        source_name,
        request_id,
        team,
        feature,
        effective_cost_usd,
        is_billable,
        -- A request that should have been part of a session and names none is a unit of its own, for want of better.
        randomization_unit = 'request' as is_identified,
        false as is_crossed,
        usage_date,
        started_at
    from tagged
    where shared_unit_id is null
)

select * from of_units
union all
select * from alone
