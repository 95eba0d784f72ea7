{#-
    Day-wise incremental models.

    Each of them stores, for every day, the fingerprint of the inputs that the day was built from (`intermediate.built_days`).
    A day is built again when its fingerprint of now differs, or when its inputs are gone. So the work follows what changed,
    a run that was killed resumes, and a second run builds nothing. Which fingerprint a model follows is set by its folder in
    dbt_project.yml: `meta.fingerprints` (the model that holds them) and `meta.fingerprint_column`.
-#}
{% macro days_to_build(fingerprints='int_day_fingerprints') %}
    {%- if not execute -%}
        {#- Declares the dependency. -#}
        {%- do ref(fingerprints) -%}
    {%- endif -%}
    {#- `this` is empty in a unit test, where every day is built and no fingerprint is asked for. -#}
    {%- if not execute or not this or not is_incremental() -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set relation = ref(fingerprints) -%}
    {%- set rows = run_query("
        select coalesce(now_days.usage_date, built.usage_date)
        from " ~ relation ~ " as now_days
        full outer join (
            select usage_date, fingerprint from " ~ built_days_relation() ~ " where model_name = '" ~ this.identifier ~ "'
        ) as built
            on now_days.usage_date = built.usage_date
        where now_days." ~ config.get('meta').fingerprint_column ~ " is distinct from built.fingerprint
        order by 1
    ").rows -%}
    {{ return(rows | map(attribute=0) | map('string') | list) }}
{% endmacro %}

{% macro built_days_relation() %}{{ return('intermediate.built_days') }}{% endmacro %}

{% macro create_built_days() %}
    {% do run_query("create schema if not exists intermediate") %}
    {% do run_query(
        "create table if not exists " ~ built_days_relation() ~ " (model_name varchar, usage_date date, fingerprint varchar)"
    ) %}
{% endmacro %}

{#- `usage_date in (…)` for the days to build, or `true` when all of them are built. `around`: neighbouring days are read as well. -#}
{% macro in_days(column, days, around=0) %}
    {%- if days is none -%} true
    {%- elif days | length == 0 -%} false
    {%- else -%}
        {%- set wanted = [] -%}
        {%- for day in days -%}
            {%- for offset in range(-around, around + 1) -%}
                {%- set moved = (modules.datetime.datetime.strptime(day[:10], '%Y-%m-%d') + modules.datetime.timedelta(days=offset)).strftime('%Y-%m-%d') -%}
                {%- if moved not in wanted -%}{%- do wanted.append(moved) -%}{%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
        {{ column }} in ({% for day in wanted %}date '{{ day }}'{% if not loop.last %}, {% endif %}{% endfor %})
    {%- endif -%}
{% endmacro %}

{#- Post-hook: remembers what each day was built from, in the transaction of the build itself. -#}
{% macro record_built_days() %}
    {%- if execute -%}
    {%- set meta = config.get('meta') -%}
    delete from {{ built_days_relation() }} where model_name = '{{ this.identifier }}';
    insert into {{ built_days_relation() }}
    select '{{ this.identifier }}', usage_date, {{ meta.fingerprint_column }} from {{ ref(meta.fingerprints) }};
    {%- endif -%}
{% endmacro %}

{#- Incremental strategy `replace_days`: the days to build are replaced whole, so a day that became empty becomes empty here. -#}
{% macro get_incremental_replace_days_sql(arg_dict) %}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    {%- set days = days_to_build(config.get('meta').fingerprints) -%}
    delete from {{ arg_dict['target_relation'] }} where {{ in_days('usage_date', days) }};
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    (select {{ columns }} from {{ arg_dict['temp_relation'] }})
{% endmacro %}
