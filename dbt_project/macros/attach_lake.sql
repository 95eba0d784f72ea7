{#-
    Shows the lake to dbt: one view `lake.<table>` for each raw table, over the live files that the lake's index lists.
    Of windowed and snapshot tables only the rows of the load that won each day are seen; of logs every row.
    The index is written by `Lake.write_index`; without one, dbt stops with a message that says how to get it.
-#}
{% macro attach_lake() %}
    {{ return(adapter.dispatch('attach_lake', 'tokenatlas')()) }}
{% endmacro %}

{% macro quoted(text_expression) -%}
    '''' || replace({{ text_expression }}, '''', '''''') || ''''
{%- endmacro %}

{% macro duckdb__attach_lake() %}
    {% if execute and flags.WHICH in ('run', 'build', 'test', 'seed', 'snapshot', 'run-operation', 'show', 'compile') %}
        {% set home = env_var('TOKENATLAS_HOME', '.tokenatlas') %}
        {% set index_files = run_query("select count(*) from glob('" ~ home ~ "/lake_index.parquet')").rows[0][0] %}
        {% if index_files == 0 %}
            {{ exceptions.raise_compiler_error(
                "There is no lake index in " ~ home ~ ". Run `tokenatlas run` (or `make demo`) once, or point TOKENATLAS_HOME at the right folder."
            ) }}
        {% endif %}
        {% do run_query("create schema if not exists lake") %}
        {% do run_query("create or replace table lake.lake_index as select * from read_parquet('" ~ home ~ "/lake_index.parquet')") %}
        {% set tables = run_query("
            with
            schemas as (
                select parse_filename(file, true) as table_name, file as file_path
                from glob('" ~ home ~ "/lake_schemas/*.parquet')
            ),
            files as (
                select table_name, file_path, is_whole from read_parquet('" ~ home ~ "/lake_files.parquet')
            ),
            kinds as (
                select table_name, any_value(kind) as kind from lake.lake_index group by table_name
            )
            select
                schemas.table_name,
                concat_ws(', ', " ~ quoted('any_value(schemas.file_path)') ~ ", string_agg(" ~ quoted('files.file_path') ~ ", ', ' order by files.file_path)) as paths,
                coalesce(any_value(kinds.kind) <> 'append', false) or coalesce(not bool_and(files.is_whole), false) as is_filtered
            from schemas
            left join files on schemas.table_name = files.table_name
            left join kinds on schemas.table_name = kinds.table_name
            group by schemas.table_name
        ") %}
        {% for table_name, paths, is_filtered in tables.rows %}
            {% do run_query(
                "create or replace view lake." ~ table_name ~ " as select raw_rows.* from read_parquet([" ~ paths
                ~ "], union_by_name = true, hive_partitioning = false) as raw_rows"
                ~ (" where exists (select 1 from lake.lake_index as days where days.table_name = '" ~ table_name
                   ~ "' and days.data_load_id = raw_rows._load_id and days.day = raw_rows._day)" if is_filtered else '')
            ) %}
        {% endfor %}
    {% endif %}
{% endmacro %}
