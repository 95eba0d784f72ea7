-- Who owns each workload in each span of days. For each dimension: the tag, where it names something known; then the first rule by
-- priority that matches and says so; else `unattributed`. A team without a tag of its own follows from the tagged feature.
with

workloads as (
    select * from {{ ref('dim_workloads') }}
),

rules as (
    select *, row_number() over (order by priority, rule_id) as rule_rank
    from {{ ref('stg_config__attribution_rules') }}
),

owner_names as (
    select * from {{ ref('stg_config__owner_names') }}
),

features as (
    select * from {{ ref('stg_config__features') }}
),

-- Rules begin and end on few days; between two of them owners do not change.
span_starts as (
    select date '0001-01-01' as valid_from_date
    union
    select valid_from_date from rules
    union
    select valid_to_date + 1 from rules where valid_to_date < date '9999-12-31'
),

spans as (
    select
        valid_from_date,
        coalesce(lead(valid_from_date) over (order by valid_from_date) - 1, date '9999-12-31') as valid_to_date
    from span_starts
),

rule_tags as (
    select
        rule_id,
        tag_patterns_json,
        {{ json_keys_of('tag_patterns_json') }} as tag_name
    from rules
    where tag_patterns_json is not null
),

rule_tag_patterns as (
    select rule_id, tag_name, {{ json_text('tag_patterns_json', 'tag_name') }} as tag_pattern
    from rule_tags
),

tag_misses as (
    select distinct workloads.workload_id, rule_tag_patterns.rule_id
    from workloads
    cross join rule_tag_patterns
    where not coalesce(
        case rule_tag_patterns.tag_name
            when 'team' then workloads.team_tag
            when 'feature' then workloads.feature_tag
            when 'environment' then workloads.environment_tag
            else {{ json_text('workloads.tags_json', 'rule_tag_patterns.tag_name') }}
        end like rule_tag_patterns.tag_pattern escape '\',
        false
    )
),

rule_matches as (
    select
        workloads.workload_id,
        rules.rule_id,
        rules.rule_rank,
        rules.team,
        rules.feature,
        rules.environment,
        rules.customer_id,
        rules.valid_from_date,
        rules.valid_to_date
    from workloads
    inner join rules
        on true
        {%- for column in ['provider_name', 'account_id', 'project_id', 'api_key_id', 'model_id', 'service_name'] %}
        and (rules.{{ column }}_pattern is null or coalesce(workloads.{{ column }} like rules.{{ column }}_pattern escape '\', false))
        {%- endfor %}
    left join tag_misses
        on workloads.workload_id = tag_misses.workload_id
        and rules.rule_id = tag_misses.rule_id
    where tag_misses.rule_id is null
),

ruled as (
    select
        rule_matches.workload_id,
        spans.valid_from_date,
        min_by(rule_matches.team, rule_matches.rule_rank) filter (where rule_matches.team is not null) as rule_team,
        min_by(rule_matches.rule_id, rule_matches.rule_rank) filter (where rule_matches.team is not null) as team_rule_id,
        min_by(rule_matches.feature, rule_matches.rule_rank) filter (where rule_matches.feature is not null) as rule_feature,
        min_by(rule_matches.rule_id, rule_matches.rule_rank) filter (where rule_matches.feature is not null) as feature_rule_id,
        min_by(rule_matches.environment, rule_matches.rule_rank) filter (where rule_matches.environment is not null) as rule_environment,
        min_by(rule_matches.customer_id, rule_matches.rule_rank) filter (where rule_matches.customer_id is not null) as rule_customer_id
    from rule_matches
    inner join spans
        on spans.valid_from_date between rule_matches.valid_from_date and rule_matches.valid_to_date
    group by rule_matches.workload_id, spans.valid_from_date
),

tagged as (
    select
        workloads.workload_id,
        workloads.environment_tag,
        team_names.dimension_value as tag_team,
        feature_names.dimension_value as tag_feature,
        features.team as tag_feature_team
    from workloads
    left join owner_names as team_names
        on team_names.dimension_name = 'team'
        and lower(trim(workloads.team_tag)) = team_names.spelling
    left join owner_names as feature_names
        on feature_names.dimension_name = 'feature'
        and lower(trim(workloads.feature_tag)) = feature_names.spelling
    left join features
        on feature_names.dimension_value = features.feature
),

owned as (
    select
        tagged.workload_id,
        coalesce(tagged.tag_team, tagged.tag_feature_team, ruled.rule_team, rule_features.team, 'unattributed') as team,
        coalesce(tagged.tag_feature, ruled.rule_feature, 'unattributed') as feature,
        coalesce(nullif(lower(trim(tagged.environment_tag)), ''), ruled.rule_environment, 'unattributed') as environment,
        ruled.rule_customer_id,
        case
            when coalesce(tagged.tag_team, tagged.tag_feature_team) is not null then 'tag'
            when coalesce(ruled.rule_team, rule_features.team) is not null then 'rule'
            else 'unattributed'
        end as allocation_method,
        case
            when coalesce(tagged.tag_team, tagged.tag_feature_team) is null
                then coalesce(ruled.team_rule_id, case when rule_features.team is not null then ruled.feature_rule_id end)
        end as allocation_rule_id,
        case when tagged.tag_feature is null then ruled.feature_rule_id end as feature_rule_id,
        spans.valid_from_date,
        spans.valid_to_date
    from tagged
    cross join spans
    left join ruled
        on tagged.workload_id = ruled.workload_id
        and spans.valid_from_date = ruled.valid_from_date
    left join features as rule_features
        on ruled.rule_feature = rule_features.feature
)

select * from owned
